"""The form of a new key: its fields, and what is meant by what was typed in them. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from dashboard.policies import typed
from dashboard.policies.fields import Choice, Field
from fallbacks.scopes import SCOPES

NEVER = "never"
DAYS = ("30", "90", "365")
LENGTHS = (*(Choice(days, f"in {days} days") for days in DAYS), Choice(NEVER, "never"))
FIELDS = (
    Field(name="name", label="Name", kind="text", hint="what will hold it, such as support-gateway"),
    Field(
        name="scopes",
        label="What it may do",
        kind="many",
        hint="no more than it needs",
        choices=tuple(Choice(scope, scope, words) for scope, words in SCOPES.items()),
    ),
    Field(name="workloads", label="Workloads", kind="names", hint="separated by commas; empty: every workload"),
    Field(name="environments", label="Environments", kind="names", hint="separated by commas; empty: every one"),
    Field(name="expires", label="Ends", kind="choice", hint="rotate it before, and nothing stops", choices=LENGTHS),
    Field(name="rate", label="Rate", kind="whole", hint="empty: as the settings say", unit="items a second"),
)
USUAL: dict[str, Sequence[str]] = {"scopes": ["events:write", "traffic:write"], "expires": ["90"]}


def data(written: dict[str, Sequence[str]], now: datetime) -> dict[str, Any]:
    """Return the key that is meant, as `fallbacks.key_drafts.draft` takes it."""
    body = typed.body(FIELDS, written)
    days = body.pop("expires")
    if days in DAYS:
        end: datetime | str | None = now + timedelta(days=int(days))
    else:
        # Nobody who chose nothing gets a key for ever.
        end = None if days == NEVER else ""
    return body | {"expires_at": end}
