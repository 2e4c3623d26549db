"""Entries of the audit log in plain words: what somebody did, to be read after their name. Pure.

Whoever could write to the database could have written anything: what is not understood is left out, and never fails.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard import timezone, words
from dashboard.policies.field_words import LABELS
from fallbacks.audit import BY_ITSELF
from fallbacks.models import AuditEntry

Details = Mapping[str, Any]
# More fields than these are counted.
MOST_FIELDS = 4


@dataclass(frozen=True, slots=True)
class Told:
    """What was done, after the name of who did it; `quoted` is what they said themselves, if anything."""

    did: str
    quoted: str = ""


def details_of(entry: AuditEntry) -> Details:
    """Return the details of an entry; none where they are no JSON object."""
    try:
        found = json.loads(entry.details)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def told(entry: AuditEntry) -> Told:
    """Say what an entry tells."""
    say = SAYS.get(entry.action)
    return say(details_of(entry), entry.subject) if say else Told(entry.action)


def icon(action: str) -> str:
    """Return the icon of an action."""
    return ICONS.get(action, "circle-dashed")


def short(hash_: str) -> str:
    """Write a hash as people compare it: 9c1e…77a0."""
    return f"{hash_[:4]}…{hash_[-4:]}" if len(hash_) > 8 else hash_


def text(details: Details, name: str) -> str:
    """Return a detail that is a text or a number; empty where it is anything else."""
    found = details.get(name)
    return str(found) if isinstance(found, (str, int)) and not isinstance(found, bool) else ""


def pair(details: Details) -> str:
    return f"{text(details, 'primary')} → {text(details, 'fallback')}"


def evidence(details: Details) -> str:
    """Say what a step rested on: policy v3, 19 of 20 samples passed."""
    version, scored, passed = (text(details, name) for name in ("policy_version", "scored", "passed"))
    passing = f"{passed} of {scored} samples passed" if scored not in ("", "0") else ""
    parts = [f"policy v{version}" if version else "", passing]
    return ", ".join(filter(None, parts))


def changed(details: Details) -> str:
    """Name the fields that differ."""
    found = details.get("changed")
    fields = [each.get("field", "") for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    labels = [LABELS.get(str(field), str(field)) for field in fields]
    more = len(labels) - MOST_FIELDS
    return words.both([*labels[:MOST_FIELDS], f"{more} more"] if more > 0 else labels)


def day(details: Details, name: str) -> str:
    """Write a time of the details as a day, in the viewer's zone."""
    try:
        return words.date(datetime.fromisoformat(text(details, name)), timezone.current(), year=True)
    except ValueError:
        return ""


def is_first(details: Details) -> bool:
    """Tell whether there was nothing before: no field had a value."""
    found = details.get("changed")
    return isinstance(found, list) and all(isinstance(each, dict) and each.get("before") is None for each in found)


def _policy(details: Details, subject: str) -> Told:
    if is_first(details) and subject == "version 1":
        return Told("wrote the policy, version 1")
    return Told(f"changed the policy in {changed(details) or 'nothing'}: {subject}")


def _model(details: Details, subject: str) -> Told:
    if is_first(details):
        return Told(f"put the model {subject} into the catalogue")
    return Told(f"changed the model {subject} in {changed(details) or 'nothing'}")


def _verified(details: Details, subject: str) -> Told:
    verdict = "verified" if details.get("passed") is True else "found not to work:"
    return Told(f"{verdict} {text(details, 'payload_class')} of {pair(details)}")


def _step(did: str) -> Callable[[Details, str], Told]:
    def say(details: Details, subject: str) -> Told:
        rested = evidence(details)
        return Told(f"{did}{f' ({rested})' if rested else ''}", text(details, "why"))

    return say


def _enabled(details: Details, subject: str) -> Told:
    until, asked_by = day(details, "until"), text(details, "asked_by")
    did = f"enabled {pair(details)} for users{f' until {until}' if until else ''}"
    rested = ", ".join(filter(None, [f"asked by {asked_by}" if asked_by else "", evidence(details)]))
    return Told(f"{did}{f' ({rested})' if rested else ''}", text(details, "why"))


def _sent_back(details: Details, subject: str) -> Told:
    was, why = text(details, "was"), text(details, "why")
    return Told(f"sent the route back to proposed{f', it was {was}' if was else ''}{f': {why}' if why else ''}")


def _scored(details: Details, subject: str) -> Told:
    # What the first of several reviewers said is not for the second to know.
    if not isinstance(details.get("settled"), bool):
        return Told(f"scored {subject}, which waits for another reviewer")
    return Told(f"scored {subject}, which {'passed' if details['settled'] else 'failed'}")


def _handed_back(details: Details, subject: str) -> Told:
    found = details.get("samples")
    count = len(found) if isinstance(found, list) else 0
    return Told(f"handed {count} sample{'' if count == 1 else 's'} back", text(details, "reason"))


def _rotated(details: Details, subject: str) -> Told:
    ends, new = day(details, "ends"), text(details, "new")
    goes_on = f", which goes on until {ends}" if ends else ""
    return Told(f"made {new}… in the place of the key {text(details, 'name')} ({subject}…){goes_on}")


