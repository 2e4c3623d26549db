"""A configuration for a LiteLLM router: the catalogue, and the fallbacks of routes that are enabled, and only those.

Pure. Known of LiteLLM, and tried with the version that examples/litellm pins: it falls back for a group of models,
whoever asks, and on any error; where a group has no fallbacks for contexts that are too long, it takes the general
ones; and a fallback that fails has its own fallbacks tried.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from fallbacks.policy import Model, Policy

HEAD = """\
# A LiteLLM router's configuration, as `manage.py export_litellm` wrote it: fallbacks of enabled routes, and only those.
#
# LiteLLM cannot be told all that a policy says. It falls back for whoever asks a model, a workload without a policy
# included, and on any error whatever the triggers name, but for a context that is too long or a content policy. It
# tells no user, and knows no tiers. Ask before a fallback (POST /api/v1/decisions), or see which events broke a rule.
#
"""
# Prefixes by which LiteLLM knows providers. Any other is taken for an address of its own that speaks OpenAI's API.
PROVIDERS = frozenset(
    (
        *("anthropic", "azure", "azure_ai", "bedrock", "cerebras", "cohere", "databricks", "deepinfra", "deepseek"),
        *("fireworks_ai", "gemini", "groq", "hosted_vllm", "huggingface", "mistral", "moonshot", "nvidia_nim"),
        *("ollama", "openai", "openrouter", "perplexity", "replicate", "sagemaker", "together_ai", "vertex_ai"),
        *("watsonx", "xai"),
    )
)


@dataclass(frozen=True, slots=True)
class Route:
    """A workload's policy, and whether its route is enabled."""

    policy: Policy
    enabled: bool


def configuration(models: Iterable[Model], routes: Sequence[Route]) -> str:
    """Return the configuration as YAML, with comments for what it leaves out and why."""
    by_primary: dict[str, list[Route]] = defaultdict(list)
    for route in routes:
        by_primary[route.policy.primary].append(route)
    left_out = {primary: why for primary, known in by_primary.items() for why in [_why_not(known)] if why}
    kept = {primary: known for primary, known in sorted(by_primary.items()) if primary not in left_out}
    data = {"model_list": [_deployment(model) for model in models], "router_settings": _settings(kept)}
    return "\n".join(
        [
            HEAD + "# Left out:" + ("" if left_out else " nothing."),
            *(f"# - {primary}: {why}" for primary, why in sorted(left_out.items())),
            "",
            yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=float("inf")),
        ]
    )


def _why_not(routes: Sequence[Route]) -> str:
    """Return why a primary gets no fallback; empty where it does.

    LiteLLM would fall back for all workloads that have this primary: so all of them must agree.
    """
    closed = [_closed(route) for route in routes if not route.enabled]
    if len(closed) == len(routes):
        return "; ".join(closed)
    workloads = ", ".join(route.policy.workload for route in routes if route.enabled)
    if closed:
        return f"enabled for {workloads}, but LiteLLM would fall back for others too: {'; '.join(closed)}"
    if len({route.policy.fallback for route in routes}) > 1:
        return f"{workloads} have other fallbacks than each other, and LiteLLM knows one for all"
    return ""


def _closed(route: Route) -> str:
    policy = route.policy
    if policy.fallback is None:
        return f"{policy.workload} has no fallback"
    return f"{policy.workload} has {policy.fallback} as its fallback, which is not enabled for users"


def _deployment(model: Model) -> dict[str, Any]:
    head, slash, _ = model.name.partition("/")
    provider = _word(model.provider).lower()
    if slash and head in PROVIDERS:
        params = {"model": model.name}
    elif provider in PROVIDERS:
        params = {"model": f"{provider}/{model.name}"}
    else:
        name = _word(model.provider).upper()
        params = {
            "model": f"openai/{model.name}",
            "api_base": f"os.environ/{name}_API_BASE",
            "api_key": f"os.environ/{name}_API_KEY",
        }
    return {"model_name": model.name, "litellm_params": params}


def _word(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_") or "PROVIDER"


def _settings(kept: Mapping[str, Sequence[Route]]) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "fallbacks": [{primary: [routes[0].policy.fallback]} for primary, routes in kept.items()],
        # Empty ones, for these never fall back: without them the general ones would serve.
        "context_window_fallbacks": [{primary: []} for primary in kept],
        "content_policy_fallbacks": [{primary: []} for primary in kept],
        # A fallback's own fallback is another route.
        "max_fallbacks": 1,
    }
    retries = {
        primary: {"RateLimitErrorRetries": max(route.policy.min_attempts for route in limited) - 1}
        for primary, routes in kept.items()
        if (limited := [route for route in routes if "rate_limit" in route.policy.triggers])
    }
    return settings | ({"model_group_retry_policy": retries} if retries else {})
