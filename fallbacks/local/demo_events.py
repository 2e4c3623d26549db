"""One event of the demo, as the service of a workload would send it."""

import math
import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from fallbacks.local import demo_texts
from fallbacks.local.demo_faults import Fault
from fallbacks.local.demo_profiles import Profile


def event(
    profile: Profile, fault: Fault, minute: datetime, untold: float, trace: str, dice: random.Random
) -> dict[str, Any]:
    """Return an event of this minute. `untold` is the share of answers of which nobody is told who must be."""
    outcome = _one_of(fault.outcomes, dice)
    known: dict[str, Any] = {
        "id": f"demo-{dice.getrandbits(64):016x}",
        "occurred_at": (minute + timedelta(milliseconds=dice.randrange(60_000))).isoformat(),
        "workload": profile.workload,
        "primary": profile.primary,
        "fallback": None if outcome == "failed" else profile.fallback,
        "status": fault.status,
        "reason": fault.reason,
        "outcome": outcome,
        "attempts": dice.randint(1, fault.attempts),
        "payload_class": _one_of(profile.payload_classes, dice),
        "request_id": f"req_{dice.getrandbits(40):010x}",
        "trace_id": trace,
        "primary_latency_ms": dice.randint(*fault.took),
        **_tokens(profile, outcome, dice),
    }
    if fault.error_code:
        known["error_code"] = fault.error_code
    if profile.tiers:
        known["tier"] = _one_of(profile.tiers, dice)
    if used := [name for name, chance in profile.features.items() if dice.random() < chance]:
        known["provider_features"] = used
    if outcome == "served":
        known["fallback_latency_ms"] = _around(profile.answers_in, dice)
        known |= _notice(profile, known.get("tier"), untold, dice)
        known |= _sample(profile, known["id"])
    return known


def _sample(profile: Profile, id_: str) -> dict[str, dict[str, str]]:
    """Return the texts of an answer, where they are sent along: that hangs on the id, and draws nothing."""
    sent = int(id_[-4:], 16) < profile.with_texts * 0x10000
    return {"sample": demo_texts.filled(profile.workload, id_)} if sent else {}


def _notice(profile: Profile, tier: str | None, untold: float, dice: random.Random) -> dict[str, bool]:
    """Return whether the user was told: of a workload that nobody sees the answers of, nothing is said."""
    must_be_told = profile.told is None or tier in profile.told
    told = must_be_told and dice.random() >= untold
    return {} if profile.told == frozenset() else {"user_notified": told}


def _tokens(profile: Profile, outcome: str, dice: random.Random) -> dict[str, int]:
    tokens = {"input_tokens": _around(profile.tokens, dice)}
    if outcome == "served":
        # What the primary's provider had in its cache is sent in full to the fallback's.
        tokens["cached_input_tokens"] = int(tokens["input_tokens"] * dice.choice((0, 0, 0.1, 0.3)))
        tokens["output_tokens"] = _around(320, dice)
    return tokens


def _one_of(weights: Mapping[str, float], dice: random.Random) -> str:
    return dice.choices(list(weights), list(weights.values()))[0]


def _around(usual: int, dice: random.Random) -> int:
    """Draw a whole number that is mostly near `usual` and at times many times as large."""
    return max(1, round(usual * math.exp(dice.gauss(0, 0.5))))
