"""Drive requests through a real `litellm.Router` against the stub server, with the observatory's logger attached.

What it prints comes from the stub's own log and from what each caller got back, never from the logger: so it can be
compared with what the product shows.
"""

import argparse
import asyncio
import json
import os
import random
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

# LiteLLM would fetch a price list when it is imported, and send figures about itself later: neither is wanted here.
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
os.environ.setdefault("LITELLM_LOG", "CRITICAL")

import litellm
from observatory_logger import ObservatoryLogger, Status
from stub_server import Seen, StubServer, running_stub

FALLBACKS = [
    {"premium-chat": ["baseline-chat", "spare-chat"]},
    {"economy-extract": ["baseline-extract"]},
    {"vision-large": ["vision-base"]},
]
PRIMARIES = {
    "litellm-chat": "premium-chat",
    "litellm-extraction": "economy-extract",
    "litellm-code": "strong-code",
    "litellm-images": "vision-large",
}
MODELS = [*PRIMARIES.values(), "baseline-chat", "spare-chat", "baseline-extract", "vision-base"]
CLIENT_TIMEOUT = 3.0
AT_ONCE = 20
PROMPT = "PRIVATE-PROMPT: nobody but the model may read this."
STATUS_OF_ANSWER: dict[str, Status] = {"slow": "timeout", "cut": "connection_error", "cut-stream": "connection_error"}


@dataclass(frozen=True, slots=True)
class Planned:
    """One request: how it is made, and how the stub answers each model that it may reach."""

    request_id: str
    workload: str
    stream: bool
    threaded: bool
    retries: int
    script: dict[str, str]


@dataclass(slots=True)
class Got:
    """What the caller got: the text of an answer, or the exception's class."""

    text: str = ""
    error: str = ""


@dataclass(slots=True)
class Record:
    requests: dict[str, int]
    events: list[dict[str, Any]]
    stub_answers: dict[str, dict[str, int]]
    caller: dict[str, int]
    disagreements: list[str] = field(default_factory=list)
    delivered: bool = False
    dropped: int = 0
    seconds: float = 0.0


def plan(requests: int, seed: int) -> list[Planned]:
    chance = random.Random(seed)  # noqa: S311 - a plan that can be repeated is what is wanted
    return [one(chance, f"{seed}-{number:05}") for number in range(requests)]


def one(chance: random.Random, request_id: str) -> Planned:
    workload = chance.choices(list(PRIMARIES), weights=[5, 3, 3, 2])[0]
    stream = chance.random() < 0.3
    primary_answers = {"200": 60, "503": 9, "429": 6, "400": 6, "500": 4, "slow": 3, "cut": 6, "503 200": 3}
    if stream:
        primary_answers["cut-stream"] = 6
    answer = chance.choices(list(primary_answers), weights=list(primary_answers.values()))[0]
    script = {PRIMARIES[workload]: answer}
    for model in ("baseline-chat", "spare-chat", "baseline-extract", "vision-base"):
        script[model] = chance.choices(["200", "503", "429", "cut"], weights=[85, 5, 5, 5])[0]
    return Planned(request_id, workload, stream, chance.random() < 0.4, 1 if answer == "503 200" else 0, script)


def make_router(stub: StubServer) -> "litellm.Router":
    deployments = [
        {
            "model_name": model,
            "litellm_params": {"model": f"openai/{model}", "api_base": f"{stub.address}/v1", "api_key": "none"},
        }
        for model in MODELS
    ]
    # A cooldown would make the plan depend on timing: a router that is cooling down does not call its primary.
    return litellm.Router(
        model_list=deployments, fallbacks=FALLBACKS, num_retries=0, timeout=CLIENT_TIMEOUT, disable_cooldowns=True
    )


async def make_request(router: "litellm.Router", planned: Planned) -> Got:
    call = {
        "model": PRIMARIES[planned.workload],
        "messages": [{"role": "user", "content": PROMPT}],
        "stream": planned.stream,
        "num_retries": planned.retries,
        "metadata": {"workload": planned.workload},
        "extra_headers": {"X-Request-Id": planned.request_id},
    }
    try:
        if planned.threaded:
            return Got(text=await asyncio.to_thread(read_sync, router, call))
        answer = await router.acompletion(**call)
        return Got(text=text_of([chunk async for chunk in answer] if planned.stream else answer))
    except Exception as error:
        return Got(error=type(error).__name__)


def read_sync(router: "litellm.Router", call: dict[str, Any]) -> str:
    answer = router.completion(**call)
    return text_of(list(answer) if call["stream"] else answer)


def text_of(answer: Any) -> str:
    if isinstance(answer, list):
        return "".join(chunk.choices[0].delta.content or "" for chunk in answer if chunk.choices)
    return str(answer.choices[0].message.content)


async def run_plan(router: "litellm.Router", planned: list[Planned]) -> list[Got]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one_at_a_time(request: Planned) -> Got:
        async with gate:
            return await make_request(router, request)

    return await asyncio.gather(*(one_at_a_time(request) for request in planned))


