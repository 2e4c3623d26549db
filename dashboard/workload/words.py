"""What is so of one workload now, in a sentence. Pure."""

from dashboard import words
from dashboard.overview import sentences
from dashboard.standings import Standing
from fallbacks.rates import Counts
from fallbacks.states import Limits


def now(standing: Standing, judged: Counts, day: Counts, limits: Limits, primary: str) -> str:
    """Say what is so where nobody is needed; `judged` are the counts of the minutes that its state is judged by."""
    if not day.events and not day.requests:
        return "Nothing was reported in the last 24 hours: neither events nor traffic."
    if day.under_reported:
        return (
            f"{sentences.requests(day.events)} left {primary or 'the primary'} in the last 24 hours, but only"
            f" {words.number(day.requests)} {'was' if day.requests == 1 else 'were'} reported as traffic: no rate can"
            " be told."
        )
    if standing.state == "no_traffic":
        return (
            f"{sentences.requests(day.events)} left {primary or 'the primary'} in the last 24 hours; of how many is not"
            " known, so there are no rates."
        )
    span = f"in the last {limits.for_minutes} minutes" if limits.for_minutes > 1 else "in the last minute"
    if not judged.requests:
        left = f"{sentences.requests(judged.events)} left {primary or 'the primary'}" if judged.events else ""
        return f"Nobody is needed: {left or 'no request was reported'} {span}."
    left = words.number(judged.events) if judged.events else "none"
    of = sentences.requests(judged.requests)
    return f"Nobody is needed: {left} of {of} left {primary or 'the primary'} {span}."
