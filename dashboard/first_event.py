"""What to do with a key, ready to paste: a first event by curl, Python, Node and LiteLLM, lines for any key. Pure."""

import json
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from fallbacks.scopes import MANAGE

WORKLOAD = "my-workload"
# Where the key is still to be made.
NO_KEY = "YOUR_KEY"

CURL = """\
curl -sS {address}/api/v1/events \\
  -H "Authorization: Bearer {key}" \\
  -H "Content-Type: application/json" \\
  -d '{event}'"""
COUNT = """\
curl -sS {address}/api/v1/traffic \\
  -H "Authorization: Bearer {key}" \\
  -H "Content-Type: application/json" \\
  -d '{{"counts": [{count}]}}'"""
LOOK = """\
curl -sS "{address}{path}" \\
  -H "Authorization: Bearer {key}\""""
# What a key that sends nothing is tried with: the first of these that it may read.
READS = {
    "rates:read": "/api/v1/rates",
    "events:read": "/api/v1/events",
    "policy:read": "/api/v1/policies",
    MANAGE: "/api/v1/keys",
    "metrics:read": "/metrics",
}
# As the callback for LiteLLM reads them.
ENVIRONMENT = """\
export OBSERVATORY_URL={address}
export OBSERVATORY_KEY={key}"""
PYTHON = """\
import json, urllib.request

event = {event}
request = urllib.request.Request(
    "{address}/api/v1/events",
    json.dumps(event).encode(),
    {{
        "Authorization": "Bearer {key}",
        "Content-Type": "application/json",
    }},
)
print(urllib.request.urlopen(request).read().decode())"""
NODE = """\
const event = {event};
fetch("{address}/api/v1/events", {{
  method: "POST",
  headers: {{
    "Authorization": "Bearer {key}",
    "Content-Type": "application/json",
  }},
  body: JSON.stringify(event),
}}).then((answer) => answer.text()).then(console.log);"""
LITELLM = """\
import litellm
from observatory_logger import ObservatoryLogger

litellm.callbacks = [ObservatoryLogger("{address}", "{key}")]
router = litellm.Router(model_list=..., fallbacks=[{{"premium-chat": ["baseline-chat"]}}])"""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to send it: what it is called, what to do with the text, and the text."""

    key: str
    word: str
    hint: str
    text: str


def ways(address: str, key: str, request_id: str) -> Sequence[Way]:
    """Return all ways; each text holds the address and the key, of which both are harmless in quotes."""
    event = first(request_id)
    named = "" if key == NO_KEY else " The key is already in it."
    told = (
        ("curl", "curl", f"Paste this in a terminal.{named}", CURL),
        ("python", "Python", f"Paste this after python3; it needs nothing installed.{named}", PYTHON),
        ("node", "Node", f"Paste this after node, version 18 or later.{named}", NODE),
        (
            "litellm",
            "LiteLLM",
            f"Copy examples/litellm/observatory_logger.py beside your router: it reports every fallback.{named}",
            LITELLM,
        ),
    )
    return [
        Way(name, word, hint, text.format(address=address, key=key, event=written(event)))
        for name, word, hint, text in told
    ]


def first(request_id: str, workload: str = "", environment: str = "") -> dict[str, object]:
    """Return the event; of a workload and environment of one's own where the key is for these alone."""
    event = {
        "workload": workload or WORKLOAD,
        "primary": "premium-chat",
        "fallback": "baseline-chat",
        "status": 529,
        "reason": "first event",
        "request_id": request_id,
    }
    return event | ({"environment": environment} if environment else {})


def environment(address: str, key: str) -> str:
    """Return the lines that put a key into the environment of a service."""
    return ENVIRONMENT.format(address=address, key=key)


def trial(
    address: str,
    key: str,
    now: datetime,
    scopes: Collection[str],
    workloads: Sequence[str] = (),
    environments: Sequence[str] = (),
) -> str:
    """Return a command by which a key is tried; empty where there is none that harms nothing."""
    workload, at = (found[0] if found else "" for found in (workloads, environments))
    if "events:write" in scopes:
        return CURL.format(address=address, key=key, event=written(first(new_request_id(), workload, at)))
    if "traffic:write" in scopes:
        start = f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:00Z}"
        count = {"workload": workload or WORKLOAD, "start": start, "seconds": 60, "requests": 1}
        count |= {"environment": at} if at else {}
        return COUNT.format(address=address, key=key, count=written(count))
    path = next((path for scope, path in READS.items() if scope in scopes), "")
    if at and path in ("/api/v1/rates", "/api/v1/events"):
        path += f"?environment={at}"
    return LOOK.format(address=address, key=key, path=path) if path else ""


def written(event: dict[str, object]) -> str:
    """Write the event as JSON, two fields a line."""
    pairs = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in event.items()]
    lines = [", ".join(pairs[start : start + 2]) for start in range(0, len(pairs), 2)]
    return "{" + ",\n       ".join(lines) + "}"


def new_request_id() -> str:
    """Return the request id of a first event: the page that shows it waits for this one."""
    return f"first-event-{secrets.token_hex(4)}"
