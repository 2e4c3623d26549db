"""Run by the tests where LiteLLM is installed: one check by name, its findings as JSON."""

import asyncio
import json
import os
import sys
import time
from collections import Counter
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["LITELLM_LOG"] = "CRITICAL"

import litellm

from tests.litellm.collector import Collector, running_collector

from observatory_logger import ObservatoryLogger  # isort: skip - the line above makes it findable
from stub_server import StubServer, running_stub  # isort: skip

litellm.suppress_debug_info = True


def make_router(stub: StubServer, **options: Any) -> Any:
    def deployment(model: str, number: int) -> dict[str, Any]:
        params = {"model": f"openai/{model}", "api_base": f"{stub.address}/v1", "api_key": "none"}
        return {"model_name": model, "litellm_params": params, "model_info": {"id": f"{model}-{number}"}}

    deployments = [deployment(model, number) for model in ("big", "lonely", "small") for number in (1, 2)]
    return litellm.Router(model_list=deployments, fallbacks=[{"big": ["small"]}], num_retries=0, timeout=5, **options)


async def call(router: Any, model: str, threaded: bool = False, **options: Any) -> str:
    options |= {"model": model, "messages": [{"role": "user", "content": "PRIVATE"}]}
    try:
        if threaded:
            await asyncio.to_thread(lambda: router.completion(**options))
        else:
            await router.acompletion(**options)
    except Exception as error:
        return type(error).__name__
    return "answered"


def logged(collector: Collector) -> dict[str, Any]:
    events = Counter(f"{e['primary']} {e['fallback']} {e['status']} {e['outcome']}" for e in collector.events)
    traffic: Counter[str] = Counter()
    for count in collector.counts:
        traffic[count["model"]] += count["requests"]
    return {"events": dict(events), "traffic": dict(traffic), "private": "PRIVATE" in json.dumps(collector.bodies)}


async def cooldown(stub: StubServer, collector: Collector, threaded: bool) -> dict[str, Any]:
    """A router that has taken every deployment of a group out of service turns requests away by itself."""
    logger = ObservatoryLogger(collector.address, "k")
    litellm.callbacks = [logger]
    stub.by_model = {"big": "503", "lonely": "503"}
    router = make_router(stub, allowed_fails=0, cooldown_time=60)
    for model in ("big", "lonely"):
        for _ in range(5):
            await call(router, model, threaded)
            await asyncio.sleep(0.1)
    logger.close(timeout=10)
    return logged(collector)


async def elapsed(stub: StubServer, address: str | None) -> dict[str, Any]:
    """How long requests take with a logger for this address, or with none, and what they came to."""
    logger = ObservatoryLogger(address, "k", interval=0.1) if address else None
    litellm.callbacks = [logger] if logger else []
    stub.by_model = {"big": "503"}
    router = make_router(stub, disable_cooldowns=True)
    await call(router, "big")
    began, results = time.perf_counter(), Counter[str]()
    for _ in range(20):
        results[await call(router, "big")] += 1
    seconds = time.perf_counter() - began
    if logger:
        logger.close(timeout=0.1)
    return {"seconds": round(seconds, 3), "results": dict(results)}


async def speed(stub: StubServer, collector: Collector) -> dict[str, Any]:
    collector.hang.set()
    await elapsed(stub, None)
    runs = {"none": None, "unreachable": "http://127.0.0.1:9", "hanging": collector.address}
    return {name: await elapsed(stub, address) for name, address in runs.items()}


def main() -> None:
    with running_stub() as stub, running_collector() as collector:
        checks = {
            "cooldown": lambda: cooldown(stub, collector, threaded=False),
            "cooldown-threaded": lambda: cooldown(stub, collector, threaded=True),
            "speed": lambda: speed(stub, collector),
        }
        print(json.dumps(asyncio.run(checks[sys.argv[1]]())))
        collector.hang.clear()


if __name__ == "__main__":
    main()