def _roles(details: Details, subject: str) -> Told:
    roles = details.get("roles")
    if isinstance(before := details.get("before"), list):
        return Told(f"changed the roles of {subject} from {listed(before) or 'none'} to {listed(roles) or 'none'}")
    several = "s" if isinstance(roles, list) and len(roles) > 1 else ""
    return Told(f"gave {subject} the role{several} {listed(roles) or 'of nobody'}")


def listed(found: Any) -> str:
    """Write a detail that is a list: a, b and c; empty where it is none."""
    return words.both([str(each) for each in found]) if isinstance(found, list) else ""


def _invited(details: Details, subject: str) -> Told:
    until = day(details, "until")
    whom = text(details, "note") or "whoever has the link"
    return Told(
        f"invited {whom} as {listed(details.get('roles')) or 'nobody'}{f' until {until}' if until else ''} ({subject})"
    )


def _joined(details: Details, subject: str) -> Told:
    by = text(details, "invited_by")
    return Told(f"joined as {listed(details.get('roles')) or 'nobody'}{f', invited by {by}' if by else ''} ({subject})")


def _deactivated(details: Details, subject: str) -> Told:
    found = details.get("samples")
    count = len(found) if isinstance(found, list) else 0
    freed = f", who held {count} sample{'' if count == 1 else 's'} for review" if count else ""
    return Told(f"deactivated {subject}{freed}")


def _reactivated(details: Details, subject: str) -> Told:
    roles = listed(details.get("roles"))
    return Told(f"let {subject} in again{f', as {roles}' if roles else ''}")


def _withdrawn(details: Details, subject: str) -> Told:
    note = text(details, "note")
    return Told(f"withdrew {subject}{f' for {note}' if note else ''}")


def _reset(details: Details, subject: str) -> Told:
    until = day(details, "until")
    return Told(f"made a link for {subject} to reset their sign-in{f', good until {until}' if until else ''}")


def _reset_used(details: Details, subject: str) -> Told:
    by, gone = text(details, "made_by"), listed(details.get("factors"))
    whose = f" by a link that {by} made" if by else ""
    return Told(f"reset their sign-in{whose}{f', which took away: {gone}' if gone else ''}")


SAYS: Mapping[str, Callable[[Details, str], Told]] = {
    "policy put": _policy,
    "model put": _model,
    "verification received": _verified,
    "enablement requested": _step("asked that the route be enabled for users"),
    "request withdrawn": lambda details, subject: Told("withdrew the request"),
    "route enabled": _enabled,
    "route rejected": _step("rejected the request"),
    "route suspended": _step("suspended the route: users get its answers no more"),
    "route expired": lambda details, subject: Told(f"ended the enablement of {pair(details)}: its time was over"),
    "route sent back": _sent_back,
    "sample scored": _scored,
    "sample skipped": lambda details, subject: Told(f"skipped {subject}", text(details, "reason")),
    "samples handed back": _handed_back,
    "key made": lambda details, subject: Told(f"made the key {text(details, 'name')} ({subject}…)"),
    "key rotated": _rotated,
    "key revoked": lambda details, subject: Told(f"revoked the key {text(details, 'name')} ({subject}…)"),
    "roles changed": _roles,
    "person invited": _invited,
    "person joined": _joined,
    "person deactivated": _deactivated,
    "person reactivated": _reactivated,
    "invitation withdrawn": _withdrawn,
    "sign-in reset": _reset,
    "sign-in reset used": _reset_used,
    "sign-in reset withdrawn": lambda details, subject: Told(f"withdrew the link for {subject} to reset their sign-in"),
    # Of somebody else: by `make run` alone, when nobody knows it any more.
    "password changed": lambda details, subject: Told(
        f"gave {subject} a new password" if subject else "changed their password"
    ),
    "second factor added": lambda details, subject: Told(f"added a second factor: {subject}"),
    "second factor removed": lambda details, subject: Told(f"removed a second factor: {subject}"),
    "sign-in linked": lambda details, subject: Told(f"linked their account to {text(details, 'provider')}"),
}
ICONS: Mapping[str, str] = {
    "policy put": "versions",
    "model put": "box",
    "verification received": "shield-check",
    "enablement requested": "message-report",
    "request withdrawn": "x",
    "route enabled": "circle-check",
    "route rejected": "x",
    "route suspended": "hand-stop",
    "route expired": "hourglass",
    "route sent back": "arrow-back-up",
    "sample scored": "clipboard-check",
    "sample skipped": "player-skip-forward",
    "samples handed back": "arrow-back-up",
    "key made": "key",
    "key rotated": "rotate-clockwise",
    "key revoked": "key-off",
    "roles changed": "user-cog",
    "person invited": "mail",
    "person joined": "user-plus",
    "person deactivated": "user-off",
    "person reactivated": "user-check",
    "invitation withdrawn": "mail-off",
    "sign-in reset": "lifebuoy",
    "sign-in reset used": "lock-open",
    "sign-in reset withdrawn": "lifebuoy-off",
    "password changed": "lock",
    "second factor added": "shield-plus",
    "second factor removed": "shield-minus",
    "sign-in linked": "link",
}


def who(actor: str, names: Mapping[str, str]) -> str:
    """Return the name of who did it, as a sentence starts with it."""
    return "The observatory" if actor == BY_ITSELF else names.get(actor, actor)