def record(planned: list[Planned], got: list[Got], seen: list[Seen]) -> Record:
    """What happened, from the stub's log and the callers' answers alone."""
    calls: dict[str, list[Seen]] = {request.request_id: [] for request in planned}
    answers: dict[str, Counter[str]] = {model: Counter() for model in MODELS}
    for call in seen:
        calls[call.request_id].append(call)
        answers[call.model][call.answer] += 1
    events: Counter[tuple[str, str, str | None, Status, str]] = Counter()
    disagreements = []
    for request, outcome in zip(planned, got, strict=True):
        event, complaint = event_of(request, outcome, calls[request.request_id])
        if event:
            events[event] += 1
        if complaint:
            disagreements.append(f"{request.request_id}: {complaint}")
    names = ("workload", "primary", "fallback", "status", "outcome")
    return Record(
        requests=dict(Counter(request.workload for request in planned)),
        events=[dict(zip(names, event, strict=True)) | {"count": n} for event, n in sorted(events.items(), key=str)],
        stub_answers={model: dict(counter) for model, counter in answers.items()},
        caller=dict(Counter(outcome.error or "answered" for outcome in got)),
        disagreements=disagreements,
    )


def event_of(
    request: Planned, got: Got, calls: list[Seen]
) -> tuple[tuple[str, str, str | None, Status, str] | None, str]:
    """The event that this request should have made, if any; and what stub and caller disagree about, if anything."""
    primary = PRIMARIES[request.workload]
    if not calls or calls[0].model != primary:
        return None, "the stub did not see the primary called first"
    last = calls[-1]
    if (last.answer == "200") != (not got.error) or (not got.error and got.text != f"Hello from {last.model}"):
        return None, f"the stub's last answer was {last.answer} by {last.model}, the caller got {got}"
    if last.model == primary and not got.error:
        return None, ""
    others = [call.model for call in calls if call.model != primary]
    fallback = last.model if not got.error else others[0] if others else None
    answer = [call.answer for call in calls if call.model == primary][-1]
    status = STATUS_OF_ANSWER[answer] if answer in STATUS_OF_ANSWER else int(answer)
    return (request.workload, primary, fallback, status, "failed" if got.error else "served"), ""


def drive(address: str, key: str, requests: int, seed: int, environment: str = "production") -> Record:
    began = time.monotonic()
    # One process is router and callers at once, beside the stub: on a busy machine its next attempt may come late.
    logger = ObservatoryLogger(address, key, environment=environment, interval=0.5, settle=10.0)
    litellm.callbacks = [logger]
    litellm.suppress_debug_info = True
    litellm.telemetry = False
    planned = plan(requests, seed)
    with running_stub() as stub:
        for request in planned:
            stub.script |= {(request.request_id, model): answer for model, answer in request.script.items()}
        got = asyncio.run(run_plan(make_router(stub), planned))
        # LiteLLM tells of a stream's end from a task or a thread of its own.
        time.sleep(0.5)
        delivered = logger.close(timeout=30.0)
        result = record(planned, got, list(stub.seen))
    result.delivered = delivered and not logger.shipper.lost
    result.dropped = logger.dropped
    result.seconds = round(time.monotonic() - began, 2)
    return result


def demo_credentials() -> tuple[str | None, str | None]:
    """Address and key of the product that `make run` started."""
    home = Path(os.environ.get("FALLBACKS_HOME") or Path(__file__).resolve().parents[2])
    for path in (home / "var" / "demo.json", home / "demo.json"):
        if path.is_file():
            demo = json.loads(path.read_text())
            return demo.get("address"), demo.get("api_key")
    return None, None


def summary(result: Record, address: str) -> str:
    total, left = sum(result.requests.values()), sum(event["count"] for event in result.events)
    served = sum(event["count"] for event in result.events if event["outcome"] == "served")
    calls = sum(sum(answers.values()) for answers in result.stub_answers.values())
    lines = [
        f"{total} requests made {calls} calls to the stub in {result.seconds} s:",
        f"  {total - left} answered by their primary, {served} by a fallback, {left - served} not at all.",
        "",
        f"  {'workload':20}{'primary':18}{'fallback':18}{'status':18}{'outcome':9}{'events':>6}",
    ]
    for event in result.events:
        cells = [str(event[name] or "none") for name in ("workload", "primary", "fallback", "status")]
        lines.append(f"  {cells[0]:20}{cells[1]:18}{cells[2]:18}{cells[3]:18}{event['outcome']:9}{event['count']:6}")
    lines += ["", *(f"  DISAGREEMENT {line}" for line in result.disagreements)]
    if result.delivered and not result.dropped:
        lines.append(f"All of it was posted. Look at the workloads {', '.join(result.requests)} on {address}/")
    else:
        lines.append("Not all of it was posted: see the log lines above. Is the product running, and the key right?")
    return "\n".join(lines)


def main() -> int:
    address, key = demo_credentials()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--address", default=address, help="the product's address; absent: of the running `make run`")
    parser.add_argument("--key", default=key, help="a key with the scopes events:write and traffic:write")
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--environment", default="production")
    parser.add_argument("--json", action="store_true", help="print a record for programs instead of a summary")
    options = parser.parse_args()
    if not options.address or not options.key:
        print("Start the product with `make run` first, or name one with --address and --key.", file=sys.stderr)
        return 2
    result = drive(options.address.rstrip("/"), options.key, options.requests, options.seed, options.environment)
    print(json.dumps(asdict(result)) if options.json else summary(result, options.address.rstrip("/")))
    return 0 if result.delivered and not result.dropped and not result.disagreements else 1


if __name__ == "__main__":
    sys.exit(main())
