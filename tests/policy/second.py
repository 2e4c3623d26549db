"""The verdict and the decision once more, typed by hand from the contract's tables: the oracle of the tests.

In form it is meant to differ from the product: a case is boiled down to a set of words that are true of it, and each
rule is a row of words that must, and must not, be in that set. Nothing here is imported from the product. Policies,
models and events are plain dicts in the contract's JSON form; a key that is missing and one that is null are the same.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

Json = dict[str, Any]
Models = dict[str, Json]

# boundary.csv, column `statuses`: those that stand alone ...
BY_STATUS: dict[int | str, str] = {
    401: "authentication",
    402: "quota",
    403: "permission",
    404: "model_unavailable",
    408: "timeout",
    410: "model_unavailable",
    429: "rate_limit",
    451: "compliance",
    499: "cancelled",
    503: "unavailable",
    504: "timeout",
    529: "overloaded",
    "timeout": "timeout",
    "connection_error": "unavailable",
    "unavailable": "unavailable",
}

# ... and "every other" of a hundred.
BY_HUNDRED: dict[int, str] = {
    1: "no_error",
    2: "no_error",
    3: "no_error",
    4: "invalid_request",
    5: "server_error",
}

# boundary.csv, column `error_codes`.
BY_CODE: dict[str, str] = {
    "context_length_exceeded": "context_length",
    "model_context_window_exceeded": "context_length",
    "context_window_exceeded": "context_length",
    "content_filter": "content_policy",
    "content_policy_violation": "content_policy",
    "responsible_ai_policy_violation": "content_policy",
    "refusal": "content_policy",
    "data_residency_mismatch": "compliance",
    "privacy_restricted": "compliance",
    "region_restricted": "compliance",
    "constraint_filtered": "compliance",
    "insufficient_quota": "quota",
    "quota_exceeded": "quota",
    "billing_error": "quota",
    "billing_hard_limit_reached": "quota",
    "credit_balance_exhausted": "quota",
    "enforced_spend_limit_reached": "quota",
    "budget_exceeded": "quota",
    "invalid_api_key": "authentication",
    "authentication_error": "authentication",
    "permission_error": "permission",
    "model_not_allowed": "permission",
    "model_not_found": "model_unavailable",
    "not_found_error": "model_unavailable",
    "rate_limit_exceeded": "rate_limit",
    "rate_limit_error": "rate_limit",
    "slow_down": "rate_limit",
    "timeout_error": "timeout",
    "deadline_exceeded": "timeout",
    "overloaded": "overloaded",
    "overloaded_error": "overloaded",
    "capacity_exhausted": "overloaded",
    "provider_overloaded": "overloaded",
    "stream_interrupted": "stream_interrupted",
    "primary_skipped": "primary_skipped",
    "circuit_open": "primary_skipped",
    "cooldown": "primary_skipped",
    "invalid_response": "invalid_response",
    "schema_validation_failed": "invalid_response",
    "empty_output": "invalid_response",
    "client_cancelled": "cancelled",
    "invalid_request_error": "invalid_request",
    "unsupported_parameter": "invalid_request",
}

# boundary.csv, column `who_acts`.
WHO_ACTS: dict[str, str] = {
    "context_length": "app team",
    "content_policy": "trust and safety",
    "compliance": "compliance owner",
    "quota": "billing owner",
    "authentication": "platform team",
    "permission": "platform team",
    "model_unavailable": "workload owner",
    "rate_limit": "capacity owner",
    "timeout": "provider watch",
    "overloaded": "provider watch",
    "unavailable": "provider watch",
    "stream_interrupted": "provider watch",
    "primary_skipped": "platform team",
    "invalid_response": "reviewers",
    "cancelled": "nobody",
    "server_error": "provider watch",
    "invalid_request": "app team",
    "no_error": "workload owner",
}

# boundary.csv, column `fallback`: the classes that have `never` there.
NEVER: frozenset[str] = frozenset(
    {
        "context_length",
        "content_policy",
        "compliance",
        "authentication",
        "cancelled",
        "invalid_request",
        "no_error",
    }
)

# "for a broken rule, and for `silent`, the workload's owner": in the words of boundary.csv.
OWNER = "workload owner"


def error_class(status: int | str, error_code: str | None = None) -> str:
    """An error class comes from `error_code` where boundary.csv lists it (without case), else from `status`."""
    by_status = class_of_status(status)
    return BY_CODE.get((error_code or "").lower(), by_status)


def class_of_status(status: int | str) -> str:
    """100 to 599 (a numeric string is taken too), or `timeout`, `connection_error`, `unavailable`."""
    number = int(status) if isinstance(status, str) and re.fullmatch("[0-9]{3}", status) else status
    if number in BY_STATUS:
        return BY_STATUS[number]
    if isinstance(number, int) and 100 <= number <= 599:
        return BY_HUNDRED[number // 100]
    raise ValueError(f"not a status: {status!r}")


# One row of a rule: words that all hold, and words none of which does.
Row = tuple[frozenset[str], frozenset[str]]


def when(all_of: str, none_of: str = "") -> Row:
    """A row from two lists of words."""
    return frozenset(all_of.split()), frozenset(none_of.split())


# The table of section 6: a rule is broken when one of its rows fits. "The pair is not the policy's (then only
# `never_fallback` is judged besides)": so each other row asks for `declared`.
RULES: dict[str, tuple[Row, ...]] = {
    "undeclared_route": (when("", "declared"),),
    "never_fallback": (when("never"),),
    "entitlement": (when("declared permission-or-quota", "named"),),
    "no_backoff": (when("declared rate-limit", "named"), when("declared rate-limit", "backed-off")),
    "trigger_not_allowed": (when("declared", "never permission-or-quota rate-limit named"),),
    "incompatible": (when("declared", "same-family"), when("declared lacks-shape")),
    "provider_features": (when("declared lacks-feature"),),
    "billing_boundary": (when("declared other-account", "account-permitted"),),
    "compliance_boundary": (when("declared other-region", "region-permitted"),),
    "silent": (when("declared visible owed-a-notice", "told"),),
    "not_enabled": (when("declared visible", "enabled"),),
}

# "An event whose outcome is `failed` or `blocked` breaks none but `undeclared_route`, and a `blocked` one breaks none".
CAN_BREAK: dict[str, frozenset[str]] = {
    "served": frozenset(RULES),
    "failed": frozenset({"undeclared_route"}),
    "blocked": frozenset(),
}


def holding(pairs: Iterable[tuple[str, bool]]) -> frozenset[str]:
    """The words that hold."""
    return frozenset(word for word, holds in pairs if holds)


def present(mapping: Json, key: str, otherwise: Any) -> Any:
    """Absent, in JSON form: no such key, or null."""
    value = mapping.get(key)
    return otherwise if value is None else value


def outcome_of(event: Json) -> str:
    """Absent: `served` where there is a fallback, else `failed`."""
    outcome: str = present(event, "outcome", "failed" if event.get("fallback") is None else "served")
    if outcome == "served" and event.get("fallback") is None:
        raise ValueError("`served` (needs a fallback)")
    return outcome


def is_declared(event: Json, policy: Json, outcome: str) -> bool:
    """The pair is the policy's; "a failed event with `fallback` null belongs to it where its primary does"."""
    if event.get("primary") != policy["primary"]:
        return False
    if event.get("fallback") is None:
        return outcome == "failed"
    return bool(event["fallback"] == policy.get("fallback"))


