"""What enabling a route needs, what of it is met, and where the route stands on its way. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard import words
from fallbacks import intervals
from fallbacks.models import RouteRequest
from fallbacks.policy import Review
from fallbacks.routes import NOTICE, Standing, is_open
from fallbacks.verifications import GOOD_FOR


@dataclass(frozen=True)
class Needs:
    """A route's evidence against what its policy asks, as of `now`."""

    at: Standing
    now: datetime

    @property
    def review(self) -> Review:
        return self.at.stored.policy.review

    @property
    def verified(self) -> int:
        return sum(each.counts for each in self.at.evidence)

    @property
    def valid_until(self) -> datetime | None:
        """Until when all that counts counts still."""
        times = [each.newest.received_at for each in self.at.evidence if each.counts and each.newest]
        return min(times) + GOOD_FOR if times else None

    @property
    def enough_scored(self) -> bool:
        return self.at.scored.count >= self.review.min_reviews

    @property
    def scored(self) -> str:
        """How many samples were scored, of how many that are needed."""
        count, least = self.at.scored.count, self.review.min_reviews
        return f"{count:,} of {least:,}" if count < least else f"{count:,}"

    @property
    def passes(self) -> bool:
        """Whether the samples passed that were scored: of none nothing is said."""
        scored = self.at.scored
        return (scored.count > 0 or not self.review.min_reviews) and scored.passes(self.at.stored.policy)

    @property
    def pass_rate(self) -> float | None:
        scored = self.at.scored
        return scored.passed / scored.count if scored.count else None

    @property
    def failed(self) -> int:
        return self.at.scored.count - self.at.scored.passed

    @property
    def interval(self) -> str:
        """The 95 % interval of the pass rate: 76.4 to 99.1 %."""
        return words.interval(intervals.wilson(self.at.scored.passed, self.at.scored.count))

    @property
    def has_fallen(self) -> bool:
        return self.at.scored.has_fallen(self.at.stored.policy)

    @property
    def approval(self) -> RouteRequest | None:
        """The request that was approved, where the route is enabled by one."""
        asked = self.at.request
        return asked if self.at.state == "enabled" and asked and asked.state == RouteRequest.State.APPROVED else None

    @property
    def asked(self) -> RouteRequest | None:
        """The request that counts: one that waits, or the one by which the route is enabled."""
        return self.at.open_request or self.approval

    @property
    def is_expired(self) -> bool:
        """Whether the last thing that happened is that an enablement ended by itself."""
        last = self.at.enablement
        if last is None or is_open(last) or last.expires_at is None or self.at.open_request:
            return False
        return last.ended in ("", "expired") and self.at.state not in ("rejected", "suspended")

    @property
    def ends_soon(self) -> timedelta | None:
        """How long the enablement lasts still, where that is worth saying."""
        last = self.at.enablement
        if self.at.state != "enabled" or last is None or last.expires_at is None:
            return None
        left = last.expires_at - self.now
        return left if left <= NOTICE else None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way: `kind` is `done`, `now`, `stopped`, or empty where it is to come."""

    word: str
    said: str
    kind: str = ""
    at: datetime | None = None

    @property
    def icon(self) -> str:
        return {"done": "circle-check", "now": "progress-check", "stopped": "hand-stop"}.get(self.kind, "circle-dashed")


def steps(needs: Needs) -> Sequence[Step]:
    """Return the four steps of the way."""
    at = needs.at
    enabled, classes = at.state == "enabled", len(at.evidence)
    decided = at.state in ("enabled", "rejected", "suspended")
    verified = enabled or at.is_verified
    waits = at.open_request is not None
    return [
        Step("Proposed", f"policy v{at.stored.version}, since", "done", at.since),
        Step("Verified", f"{needs.verified} of {classes} payload class{'' if classes == 1 else 'es'}", _kind(verified)),
        Step(
            "In review, waiting for approval" if waits else "In review",
            f"{needs.scored} sample{'' if needs.scored == '1' else 's'} scored",
            _kind(decided) if verified else "",
        ),
        _last(needs),
    ]


def _kind(done: bool) -> str:
    return "done" if done else "now"


def _last(needs: Needs) -> Step:
    at, last = needs.at, needs.at.enablement
    if at.state == "enabled" and last is not None:
        return Step("Enabled", "until" if last.expires_at else "since", "done", last.expires_at or last.since)
    if at.state == "rejected" and at.request is not None:
        return Step("Rejected", "on", "stopped", at.request.decided_at)
    if at.state == "suspended" and last is not None:
        return Step("Suspended", "since", "stopped", last.until)
    return Step("Enabled", f"for {needs.review.enabled_for_days} days from approval")
