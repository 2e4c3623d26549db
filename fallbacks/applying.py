"""Applying a file of models and policies: all of it or nothing, and every change in a line."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db import transaction

from fallbacks import catalogue, policies
from fallbacks.canonical import Difference
from fallbacks.catalogue import ModelChange
from fallbacks.drafts import model_draft, policy_draft
from fallbacks.policies import PolicyChange, changing_policies_of
from fallbacks.policy import Model, Policy
from fallbacks.policyfiles import Entry, PolicyFile
from fallbacks.reading import Refused
from fallbacks.refusals import Problem

MOST_TEXT = 60
BACK = "not enabled for users any more: it must be verified and enabled again"
Kind = TypeVar("Kind", Model, Policy)


class Unfit(Exception):
    """The file is not applied. `lines` says why, each as its line in the file and a sentence."""

    def __init__(self, lines: list[tuple[int, str]]) -> None:
        super().__init__(f"{len(lines)} refused")
        self.lines = lines


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying a file changed, a line each, and how many of its entries were so already."""

    lines: list[str] = field(default_factory=list)
    changed: int = 0
    same: int = 0


def apply(file: PolicyFile, by: str, *, check: bool = False) -> Applied:
    """Put the file's models and policies in force, at one moment; where `check` is set, only find out what it changes.

    Raises Unfit, and nothing is changed, where any of them is refused.
    """
    with transaction.atomic():
        with changing_policies_of(_workloads(file)) as moment:
            models, drafts = _drafts(file)
            changes: list[ModelChange | PolicyChange] = [catalogue.store(model, by, moment) for model in models]
            changes += [policies.store(policy, by, moment) for policy in drafts]
        transaction.set_rollback(check)
    changed = [change for change in changes if change.differences]
    return Applied([line for change in changed for line in _lines(change)], len(changed), len(changes) - len(changed))


def _workloads(file: PolicyFile) -> set[str]:
    """Return the workloads that policies are for; what is no slug is refused later, with its line."""
    names = [entry.data.get("workload") for entry in file.policies]
    return {name for name in names if isinstance(name, str) and len(name) <= 64 and name.isprintable()}


def _drafts(file: PolicyFile) -> tuple[list[Model], list[Policy]]:
    """Check everything against the catalogue as the file makes it. Raises Unfit."""
    refused: list[tuple[int, str]] = []
    models = _checked("model", "name", file.models, model_draft, refused)
    if refused:
        # Policies that name one of these would be refused for that alone.
        raise Unfit(refused)
    known = catalogue.models() | {model.name: model for model in models}

    def draft(data: Mapping[str, Any], workload: str) -> Policy:
        return policy_draft(data, workload, known, policies.in_force(workload))

    drafts = _checked("policy", "workload", file.policies, draft, refused)
    if refused:
        raise Unfit(refused)
    return models, drafts


def _checked(
    kind: str,
    key: str,
    entries: list[Entry],
    draft: Callable[[Mapping[str, Any], str], Kind],
    refused: list[tuple[int, str]],
) -> list[Kind]:
    drafts: list[Kind] = []
    count = Counter(str(entry.data.get(key)) for entry in entries)
    for entry in entries:
        name = entry.data.get(key)
        try:
            if not isinstance(name, str):
                raise Refused([Problem(key, "It must be a text, and is required.")])
            if count[name] > 1:
                raise Refused([Problem(key, f"It is here {count[name]} times: leave one of them.")])
            drafts.append(draft(entry.data, name))
        except Refused as found:
            refused += [
                (entry.line_of(problem.field), f"{kind} {name}: {problem.field}: {problem.message}")
                for problem in found.problems
            ]
    return drafts


def _lines(change: ModelChange | PolicyChange) -> Iterator[str]:
    told = "; ".join(_told(each) for each in change.differences) if change.before else "new"
    if isinstance(change, ModelChange):
        yield f"model {change.after.name}: {told}"
        yield from (f"  the route of {workload} is {BACK}" for workload in change.closed)
    else:
        yield f"policy {change.after.workload}, version {change.after.version}: {told}"
        if change.closed:
            yield f"  its route is {BACK}"


def _told(difference: Difference) -> str:
    before, after = difference.before, difference.after
    if isinstance(before, list) and isinstance(after, list) and set(before) != set(after):
        turned = [f"+{name}" for name in after if name not in before] + [
            f"-{name}" for name in before if name not in after
        ]
        return f"{difference.field} {' '.join(turned)}"
    return f"{difference.field} {_clipped(before)} -> {_clipped(after)}"


def _clipped(value: Any) -> str:
    text = "none" if value is None or value == "" else str(value)
    return text if len(text) <= MOST_TEXT else f"{text[: MOST_TEXT - 1]}…"
