"""A policy while it is written: what was typed, from which version, and what is to be said of it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dashboard.policies import fields, rehearsal, typed
from dashboard.policies import form as policy_form
from dashboard.policies.fields import Field, Section
from fallbacks import enablement, policies, rulebook, versions
from fallbacks.canonical import policy_json
from fallbacks.drafts import policy_draft
from fallbacks.policy import Model, Policy
from fallbacks.reading import Refused
from fallbacks.refusals import Problem
from fallbacks.versions import Stored


@dataclass
class Draft:
    """A policy of `slug`, as somebody types it.

    `made_from` is the number of the version that it started from, 0 where there was none; `stored` the newest one.
    `said` goes to the page as it is.
    """

    slug: str
    made_from: int
    models: Mapping[str, Model]
    sections: list[Section]
    typed: fields.Typed
    stored: Stored | None = None
    problems: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    said: dict[str, Any] = field(default_factory=dict)

    @property
    def fields(self) -> list[Field]:
        return policy_form.fields(self.sections)

    @property
    def body(self) -> dict[str, Any]:
        """The JSON that is meant."""
        return typed.body(self.fields, self.typed)

    @property
    def policy(self) -> Policy:
        """The policy that is meant. Raises Refused."""
        return policy_draft(self.body, self.slug, self.models)

    def refuse(self, found: Sequence[Problem]) -> None:
        """Note each reason at its field."""
        for problem in found:
            self.problems[problem.field].append(problem.message)


def check(draft: Draft, now: datetime) -> None:
    """Say what the draft changes, and what it would have meant for the last 7 days. Raises Refused."""
    policy = draft.policy
    draft.said["checked"] = True
    if draft.stored:
        before = draft.stored.policy
        draft.said |= {"base": draft.stored, "changes": policies.difference(before, policy)}
        draft.said["rerouted"] = enablement.is_rerouted(before, policy)
    try:
        draft.said["rehearsal"] = rehearsal.rehearse(draft.slug, policy, rulebook.recent(), now)
    except rehearsal.TooMany:
        draft.said["too_many"] = True


def take_over(draft: Draft, stored: Stored | None) -> None:
    """Go on from what somebody else saved meanwhile: take over what was not touched here, and say what differs."""
    draft.said["newer"] = stored
    if stored is None:
        return
    base = next((each for each in versions.history(draft.slug) if each.version == draft.made_from), None)
    if base:
        draft.said["newer_changes"] = policies.difference(base.policy, stored.policy)
        was, now = (typed.typed_of(draft.fields, policy_json(each.policy)) for each in (base, stored))
        draft.typed = typed.merged(draft.fields, was, draft.typed, now)
    draft.made_from = stored.version
    try:
        draft.said["changes"] = policies.difference(stored.policy, draft.policy)
    except Refused as refused:
        # The two together may not be one that can be used.
        draft.refuse(refused.problems)