def words_of_class(name: str) -> frozenset[str]:
    """What the class alone says."""
    return holding(
        [
            ("never", name in NEVER),
            ("permission-or-quota", name in {"permission", "quota"}),
            ("rate-limit", name == "rate_limit"),
        ]
    )


def words_of_triggers(name: str, event: Json, policy: Json) -> frozenset[str]:
    """`triggers`: error classes that may fall back; `min_attempts`: default 2; `attempts`: default 1."""
    return holding(
        [
            ("named", name in present(policy, "triggers", ())),
            ("backed-off", present(event, "attempts", 1) >= present(policy, "min_attempts", 2)),
        ]
    )


def differ(left: Json, right: Json, key: str) -> bool:
    """The two models differ in it (both known)."""
    return left.get(key) is not None and right.get(key) is not None and left[key] != right[key]


def same_family(left: Json, right: Json) -> bool:
    """A model that the catalogue does not hold is of no family: what is not known to be allowed is not."""
    return left.get("family") is not None and left.get("family") == right.get("family")


def words_of_models(event: Json, policy: Json, models: Models) -> frozenset[str]:
    """What the catalogue says of the pair, and of the request for the fallback."""
    primary, fallback = models.get(policy["primary"], {}), models.get(policy["fallback"], {})
    shape = event.get("payload_class")
    used = frozenset(present(event, "provider_features", ()))
    permits = frozenset(present(policy, "permits", ()))
    return holding(
        [
            ("same-family", same_family(primary, fallback)),
            ("lacks-shape", shape is not None and shape not in present(fallback, "request_shapes", ())),
            ("lacks-feature", not used <= frozenset(present(fallback, "features", ()))),
            ("other-account", differ(primary, fallback, "billing_account")),
            ("other-region", differ(primary, fallback, "data_region")),
            ("account-permitted", "billing_boundary" in permits),
            ("region-permitted", "compliance_boundary" in permits),
        ]
    )


