"""What is wrong with a policy, field by field, and what to do about it. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter

from fallbacks.boundary import BY_NAME
from fallbacks.policy import BOUNDARIES, NOTICES, Boundary, Model, Policy
from fallbacks.slugs import is_slug

# From and to, both inside. Where people set the pace, more than they can do is a slip of the finger.
_RANGES: tuple[tuple[str, int, int], ...] = (
    ("min_attempts", 1, 100),  # as many as an event can tell
    ("degraded_above", 0, 1),
    ("for_minutes", 1, 24 * 60),
    ("review.sample_rate", 0, 1),
    ("review.daily_cap", 0, 100_000),
    ("review.min_reviews", 0, 100_000),
    ("review.pass_rate", 0, 1),
    ("review.reviews_required", 1, 10),
    ("review.due_hours", 1, 365 * 24),
    ("review.enabled_for_days", 1, 10 * 365),
)
_SIDES: Mapping[Boundary, str] = {"billing_boundary": "billing account", "compliance_boundary": "data region"}
# A sentence that names more models than this helps nobody to choose.
_MOST_SUGGESTIONS = 8


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a policy is refused. `field` is named as in the API (`review.pass_rate`); `message` says what to do."""

    field: str
    message: str


def problems(policy: Policy, models: Mapping[str, Model]) -> list[Problem]:
    """Return all that speaks against the policy, none if it may be used. `models` is the catalogue by name.

    Raises nothing for values of the right types, whatever they are.
    """
    return [
        *_of_slugs(policy),
        *_of_names(policy),
        *_of_numbers(policy),
        *_of_criteria(policy.review.criteria),
        *_of_notice(policy),
        *_of_models(policy, models),
    ]


def _of_slugs(policy: Policy) -> Iterator[Problem]:
    named = [("workload", policy.workload)]
    named += [("paid_tiers", tier) for tier in sorted(policy.paid_tiers)]
    named += [("payload_classes", shape) for shape in sorted(policy.payload_classes)]
    for field, text in named:
        if not is_slug(text):
            yield Problem(field, f"{text!r} is not a slug: use 1 to 64 characters from a-z 0-9 - _ .")
    if not policy.payload_classes:
        yield Problem("payload_classes", "Name at least one shape of the requests that the workload sends.")


def _of_names(policy: Policy) -> Iterator[Problem]:
    """Check what is chosen from a fixed list."""
    for name in sorted(policy.triggers):
        error = BY_NAME.get(name)
        if error is None:
            allowed = _listed(each.name for each in BY_NAME.values() if each.fallback != "never")
            yield Problem("triggers", f"{name} is not an error class. Choose from: {allowed}.")
        elif error.fallback == "never":
            yield Problem("triggers", f"{name} must never fall back: {error.why}. Remove it.")
    for name in sorted(policy.permits - set(BOUNDARIES)):
        yield Problem("permits", f"{name} is not a boundary. Choose from: {_listed(BOUNDARIES)}.")
    if policy.notice not in NOTICES:
        yield Problem("notice", f"{policy.notice} is not a notice. Choose one of: {_listed(NOTICES)}.")


def _of_numbers(policy: Policy) -> Iterator[Problem]:
    for field, lowest, highest in _RANGES:
        value = attrgetter(field)(policy)
        if not lowest <= value <= highest:
            yield Problem(field, f"Choose a number from {lowest} to {highest:,}.")


def _of_criteria(criteria: tuple[str, ...]) -> Iterator[Problem]:
    field = "review.criteria"
    if not criteria:
        yield Problem(field, "Name at least one criterion that reviewers score, such as correct.")
    if any(not name.strip() or len(name) > 64 for name in criteria):
        yield Problem(field, "Give each criterion a name of 1 to 64 characters.")
    if len(set(criteria)) < len(criteria):
        yield Problem(field, "Name each criterion once.")


def _of_notice(policy: Policy) -> Iterator[Problem]:
    if policy.notice == "never" and policy.user_visible and policy.paid_tiers:
        tiers = _listed(sorted(policy.paid_tiers))
        yield Problem(
            "notice", f"Users of {tiers} paid for a specific service: choose paid or always, so that they are told."
        )
    if policy.notice != "never" and not policy.message.strip():
        yield Problem("message", f"Write what users are told, since the notice is {policy.notice}.")


def _of_models(policy: Policy, models: Mapping[str, Model]) -> Iterator[Problem]:
    primary = models.get(policy.primary)
    fallback = None if policy.fallback is None else models.get(policy.fallback)
    if primary is None:
        choice = f", or choose {_choice(models)}" if models else ""
        yield Problem("primary", f"{policy.primary} is not in the catalogue. Put it there first{choice}.")
    else:
        yield from _of_shapes(primary, policy)
    if policy.fallback is None:
        return
    choice = _choice(name for name, model in models.items() if _may_stand_in(model, primary, policy))
    if policy.fallback == policy.primary:
        yield Problem("fallback", f"{policy.fallback} is the primary itself. Choose {choice}.")
    elif fallback is None:
        yield Problem("fallback", f"{policy.fallback} is not in the catalogue. Put it there first, or choose {choice}.")
    else:
        yield from _of_shapes(fallback, policy)
        if primary is not None:
            yield from _of_pair(primary, fallback, policy, choice)


def _of_shapes(model: Model, policy: Policy) -> Iterator[Problem]:
    lacking = policy.payload_classes - model.request_shapes
    if lacking:
        names = _listed(sorted(lacking))
        yield Problem("payload_classes", f"{model.name} does not take {names}. Remove that, or choose another model.")


def _of_pair(primary: Model, fallback: Model, policy: Policy, choice: str) -> Iterator[Problem]:
    if primary.family != fallback.family:
        yield Problem("fallback", f"{fallback.name} is of another API family than {primary.name}. Choose {choice}.")
    for boundary in primary.crosses(fallback):
        if boundary not in policy.permits:
            what = f"{fallback.name} is of another {_SIDES[boundary]} than {primary.name}"
            yield Problem("permits", f"{what}. Permit {boundary}, or choose as the fallback {choice}.")


def _may_stand_in(model: Model, primary: Model | None, policy: Policy) -> bool:
    """Tell whether nothing would speak against this model as the fallback."""
    return (
        primary is not None
        and model.name != primary.name
        and model.family == primary.family
        and policy.payload_classes <= model.request_shapes
        and policy.permits.issuperset(primary.crosses(model))
    )


def _choice(names: Iterable[str]) -> str:
    few = sorted(names)[:_MOST_SUGGESTIONS]
    return f"one of: {_listed(few)}" if few else "none"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
