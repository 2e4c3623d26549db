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

# In the place of a password that its owner has chosen.
CHANGED = "(changed)"


def text(demo: Path) -> str:
    """Return the address, the logins, the key and a first event, from `var/demo.json`."""
    told = json.loads(demo.read_text())
    width = max(len(login["username"]) for login in told["logins"])
    logins = "\n".join(
        f"    {login['username']:{width}}  {login['password'] or CHANGED}  {', '.join(login['roles'])}"
        for login in told["logins"]
    )
    return f"""
The fallback observatory is on  {told["address"]}

  Logins (name, password, roles):
{logins}

{services(told["address"], told["api_key"], told["ended_key"])}

  The same stands in {demo}. Ctrl-C stops all of it.
"""


def services(address: str, key: str | None, ended: str | None) -> str:
    """Return what a service needs."""
    if key is None:
        return (
            f"  The demo's key for services ({ended}…) is no longer good. Make another on the page Keys, or remove\n"
            "  the file below: the next start makes new passwords and a new key."
        )
    return f"""  A key for services:  {key}

  Send a first event, and see it on the overview:
    {curl(address, key)}"""


def curl(address: str, key: str) -> str:
    """Return the line that posts one event."""
    return (
        f"curl -sS {address}/api/v1/events -H 'Authorization: Bearer {key}' "
        f"-H 'Content-Type: application/json' -d {shlex.quote(json.dumps(EVENT))}"
    )
