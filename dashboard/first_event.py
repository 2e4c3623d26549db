"""A first event, as people send it: the same one by curl, Python, Node and LiteLLM, ready to paste. Pure."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

WORKLOAD = "my-workload"
# Where the key is still to be made.
NO_KEY = "YOUR_KEY"

CURL = """\
curl -sS {address}/api/v1/events \\
  -H "Authorization: Bearer {key}" \\
  -H "Content-Type: application/json" \\
  -d '{event}'"""
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
    event = {
        "workload": WORKLOAD,
        "primary": "premium-chat",
        "fallback": "baseline-chat",
        "status": 529,
        "reason": "first event",
        "request_id": request_id,
    }
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


def written(event: dict[str, object]) -> str:
    """Write the event as JSON, two fields a line."""
    pairs = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in event.items()]
    lines = [", ".join(pairs[start : start + 2]) for start in range(0, len(pairs), 2)]
    return "{" + ",\n       ".join(lines) + "}"


def new_request_id() -> str:
    """Return the request id of a first event: the page that shows it waits for this one."""
    return f"first-event-{secrets.token_hex(4)}"