def owed_a_notice(event: Json, policy: Json) -> bool:
    """The notice is `always`, or `paid` and the tier is a paid one."""
    is_paid_tier = event.get("tier") is not None and event["tier"] in present(policy, "paid_tiers", ())
    return {"always": True, "paid": is_paid_tier, "never": False}[policy["notice"]]


def words_of_user(event: Json, policy: Json, enabled: bool) -> frozenset[str]:
    """Absent means unknown: the workload's own setting serves for `user_visible`, false for `user_notified`."""
    return holding(
        [
            ("visible", bool(present(event, "user_visible", policy.get("user_visible")))),
            ("told", bool(present(event, "user_notified", False))),
            ("owed-a-notice", owed_a_notice(event, policy)),
            ("enabled", enabled),
        ]
    )


def words(event: Json, policy: Json | None, models: Models, enabled: bool, outcome: str) -> frozenset[str]:
    """All that is true of the case, as far as it is looked at."""
    name = error_class(event["status"], event.get("error_code"))
    of_class = words_of_class(name)
    if policy is None or not is_declared(event, policy, outcome):
        return of_class
    of_pair = frozenset({"declared"}) | words_of_triggers(name, event, policy) | words_of_user(event, policy, enabled)
    if outcome != "served":
        return of_class | of_pair
    return of_class | of_pair | words_of_models(event, policy, models)


def broken(true_words: frozenset[str], outcome: str) -> list[str]:
    """An event can break several; rules are listed in the order of the table."""
    return [
        rule
        for rule, rows in RULES.items()
        if rule in CAN_BREAK[outcome]
        and any(all_of <= true_words and not none_of & true_words for all_of, none_of in rows)
    ]


def verdict(event: Json, policy: Json | None, models: Models, enabled: bool) -> Json:
    """`policy`: the version of the event's workload that was in force; `enabled`: was its route, at that time."""
    outcome = outcome_of(event)
    name = error_class(event["status"], event.get("error_code"))
    rules = broken(words(event, policy, models, enabled, outcome), outcome)
    return {"error_class": name, "rules": rules, "who_acts": OWNER if rules else WHO_ACTS[name]}


def action_for(true_words: frozenset[str], rules: list[str]) -> str:
    """Named but under `min_attempts`, nothing else broken: `retry`; any broken rule: `fail`; otherwise `fallback`."""
    if rules == ["no_backoff"] and "named" in true_words:
        return "retry"
    return "fail" if rules else "fallback"


