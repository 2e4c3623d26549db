"""Drafts: policies and models from what somebody sent, or all that speaks against them, field by field. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from fallbacks import pricing
from fallbacks.canonical import MODEL_FIELDS, POLICY_FIELDS, REVIEW_FIELDS
from fallbacks.plaindata import model_from, policy_from
from fallbacks.policy import Model, Policy
from fallbacks.reading import Refused, besides, read, refuse_unstorable, unknown
from fallbacks.refusals import Problem, problems
from fallbacks.slugs import is_slug

# What reading a policy adds to it: sent back as it was read, a policy is taken.
ADDED = ("version", "updated_at", "route_state", "enabled", "models")
MOST_NAME = 128
MOST_WORD = 64
PRICES = ("input_price", "cached_input_price", "output_price")
HIGHEST_PRICE = 1_000_000

# What stands in for a field that cannot be read: all that may be null is.
_REVIEW: Mapping[str, Any] = dict.fromkeys(REVIEW_FIELDS) | {
    "sample_rate": 0,
    "daily_cap": 0,
    "min_reviews": 0,
    "pass_rate": 0,
    "criteria": ["-"],
}
_POLICY: Mapping[str, Any] = dict.fromkeys(POLICY_FIELDS) | {
    "user_visible": False,
    "primary": "",
    "notice": "never",
    "message": "-",
    "payload_classes": [],
    "review": _REVIEW,
}
_MODEL: Mapping[str, Any] = dict.fromkeys(MODEL_FIELDS) | {
    "name": "-",
    "provider": "-",
    "family": "-",
    "request_shapes": [],
}


def policy_draft(
    data: Mapping[str, Any], workload: str, models: Mapping[str, Model], in_force: Policy | None = None
) -> Policy:
    """Return the policy that was sent for `workload`, which it may leave out. Raises Refused with all its problems.

    `models` is the catalogue by name. What is in force already is taken, though a model may have changed meanwhile so
    that it would not be any more: sent back unchanged, it changes nothing.
    """
    sent = {**data, "workload": workload}
    refuse_unstorable(sent)
    found = [*unknown(sent, POLICY_FIELDS, ADDED), *_another("workload", data, workload)]
    if isinstance(review := sent.get("review"), Mapping):
        found += unknown(review, REVIEW_FIELDS, within="review.")
    policy, unreadable = read(policy_from, sent, _POLICY)
    found += unreadable
    if policy == in_force and not found:
        return policy
    found += besides(unreadable, [*_of_owner(policy), *problems(policy, models)])
    if found:
        raise Refused(found)
    return policy


def model_draft(data: Mapping[str, Any], name: str) -> Model:
    """Return the model that was sent for `name`, which it may leave out. Raises Refused with all its problems.

    Prices are rounded to the ten decimals that are kept.
    """
    sent = {**data, "name": name}
    refuse_unstorable(sent)
    found = [*unknown(sent, MODEL_FIELDS), *_another("name", data, name)]
    model, unreadable = read(model_from, sent, _MODEL)
    found += unreadable
    found += besides(unreadable, _of_model(model))
    if found:
        raise Refused(found)
    known = {price: value for price in PRICES if (value := getattr(model, price)) is not None}
    return replace(model, **{price: value.quantize(pricing.SMALLEST) for price, value in known.items()})


def refuse_unfit(policy: Policy, models: Mapping[str, Model]) -> None:
    """Raise Refused where the catalogue, which may have changed since the draft was made, does not fit the policy."""
    if found := problems(policy, models):
        raise Refused(found)


def _another(field: str, data: Mapping[str, Any], name: str) -> Iterator[Problem]:
    if data.get(field) is not None and data[field] != name:
        yield Problem(field, f"It is sent for {name}: write the same here, or leave it out.")


def _of_owner(policy: Policy) -> Iterator[Problem]:
    # The name goes with every event that the team has to act on.
    if len(policy.owner) > MOST_NAME:
        yield Problem("owner", f"Name the team in at most {MOST_NAME} characters.")


def _of_model(model: Model) -> Iterator[Problem]:
    for field in ("name", "provider", "family", "data_region", "billing_account"):
        text = getattr(model, field)
        if text is not None and not (text.strip() and len(text) <= MOST_NAME):
            unknown = ", or null where it is not known" if field in ("data_region", "billing_account") else ""
            yield Problem(field, f"Write 1 to {MOST_NAME} characters{unknown}.")
    for shape in sorted(model.request_shapes):
        if not is_slug(shape):
            yield Problem("request_shapes", f"{shape!r} is not a slug: use 1 to 64 characters from a-z 0-9 - _ .")
    for feature in sorted(model.features):
        # As free as in an event, which names the features that its request used.
        if not (feature.strip() and len(feature) <= MOST_WORD):
            yield Problem("features", f"{feature!r} is no name of a feature: use 1 to {MOST_WORD} characters.")
    for price in PRICES:
        if (getattr(model, price) or 0) > HIGHEST_PRICE:
            yield Problem(price, f"Write USD per million tokens, at most {HIGHEST_PRICE:,}.")
