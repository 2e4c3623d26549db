"""An event that broke policy, in plain words: what happened, and why each rule says that it should not have. Pure."""

from collections.abc import Iterator

from dashboard.rule_words import MEANING
from fallbacks.judging import FACTS
from fallbacks.models import Event
from fallbacks.policy import Policy
from fallbacks.reasons import reason
from fallbacks.rulebook import Rulebook
from fallbacks.verdict import Facts, Rule, judge, named


def what_was_wrong(event: Event, book: Rulebook) -> str:
    """Return one sentence; empty where no rule was broken. The event has its workload at hand."""
    if not named(event.rules):
        return ""
    # Begins with the name of a model, which is written as it is.
    return f"{_happened(event)}, but {', and '.join(clause for _, clause in clauses(event, book))}."


def _happened(event: Event) -> str:
    if event.outcome == "served":
        whom = f" a {event.tier} user" if event.tier else ""
        return f"{event.fallback} answered{whom} instead of {event.primary}"
    return f"{event.primary} failed" + (f", and {event.fallback} too" if event.fallback else "")


def policy_of(event: Event, book: Rulebook) -> Policy | None:
    """Return the version that the event was judged by."""
    versions = book.versions.get(event.workload.slug, ())
    return next((version.policy for version in versions if version.number == event.policy_version), None)


def clauses(event: Event, book: Rulebook) -> Iterator[tuple[Rule, str]]:
    """Give each rule that was broken, and why: a clause without capital and full stop."""
    facts, policy = facts_of(event), policy_of(event, book)
    # The catalogue may have changed since: of a rule that would not be broken today no reason would be true.
    still = judge(facts, policy, book.models, enabled=False).rules
    for rule in named(event.rules):
        if rule in still:
            yield rule, reason(rule, facts, policy, book.models)
        else:
            meaning = MEANING[rule]
            yield rule, f"{meaning[0].lower()}{meaning[1:-1]}"


def facts_of(event: Event) -> Facts:
    """Return what a verdict depends on."""
    known = {name: getattr(event, name) for name in FACTS}
    return Facts(**known, provider_features=frozenset(event.provider_features or ()))
