"""What `make run` prints when everything is up."""

import json
import shlex
from pathlib import Path

EVENT = {
    "workload": "support-chat",
    "primary": "premium-chat",
    "fallback": "baseline-chat",
    "status": 503,
    "reason": "overloaded",
}


def text(demo: Path) -> str:
    """Return the address, the logins, the key and a first event, from `var/demo.json`."""
    told = json.loads(demo.read_text())
    width = max(len(login["username"]) for login in told["logins"])
    logins = "\n".join(
        f"    {login['username']:{width}}  {login['password']}  {', '.join(login['roles'])}" for login in told["logins"]
    )
    return f"""
The fallback observatory is on  {told["address"]}

  Logins (name, password, roles):
{logins}

  A key for services:  {told["api_key"]}

  Send a first event, and see it on the overview:
    {curl(told["address"], told["api_key"])}

  The same stands in {demo}. Ctrl-C stops all of it.
"""


def curl(address: str, key: str) -> str:
    """Return the line that posts one event."""
    return (
        f"curl -sS {address}/api/v1/events -H 'Authorization: Bearer {key}' "
        f"-H 'Content-Type: application/json' -d {shlex.quote(json.dumps(EVENT))}"
    )
