"""What a page says before it shows anything: what is so, in a sentence. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dashboard import words
from fallbacks.rates import Counts, change_in_points


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about one workload, to be read after its name."""

    slug: str
    text: str


def reporting(counts: Mapping[str, Counts]) -> list[str]:
    """Return the workloads that have rates: traffic is reported, and not less of it than events."""
    return [slug for slug, c in counts.items() if c.requests is not None and not c.under_reported]


def headline(counts: Mapping[str, Counts], span: str) -> str:
    """Return what is so over all workloads in `span`, such as "last 24 hours"."""
    if not counts:
        return "No workload has reported yet."
    total = sum((counts[slug] for slug in reporting(counts)), Counts())
    events = sum(c.events for c in counts.values())
    if not events and not total.requests:
        return f"Nothing was reported in the {span}."
    if not events:
        return f"No request left its primary in the {span}, of {words.number(total.requests)}."
    if not total.requests:
        return f"{requests(events)} left the primary in the {span}; of how many is not known."
    answered = f"{words.percent(total.degraded_rate)} of requests were answered by a fallback in the {span}"
    return f"{answered}, {words.percent(total.failure_rate)} were not answered."


def remarks(counts: Mapping[str, Counts], before: Mapping[str, Counts], span_before: str) -> list[Remark]:
    """Return what stands out: the workload with the most requests off their primary, and the one that changed most.

    Both are told by requests rather than by rate: seven of a thousand concern fewer people than hundreds of many.
    """
    known = {slug: counts[slug] for slug in reporting(counts)}
    changes = {
        slug: change_in_points(now.off_primary_rate, before.get(slug, Counts()).off_primary_rate) or 0
        for slug, now in known.items()
    }
    told = []
    worst = max(known, key=lambda slug: known[slug].events, default="")
    moved = max(changes, key=lambda slug: abs(changes[slug]) * (known[slug].requests or 0), default="")
    change = ""
    if moved and abs(changes[moved]) >= words.CHANGE_WORTH_AN_ARROW:
        change = f"changed most, {words.points(changes[moved])} points against the {span_before}."
    if worst and known[worst].events:
        share = words.percent(known[worst].off_primary_rate)
        of_all = f"{words.number(known[worst].events)} of {words.number(known[worst].requests)}"
        most = f"left its primary most, for {of_all} requests ({share})"
        told.append(Remark(worst, f"{most}, and {change}" if change and moved == worst else f"{most}."))
    if change and moved != worst:
        told.append(Remark(moved, change))
    return told


def of_workload(counts: Counts, before: Counts, span: str, span_before: str) -> str:
    """Return what is so of one workload."""
    if counts.requests is None or counts.under_reported:
        return _without_rate(counts, span)
    if not counts.events:
        return f"No request left its primary in the {span}, of {words.number(counts.requests)}."
    parts = [f"{words.percent(counts.degraded_rate)} of requests were answered by a fallback in the {span}"]
    change = change_in_points(counts.degraded_rate, before.degraded_rate)
    if change is not None and abs(change) >= words.CHANGE_WORTH_AN_ARROW:
        parts.append(f", {words.points(change)} points against the {span_before}")
    parts.append(f"; {words.percent(counts.failure_rate)} were not answered.")
    return "".join(parts)


def _without_rate(counts: Counts, span: str) -> str:
    if counts.under_reported:
        return (
            f"{requests(counts.events)} left the primary in the {span}, but only"
            f" {words.number(counts.requests)} reported as traffic: no rate can be told."
        )
    if not counts.events:
        return f"Nothing was reported in the {span}."
    return f"{requests(counts.events)} left the primary in the {span}; of how many is not known."


def requests(count: int) -> str:
    """Write a number of requests."""
    return "1 request" if count == 1 else f"{words.number(count)} requests"


def left_out(slugs: Sequence[str]) -> str:
    """Say which workloads are in no rate, and why; nothing where there is none of them."""
    if not slugs:
        return ""
    return f"{names(slugs)} {'is' if len(slugs) == 1 else 'are'} in no rate: not all of the traffic is reported."


def names(slugs: Sequence[str], most: int = 3) -> str:
    """Write a list of names: a, b and c; or a, b, c and 4 more."""
    if len(slugs) > most:
        return f"{', '.join(slugs[:most])} and {len(slugs) - most} more"
    return " and ".join(filter(None, [", ".join(slugs[:-1]), *slugs[-1:]]))
