"""Run by the tests where LiteLLM is installed: what a router made of an exported configuration does, as JSON."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["LITELLM_LOG"] = "CRITICAL"
os.environ.update(dict.fromkeys(("MERIDIAN_API_BASE", "TESSERA_API_BASE", "HALCYON_API_BASE"), "http://127.0.0.1:9/v1"))
os.environ.update(dict.fromkeys(("MERIDIAN_API_KEY", "TESSERA_API_KEY", "HALCYON_API_KEY"), "none"))

import litellm
import yaml

litellm.suppress_debug_info = True


def answer_of(config: dict[str, Any], model: str, broken: dict[str, str], **options: bool) -> str:
    """Return which model answers, or the exception; each of `broken` raises the exception that it is given."""
    models = [
        each
        | {
            "litellm_params": each["litellm_params"]
            | {"mock_response": broken.get(each["model_name"], each["model_name"])}
        }
        for each in config["model_list"]
    ]
    router = litellm.Router(model_list=models, num_retries=0, disable_cooldowns=True, **config["router_settings"])
    try:
        answer = asyncio.run(router.acompletion(model=model, messages=[{"role": "user", "content": "x"}], **options))
    except Exception as error:
        return type(error).__name__
    return str(answer.choices[0].message.content)


def main() -> None:
    config = yaml.safe_load(Path(sys.argv[1]).read_text())
    down, long = "litellm.InternalServerError", "litellm.ContextWindowExceededError"
    cases: dict[str, tuple[str, dict[str, str]]] = {
        "enabled": ("premium-chat", {"premium-chat": down}),
        "not enabled": ("strong-code", {"strong-code": down}),
        "too long": ("premium-chat", {"premium-chat": long}),
        "a chain": ("premium-chat", {"premium-chat": down, "baseline-chat": down}),
    }
    answers = {name: answer_of(config, *case) for name, case in cases.items()}
    # LiteLLM's own way to raise that exception.
    answers["filtered"] = answer_of(config, "premium-chat", {}, mock_testing_content_policy_fallbacks=True)
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