def decision(facts: Json, policy: Json | None, models: Models, enabled: bool) -> Json:
    """Decisions judge the same rules for a fallback that would be served with the notice given.

    Where the policy has no fallback, no pair that could be served is the policy's: `undeclared_route`, so `fail`.
    """
    wanted = present(facts, "fallback", (policy or {}).get("fallback"))
    served = {**facts, "fallback": wanted, "outcome": "served", "user_notified": True}
    true_words = words(served, policy, models, enabled, "served")
    rules = broken(true_words, "served")
    action = action_for(true_words, rules)
    tell = policy is not None and action == "fallback" and owed_a_notice(facts, policy)
    return {
        "action": action,
        "fallback": wanted if action == "fallback" else None,
        "notify_user": tell,
        "message": policy.get("message") if policy is not None and tell else None,
        "rules": rules,
        "error_class": error_class(facts["status"], facts.get("error_code")),
    }


# Policies that must be refused: section 5, in two tables. First the form of each field by itself.

Holds = Callable[[Any], bool]


def is_text(value: Any) -> bool:
    """Text."""
    return isinstance(value, str)


def is_flag(value: Any) -> bool:
    """A boolean."""
    return isinstance(value, bool)


def is_slug(value: Any) -> bool:
    """A slug: 1 to 64 of `a-z 0-9 - _ .`"""
    return isinstance(value, str) and re.fullmatch(r"[a-z0-9._-]{1,64}", value) is not None


