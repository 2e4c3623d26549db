"""The form of a policy: its fields in sections, with what can be chosen from the catalogue. Pure."""

from collections.abc import Iterable, Iterator, Mapping

from dashboard.policies.field_words import LABELS
from dashboard.policies.fields import Choice, Field, Kind, Section
from dashboard.rule_words import MARK_ORDER, MARKS
from fallbacks.boundary import CLASSES
from fallbacks.policy import Model

YES_NO = (Choice("yes", "yes"), Choice("no", "no"))
NOTICE = (
    Choice("always", "always", "every user is told of every answer by the fallback"),
    Choice("paid", "on paid tiers", "users of the tiers below, who paid for a specific service"),
    Choice("never", "never", "nobody is told: for answers that no user sees, or that nobody paid for"),
)
PERMITS = (
    Choice("billing_boundary", "billing account", "the fallback may be billed to another account"),
    Choice("compliance_boundary", "data region", "the fallback may process data in another region"),
)


# What a new policy starts with, where the API has no default of its own.
USUAL = {
    "user_visible": True,
    "notice": "always",
    "min_attempts": 2,
    "degraded_above": 0.01,
    "for_minutes": 5,
    "review": {
        "sample_rate": 0.05,
        "daily_cap": 40,
        "min_reviews": 50,
        "pass_rate": 0.95,
        "criteria": ["correct"],
        "reviews_required": 1,
        "due_hours": 72,
        "enabled_for_days": 90,
        "auto_suspend": True,
    },
}


def sections(models: Mapping[str, Model]) -> list[Section]:
    """Return the form without anything typed in it."""
    return [
        Section("of", "The workload", "who sends these requests, and who answers for them", tuple(_workload())),
        Section("pair", "What may answer", "from the catalogue of models", tuple(_pair(models))),
        Section("when", "When", "errors that may fall back", tuple(_when())),
        Section("told", "What users are told", "when the fallback has answered", tuple(_told())),
        Section("degraded", "When it counts as degraded", "its state on the overview", tuple(_degraded())),
        Section("review", "How answers are reviewed", "before and after the route is enabled", tuple(_review())),
    ]


def fields(found: Iterable[Section]) -> list[Field]:
    """Return all fields, without the name, which no edit changes."""
    return [field for section in found for field in section.fields]


def _field(name: str, kind: Kind, hint: str = "", choices: tuple[Choice, ...] = (), unit: str = "") -> Field:
    return Field(name=name, label=LABELS[name], kind=kind, hint=hint, choices=choices, unit=unit)


def _workload() -> Iterator[Field]:
    yield _field("description", "long", "what the requests are for")
    yield _field("owner", "text", "the team that acts when a rule was broken")
    yield _field("user_visible", "switch", "used where an event does not say so itself", YES_NO)


def _pair(models: Mapping[str, Model]) -> Iterator[Field]:
    known = tuple(Choice(name, name, f"{model.family}, {model.provider}") for name, model in sorted(models.items()))
    shapes = sorted({shape for model in models.values() for shape in model.request_shapes})
    yield _field(
        "primary", "choice", "the model that answers while nothing fails", (Choice("", "choose a model"), *known)
    )
    yield _field("fallback", "choice", "of the same API family", (Choice("", "none: the request fails"), *known))
    yield _field(
        "payload_classes",
        "many",
        "shapes of the requests that the workload sends; both models have to take them",
        tuple(Choice(shape, shape) for shape in shapes),
    )
    yield _field("permits", "many", "tick only what was agreed to", PERMITS)


def _when() -> Iterator[Field]:
    nameable = [error for error in CLASSES if error.fallback != "never"]
    ordered = sorted(nameable, key=lambda error: MARK_ORDER[error.fallback])
    choices = tuple(Choice(error.name, error.name, f"{MARKS[error.fallback].word}: {error.why}") for error in ordered)
    yield _field("triggers", "many", "what is not ticked fails", choices)
    yield _field("min_attempts", "whole", "counts where rate_limit is ticked", unit="tries")


def _told() -> Iterator[Field]:
    yield _field("notice", "choice", "of an answer by the fallback", NOTICE)
    yield _field("paid_tiers", "names", "separated by commas, as events name them")
    yield _field("message", "long", "gateways show it as it stands here")


def _degraded() -> Iterator[Field]:
    yield _field("degraded_above", "share", "of its requests", unit="%")
    yield _field("for_minutes", "whole", "over this many minutes together", unit="min")
    yield _field(
        "escape_hatch", "long", "the documented way out of the route family, for the day on which nothing helps"
    )


def _review() -> Iterator[Field]:
    yield _field("review.sample_rate", "share", "of the answers by the fallback", unit="%")
    yield _field("review.daily_cap", "whole", "beyond it come violations and the first answers of a pair", unit="a day")
    yield _field("review.criteria", "names", "separated by commas; reviewers score each")
    yield _field("review.min_reviews", "whole", "before the route may be enabled")
    yield _field("review.pass_rate", "share", "of those reviews", unit="%")
    yield _field("review.reviews_required", "whole", "by different people")
    yield _field("review.due_hours", "whole", "from when it was sampled", unit="hours")
    yield _field("review.enabled_for_days", "whole", "then it needs new evidence", unit="days")
    yield _field("review.auto_suspend", "switch", "the route is closed by itself", YES_NO)
