"""A real LiteLLM router takes the exported configuration, and falls back where a route is enabled and nowhere else."""

from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone

from fallbacks import policies
from fallbacks.local import demo_rulebook
from fallbacks.local.demo_policies import SUPPORT
from tests.litellm.conftest import RunExample
from tests.policy import on_the_way as way
from tests.policy.stored import verify

CHECKS = Path(__file__).with_name("exported_checks.py")
pytestmark = pytest.mark.usefixtures("database")


def test_a_router_falls_back_on_enabled_routes_alone(tmp_path: Path, run_with_litellm: RunExample) -> None:
    demo_rulebook.load(timezone.now())
    # The fallback of one route is the primary of another: both in a chain are a route that nobody enabled.
    pair = {"primary": "baseline-chat", "fallback": "mini-chat"}
    policies.put("chained", {**SUPPORT, **pair, "workload": "chained", "payload_classes": ["chat"]}, "tests")
    verify("chat", workload="chained", primary="baseline-chat", fallback="mini-chat")
    way.enable("chained", "baseline-chat", "mini-chat")
    call_command("export_litellm", str(tmp_path / "config.yaml"))
    assert run_with_litellm(CHECKS, str(tmp_path / "config.yaml")) == {
        "enabled": "baseline-chat",
        "not enabled": "InternalServerError",
        "too long": "ContextWindowExceededError",
        "a chain": "InternalServerError",
        "filtered": "ContentPolicyViolationError",
    }