def is_share(value: Any) -> bool:
    """0..1."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def is_whole(least: int, most: int | None = None) -> Holds:
    """A whole number within limits."""

    def holds(value: Any) -> bool:
        if not isinstance(value, int) or isinstance(value, bool):
            return False
        return value >= least and (most is None or value <= most)

    return holds


def is_list(each: Holds, least: int = 0) -> Holds:
    """A list whose members all hold."""
    return lambda value: isinstance(value, list) and len(value) >= least and all(each(member) for member in value)


def is_one_of(*allowed: str) -> Holds:
    """One of some words."""
    return lambda value: isinstance(value, str) and value in allowed


REVIEW: dict[str, Holds] = {
    "sample_rate": is_share,
    "daily_cap": is_whole(0),
    "min_reviews": is_whole(0),
    "pass_rate": is_share,
    "criteria": is_list(is_text),
}
REVIEW_OPTIONAL: dict[str, Holds] = {
    "reviews_required": is_whole(1),
    "due_hours": is_whole(1),
    "enabled_for_days": is_whole(1),
    "auto_suspend": is_flag,
}


def is_review(value: Any) -> bool:
    """`{"sample_rate": 0..1, "daily_cap", "min_reviews", "pass_rate": 0..1, "criteria"}` and some optional ones."""
    if not isinstance(value, dict) or not REVIEW.keys() <= value.keys():
        return False
    forms = REVIEW | REVIEW_OPTIONAL
    return value.keys() <= forms.keys() and all(forms[key](member) for key, member in value.items())


FORMS: dict[str, Holds] = {
    "workload": is_slug,
    "description": is_text,
    "owner": is_text,
    "user_visible": is_flag,
    "primary": is_text,
    "fallback": is_text,
    # "error classes that may fall back, none of them marked `never` in boundary.csv"
    "triggers": is_list(is_one_of(*(WHO_ACTS.keys() - NEVER))),
    "min_attempts": is_whole(1, 100),
    "notice": is_one_of("always", "paid", "never"),
    "message": is_text,
    "paid_tiers": is_list(is_slug),
    # "request shapes that the workload sends, at least one"
    "payload_classes": is_list(is_slug, least=1),
    "permits": is_list(is_one_of("billing_boundary", "compliance_boundary")),
    "degraded_above": is_share,
    "for_minutes": is_whole(1),
    "escape_hatch": is_text,
    "review": is_review,
}
# What `GET` adds: a policy that was read can be written back.
ADDED_BY_GET = frozenset({"version", "updated_at", "route_state", "enabled"})
# Without these no event can be judged, and the contract gives none of them a default.
NEEDED = frozenset({"user_visible", "primary", "notice", "payload_classes"})

# Then what fields must not be together: (the field to name, the fields that it takes, whether it is refused).
Refuses = Callable[[Json, Models], bool]


def unknown_primary(policy: Json, models: Models) -> bool:
    """An unknown model."""
    return policy["primary"] not in models


def unknown_fallback(policy: Json, models: Models) -> bool:
    """An unknown model; fallback may be null ("none")."""
    return policy.get("fallback") is not None and policy["fallback"] not in models


def same_model(policy: Json, models: Models) -> bool:
    """Fallback equal to primary."""
    return bool(policy.get("fallback") == policy["primary"])


def the_pair(policy: Json, models: Models) -> tuple[Json, Json] | None:
    """The two models, where both are there."""
    pair = [models[name] for name in (policy["primary"], policy.get("fallback")) if name in models]
    return (pair[0], pair[1]) if len(pair) == 2 else None


def other_family(policy: Json, models: Models) -> bool:
    """Another API family."""
    pair = the_pair(policy, models)
    return pair is not None and not same_family(*pair)


def lacking_shape(policy: Json, models: Models) -> bool:
    """A payload class that either model lacks."""
    known = [models[name] for name in (policy["primary"], policy.get("fallback")) if name in models]
    return any(shape not in model["request_shapes"] for model in known for shape in policy["payload_classes"])


def unpermitted(policy: Json, models: Models) -> bool:
    """A boundary crossed without its permit."""
    pair = the_pair(policy, models)
    crossed = pair is not None and holding(
        [
            ("billing_boundary", differ(*pair, "billing_account")),
            ("compliance_boundary", differ(*pair, "data_region")),
        ]
    )
    return bool(crossed and crossed - frozenset(present(policy, "permits", ())))


def paid_and_never_told(policy: Json, models: Models) -> bool:
    """`notice: never` on a user-visible workload with paid tiers."""
    return bool(policy["notice"] == "never" and policy["user_visible"] and present(policy, "paid_tiers", ()))


def nothing_to_tell(policy: Json, models: Models) -> bool:
    """`notice` other than `never` without a message."""
    return bool(policy["notice"] != "never" and not present(policy, "message", "").strip())


TOGETHER: tuple[tuple[str, frozenset[str], Refuses], ...] = (
    ("primary", frozenset({"primary"}), unknown_primary),
    ("fallback", frozenset({"fallback"}), unknown_fallback),
    ("fallback", frozenset({"primary", "fallback"}), same_model),
    ("fallback", frozenset({"primary", "fallback"}), other_family),
    ("payload_classes", frozenset({"primary", "fallback", "payload_classes"}), lacking_shape),
    ("permits", frozenset({"primary", "fallback", "permits"}), unpermitted),
    ("notice", frozenset({"notice", "user_visible", "paid_tiers"}), paid_and_never_told),
    ("message", frozenset({"notice", "message"}), nothing_to_tell),
)


def badly_formed(policy: Json) -> set[str]:
    """The fields that are wrong by themselves, unknown ones and missing ones with them."""
    given = {field: value for field, value in policy.items() if value is not None}
    unknown = policy.keys() - FORMS.keys() - ADDED_BY_GET
    wrong = {field for field, holds in FORMS.items() if field in given and not holds(given[field])}
    return set(unknown | wrong | (NEEDED - given.keys()))


def refused_fields(policy: Json, models: Models) -> set[str]:
    """Refused with `400` and the field: these fields; none, and the policy is taken."""
    wrong = badly_formed(policy)
    together = {field for field, takes, refuses in TOGETHER if not takes & wrong and refuses(policy, models)}
    return wrong | together
