"""Policies to hold the product's own against: valid ones, ones that must be refused, and facts to judge by them."""

from collections.abc import Iterable, Iterator
from itertools import product
from math import prod
from typing import Any, NamedTuple

Json = dict[str, Any]
Models = dict[str, Json]

# --- The catalogue ---------------------------------------------------------------------------------------------------


def model(name: str, family: str, shapes: str, **rest: Any) -> Json:
    """A model of the catalogue; all but the first four fields may be null."""
    return {
        "name": name,
        "provider": "provider-of-" + family,
        "family": family,
        "request_shapes": shapes.split(),
        "features": [],
        "data_region": "eu",
        "billing_account": "main",
        "input_price": 2.5,
        "cached_input_price": 0.25,
        "output_price": 10,
    } | rest


LISTED = (
    # The demo's four pairs.
    model("premium-chat", "openai-chat", "chat chat-tools", features=["logprobs", "prompt-cache"]),
    model("baseline-chat", "openai-chat", "chat chat-tools", features=["logprobs"]),
    model("economy-extract", "openai-chat", "chat json", features=["batch"], data_region="us"),
    model("baseline-extract", "openai-chat", "chat json", features=["batch"], data_region="us"),
    model("strong-code", "anthropic-messages", "chat chat-tools completion", features=["thinking", "prompt-cache"]),
    model("standard-code", "anthropic-messages", "chat chat-tools completion", features=["prompt-cache"]),
    model("vision-large", "gemini", "chat image", features=["grounding"]),
    model("vision-base", "gemini", "chat image"),
    # One primary, and all that its billing account and data region can be to those of a fallback.
    model("home", "openai-chat", "chat chat-tools json", features=["seed", "logprobs"]),
    model("same-same", "openai-chat", "chat chat-tools json", features=["seed", "logprobs"]),
    model("other-account", "openai-chat", "chat chat-tools", billing_account="partner"),
    model("other-region", "openai-chat", "chat json", data_region="us"),
    model("other-both", "openai-chat", "chat", data_region="us", billing_account="partner", features=["seed"]),
    model("no-account", "openai-chat", "chat chat-tools", billing_account=None),
    model("no-region", "openai-chat", "chat", data_region=None),
    model("no-both", "openai-chat", "chat json", data_region=None, billing_account=None),
    model("other-account-no-region", "openai-chat", "chat", billing_account="partner", data_region=None),
    model("no-account-other-region", "openai-chat", "chat", billing_account=None, data_region="us"),
    model("bare", "openai-chat", "chat", features=None, data_region=None, billing_account=None)
    | {"input_price": None, "cached_input_price": None, "output_price": None},
    # Same names as elsewhere, over another provider: a route of its own.
    model("azure/premium-chat", "openai-chat", "chat chat-tools", billing_account="azure"),
    # Another family with the same shapes.
    model("claude-chat", "anthropic-messages", "chat chat-tools json", features=["seed", "logprobs"]),
)
MODELS: Models = {each["name"]: each for each in LISTED}


def catalogues_of(policy: Json) -> Iterator[tuple[str, Models]]:
    """The catalogue as the policy was approved, and as somebody's later `PUT` of its fallback may have made it.

    A valid policy breaks no boundary by the catalogue that it was taken with; after a change of a model it may.
    """
    yield "as approved", MODELS
    later: dict[str, Json] = {
        "account moved": {"billing_account": "moved"},
        "region moved": {"data_region": "moved"},
        "both moved": {"billing_account": "moved", "data_region": "moved"},
        "both forgotten": {"billing_account": None, "data_region": None},
        "other family": {"family": "moved"},
        "no shape left but one": {"request_shapes": ["embedding"]},
        "features null": {"features": None},
        "all at once": {
            "family": "moved",
            "request_shapes": ["embedding"],
            "features": [],
            "billing_account": "moved",
            "data_region": "moved",
        },
    }
    name = policy.get("fallback")
    if name is not None:
        yield from ((why, MODELS | {name: MODELS[name] | change}) for why, change in later.items())


# --- Valid policies --------------------------------------------------------------------------------------------------

TOLD = "A simpler model answered, because the usual one is not available."
TEMPORARY = ["server_error", "timeout", "unavailable", "overloaded"]
# Every class that is not marked `never`.
ALL = [
    "quota",
    "permission",
    "model_unavailable",
    "rate_limit",
    "timeout",
    "overloaded",
    "unavailable",
    "stream_interrupted",
    "primary_skipped",
    "invalid_response",
    "server_error",
]
NEVER = [
    "context_length",
    "content_policy",
    "compliance",
    "authentication",
    "cancelled",
    "invalid_request",
    "no_error",
]
BOTH = ["billing_boundary", "compliance_boundary"]
REVIEW = {"sample_rate": 0.05, "daily_cap": 50, "min_reviews": 30, "pass_rate": 0.9, "criteria": ["correct", "tone"]}


def policy(workload: str, primary: str = "home", fallback: str | None = "same-same", **rest: Any) -> Json:
    """A policy with all its fields: valid, where `rest` does not make it otherwise."""
    return {
        "workload": workload,
        "description": f"The traffic of {workload}.",
        "owner": f"team-{workload}",
        "user_visible": True,
        "primary": primary,
        "fallback": fallback,
        "triggers": TEMPORARY,
        "min_attempts": 2,
        "notice": "always",
        "message": TOLD,
        "paid_tiers": [],
        "payload_classes": ["chat"],
        "permits": [],
        "degraded_above": 0.01,
        "for_minutes": 5,
        "escape_hatch": "Point the gateway at the second vendor.",
        "review": REVIEW,
    } | rest


def without(given: Json, *fields: str) -> Json:
    """The same without some keys."""
    return {field: value for field, value in given.items() if field not in fields}


# The four workloads of the contract's example.
DEMO = (
    policy("support-chat", "premium-chat", "baseline-chat", notice="paid", paid_tiers=["pro", "enterprise"])
    | {"payload_classes": ["chat", "chat-tools"]},
    policy("batch-extraction", "economy-extract", "baseline-extract", notice="never", user_visible=False, message="")
    | {"payload_classes": ["json"]},
    policy("code-assistant", "strong-code", "standard-code", notice="always")
    | {"payload_classes": ["chat", "completion"]},
    policy("image-understanding", "vision-large", "vision-base", notice="always", payload_classes=["image"]),
)

# Notice, visibility and paid tiers: every combination that is not refused.
STYLES: tuple[Json, ...] = (
    {"user_visible": True, "notice": "always", "paid_tiers": []},
    {"user_visible": True, "notice": "always", "paid_tiers": ["pro"]},
    {"user_visible": True, "notice": "paid", "paid_tiers": ["pro"]},
    {"user_visible": True, "notice": "paid", "paid_tiers": ["pro", "enterprise"]},
    {"user_visible": True, "notice": "paid", "paid_tiers": []},
    {"user_visible": True, "notice": "never", "paid_tiers": [], "message": ""},
    {"user_visible": False, "notice": "always", "paid_tiers": []},
    {"user_visible": False, "notice": "paid", "paid_tiers": ["pro"]},
    {"user_visible": False, "notice": "never", "paid_tiers": [], "message": ""},
    {"user_visible": False, "notice": "never", "paid_tiers": ["pro"]},
)
TRIGGERS: tuple[list[str], ...] = (
    TEMPORARY,
    [],
    ["timeout"],
    [*TEMPORARY, "rate_limit"],
    ["rate_limit"],
    ["quota", "permission"],
    ALL,
)
ATTEMPTS = (2, 1, 5)

NONE: list[str] = []
ACCOUNT = ["billing_boundary"]
REGION = ["compliance_boundary"]
# Pairs, and the permits with which each of them is valid.
BOUNDARIES: tuple[tuple[str, str, tuple[list[str], ...]], ...] = (
    ("home", "same-same", (NONE, ACCOUNT, REGION, BOTH)),
    ("home", "other-account", (ACCOUNT, BOTH)),
    ("home", "other-region", (REGION, BOTH)),
    ("home", "other-both", (BOTH,)),
    ("home", "no-account", (NONE, ACCOUNT, REGION, BOTH)),
    ("home", "no-region", (NONE, ACCOUNT, REGION, BOTH)),
    ("home", "no-both", (NONE, ACCOUNT, REGION, BOTH)),
    ("home", "other-account-no-region", (ACCOUNT, BOTH)),
    ("home", "no-account-other-region", (REGION, BOTH)),
    ("bare", "other-both", (NONE, ACCOUNT, REGION, BOTH)),
    ("no-account", "other-region", (REGION, BOTH)),
    ("no-region", "bare", (NONE,)),
)


def across_boundaries() -> Iterator[Json]:
    """Every permit with every relation of accounts and regions, the styles, triggers and attempts taken in turn."""
    rows = [(pair, permits) for *pair, allowed in BOUNDARIES for permits in allowed]
    for turn, ((primary, fallback), permits) in enumerate(rows):
        yield (
            policy(f"boundary-{turn}", primary, fallback)
            | STYLES[turn % len(STYLES)]
            | {
                "permits": permits,
                "triggers": TRIGGERS[turn % len(TRIGGERS)],
                "min_attempts": ATTEMPTS[turn % len(ATTEMPTS)],
            }
        )


OTHERS = (
    # Each style with all triggers, on one pair; min_attempts 1, 2 and 5.
    *(policy(f"style-{turn}") | style | {"triggers": ALL} for turn, style in enumerate(STYLES)),
    policy("attempts-1", triggers=["rate_limit", "timeout"], min_attempts=1),
    policy("attempts-2", triggers=["rate_limit", "timeout"], min_attempts=2),
    policy("attempts-5", triggers=["rate_limit", "timeout"], min_attempts=5),
    policy("attempts-100", triggers=["rate_limit"], min_attempts=100, user_visible=False),
    # One trigger each, none and all; named twice.
    *(policy("only-" + name.replace("_", "-"), triggers=[name], user_visible=False) for name in ALL),
    policy("no-triggers", triggers=[], notice="never", message=""),
    policy("twice", triggers=["timeout", "timeout"], notice="never", message=""),
    # No fallback at all.
    policy("none", fallback=None),
    policy("none-all-triggers", fallback=None, triggers=ALL, user_visible=False),
    policy("none-paid", fallback=None, notice="paid", paid_tiers=["pro"], payload_classes=["json"], permits=BOTH),
    policy("none-rate-limit", fallback=None, triggers=["rate_limit"], min_attempts=5, notice="never", message=""),
    # Features and payload classes: more than the primary's, fewer, null, many.
    policy("fewer-features", "premium-chat", "baseline-chat", payload_classes=["chat-tools"]),
    policy("more-features", "baseline-chat", "premium-chat", payload_classes=["chat", "chat-tools"]),
    policy("features-null", "no-both", "bare", notice="never", message=""),
    policy("three-shapes", "home", "same-same", payload_classes=["chat", "chat-tools", "json"]),
    policy("two-of-three-shapes", "home", "other-account", permits=ACCOUNT, payload_classes=["chat", "chat-tools"]),
    # The same model over another provider, named as a route.
    policy("as-a-route", "premium-chat", "azure/premium-chat", permits=ACCOUNT, triggers=ALL, notice="paid")
    | {"paid_tiers": ["pro"]},
    # Defaults, and the ends of ranges.
    without(policy("defaults", triggers=["rate_limit"]), "min_attempts", "degraded_above", "for_minutes"),
    policy("ends-low", degraded_above=0, for_minutes=1, review=REVIEW | {"sample_rate": 0, "pass_rate": 0}),
    policy("ends-high", degraded_above=1, for_minutes=60, review=REVIEW | {"sample_rate": 1, "pass_rate": 1}),
    policy("review-in-full", "strong-code", "standard-code")
    | {
        "review": REVIEW
        | {"reviews_required": 2, "due_hours": 24, "enabled_for_days": 30, "auto_suspend": False, "daily_cap": 0}
    },
)

VALID: tuple[Json, ...] = (*DEMO, *across_boundaries(), *OTHERS)

# --- Policies that must be refused -----------------------------------------------------------------------------------


class Refused(NamedTuple):
    """A policy that must be refused. `letter`: the contract says so; otherwise it is a reading of its silence."""

    why: str
    policy: Json
    fields: frozenset[str]
    letter: bool = True


def refused(why: str, field: str, given: Json, letter: bool = True) -> Refused:
    """`field`: one, or several with spaces between."""
    return Refused(why, given, frozenset(field.split()), letter)


def changed(**change: Any) -> Json:
    """A valid policy with a change."""
    return policy("to-be-refused", **change)


def with_review(**change: Any) -> Json:
    """A valid policy with a change of its review rules."""
    return changed(review=REVIEW | change)


UNKNOWN_MODELS = (
    refused("primary is not in the catalogue", "primary", changed(primary="gone")),
    refused("fallback is not in the catalogue", "fallback", changed(fallback="gone")),
    refused("neither is", "primary fallback", changed(primary="gone", fallback="gone-too")),
    refused("not in the catalogue, and no fallback", "primary", changed(primary="gone", fallback=None)),
    refused("names are compared with case", "primary", changed(primary="Home")),
    refused("the fallback's too", "fallback", changed(fallback="SAME-SAME")),
    refused("the route's prefix belongs to the name", "fallback", changed(fallback="azure/home")),
    refused("only the fallback may be null", "primary", changed(primary=None)),
    refused("no primary", "primary", without(changed(), "primary")),
    refused("an empty name is none of the catalogue's", "primary", changed(primary="")),
    refused("nor is it null", "fallback", changed(fallback=""), letter=False),
)

CLASSES = (
    *(refused(f"{name} is marked never", "triggers", changed(triggers=[name])) for name in NEVER),
    *(refused(f"{name}, among good ones", "triggers", changed(triggers=[*TEMPORARY, name])) for name in NEVER),
    refused("all classes, the never ones with them", "triggers", changed(triggers=ALL + NEVER)),
    refused("never, though there is no fallback", "triggers", changed(fallback=None, triggers=["compliance"])),
    refused("never, though permitted", "triggers", changed(permits=BOTH, triggers=["compliance"])),
    refused("an unknown class", "triggers", changed(triggers=["gateway_error"])),
    refused("an unknown class, last", "triggers", changed(triggers=[*ALL, "gateway_error"])),
    refused("a status is no class", "triggers", changed(triggers=["503"])),
    refused("the word connection_error is a status", "triggers", changed(triggers=["connection_error"])),
    refused("a provider's code is no class", "triggers", changed(triggers=["insufficient_quota"])),
    refused("classes are compared with case", "triggers", changed(triggers=["Timeout"])),
    refused("an empty class", "triggers", changed(triggers=[""])),
    refused("a number", "triggers", changed(triggers=[503])),
    refused("no wildcard", "triggers", changed(triggers=["*"])),
    refused("not a list", "triggers", changed(triggers="timeout")),
)

PAIRS = (
    refused("fallback equal to primary", "fallback", changed(fallback="home")),
    refused("equal, and nobody sees it", "fallback", changed(fallback="home", user_visible=False, permits=BOTH)),
    refused("another API family", "fallback", changed(fallback="claude-chat")),
    refused("another, and no permit helps", "fallback", changed(fallback="claude-chat", permits=BOTH)),
    refused("another, the other way round", "fallback", changed(primary="claude-chat", fallback="home")),
    refused("another, and nobody sees it", "fallback", changed(fallback="strong-code", user_visible=False)),
)

SHAPES = (
    refused("no payload class", "payload_classes", changed(payload_classes=[])),
    refused("no such field", "payload_classes", without(changed(), "payload_classes")),
    refused("neither model has it", "payload_classes", changed(payload_classes=["embedding"])),
    refused("one of three is lacked", "payload_classes", changed(payload_classes=["chat", "json", "embedding"])),
    refused(
        "the fallback lacks it",
        "payload_classes",
        changed(fallback="no-account", payload_classes=["chat", "json"]),
    ),
    refused(
        "the primary lacks it",
        "payload_classes",
        changed(primary="no-account", fallback="same-same", payload_classes=["json"]),
    ),
    refused("no fallback, the primary lacks it", "payload_classes", changed(fallback=None, payload_classes=["image"])),
    refused("classes are compared with case", "payload_classes", changed(payload_classes=["Chat"])),
    refused("not a list", "payload_classes", changed(payload_classes="chat")),
)

PERMITS = (
    refused("another account, no permit", "permits", changed(fallback="other-account")),
    refused("another account, the wrong permit", "permits", changed(fallback="other-account", permits=REGION)),
    refused("another region, no permit", "permits", changed(fallback="other-region")),
    refused("another region, the wrong permit", "permits", changed(fallback="other-region", permits=ACCOUNT)),
    refused("both others, no permit", "permits", changed(fallback="other-both")),
    refused("both others, the account's alone", "permits", changed(fallback="other-both", permits=ACCOUNT)),
    refused("both others, the region's alone", "permits", changed(fallback="other-both", permits=REGION)),
    refused("region unknown, another account", "permits", changed(fallback="other-account-no-region", permits=REGION)),
    refused("account unknown, another region", "permits", changed(fallback="no-account-other-region", permits=ACCOUNT)),
    refused("nobody sees it: still crossed", "permits", changed(fallback="other-account", user_visible=False)),
    refused("a route over another provider", "permits", changed(primary="premium-chat", fallback="azure/premium-chat")),
    refused("no triggers: still crossed", "permits", changed(fallback="other-region", triggers=[])),
    refused("permits are null", "permits", changed(fallback="other-region", permits=None), letter=False),
    refused("no such permit", "permits", changed(permits=["family_boundary"])),
    refused("a good and an unknown one", "permits", changed(permits=[*BOTH, "all"])),
    refused("not a list", "permits", changed(permits="billing_boundary")),
)

NOTICES = (
    refused("never, visible, one paid tier", "notice", changed(notice="never", paid_tiers=["pro"])),
    refused("never, visible, two", "notice", changed(notice="never", paid_tiers=["pro", "enterprise"], message="")),
    refused("never, visible, paid, no fallback", "notice", changed(notice="never", paid_tiers=["pro"], fallback=None)),
    refused("no such notice", "notice", changed(notice="sometimes")),
    refused("notices are compared with case", "notice", changed(notice="Always")),
    refused("an empty one", "notice", changed(notice="")),
    refused("a boolean", "notice", changed(notice=True)),
    refused("no notice", "notice", without(changed(), "notice"), letter=False),
    refused("always, the message empty", "message", changed(message="")),
    refused("always, the message null", "message", changed(message=None)),
    refused("always, no message", "message", without(changed(), "message")),
    refused("paid, the message empty", "message", changed(notice="paid", paid_tiers=["pro"], message="")),
    refused("paid, no message, no tiers", "message", without(changed(notice="paid"), "message")),
    refused("always, nobody sees it: still asked for", "message", changed(user_visible=False, message="")),
    refused("always, no fallback: still asked for", "message", changed(fallback=None, message="")),
    refused("only spaces say nothing", "message", changed(message="  \n "), letter=False),
    refused("not a list", "paid_tiers", changed(paid_tiers="pro")),
    refused("tiers are slugs", "paid_tiers", changed(notice="paid", paid_tiers=["Pro Plan"]), letter=False),
    refused("not a boolean", "user_visible", changed(user_visible="yes")),
    refused("a number is no boolean", "user_visible", changed(user_visible=1)),
    refused("not said", "user_visible", without(changed(), "user_visible"), letter=False),
)

NUMBERS = (
    refused("a share under 0", "degraded_above", changed(degraded_above=-0.01)),
    refused("a share over 1", "degraded_above", changed(degraded_above=1.01)),
    refused("a word", "degraded_above", changed(degraded_above="much")),
    refused("no tries", "min_attempts", changed(min_attempts=0), letter=False),
    refused("fewer than none", "min_attempts", changed(min_attempts=-1), letter=False),
    refused("half a try", "min_attempts", changed(min_attempts=1.5), letter=False),
    refused("a boolean", "min_attempts", changed(min_attempts=True), letter=False),
    refused("no minutes", "for_minutes", changed(for_minutes=0), letter=False),
    refused("fewer than none", "for_minutes", changed(for_minutes=-5), letter=False),
    refused("half a minute", "for_minutes", changed(for_minutes=2.5), letter=False),
    refused("sample_rate over 1", "review", with_review(sample_rate=1.5)),
    refused("sample_rate under 0", "review", with_review(sample_rate=-0.1)),
    refused("pass_rate over 1", "review", with_review(pass_rate=90)),
    refused("pass_rate under 0", "review", with_review(pass_rate=-1)),
    refused("daily_cap under 0", "review", with_review(daily_cap=-1), letter=False),
    refused("min_reviews under 0", "review", with_review(min_reviews=-1), letter=False),
    refused("criteria are a list", "review", with_review(criteria="correct")),
    refused("auto_suspend is a boolean", "review", with_review(auto_suspend="no"), letter=False),
    refused("not an object", "review", changed(review=[])),
    refused("no pass_rate", "review", changed(review=without(REVIEW, "pass_rate")), letter=False),
    refused("unknown review rule", "review", with_review(passrate=0.9), letter=False),
    refused("the owner is text", "owner", changed(owner=7)),
    refused("the description is text", "description", changed(description=["a"])),
    refused("the escape hatch is text", "escape_hatch", changed(escape_hatch=False)),
    refused("an unknown field", "fallbak", changed(fallbak="same-same"), letter=False),
    refused("a workload is a slug", "workload", policy("Support Chat"), letter=False),
    refused("of at most 64 characters", "workload", policy("w" * 65), letter=False),
)

SEVERAL = (
    refused(
        "another account, and nothing to tell",
        "permits message",
        changed(fallback="other-account", message=""),
    ),
    refused(
        "a never class, and never told though paid",
        "triggers notice",
        changed(triggers=["no_error"], notice="never", paid_tiers=["pro"]),
    ),
    refused(
        "an unknown fallback, and an unknown class",
        "fallback triggers",
        changed(fallback="gone", triggers=["gateway_error"]),
    ),
    refused(
        "another family, and a shape that it lacks",
        "fallback payload_classes",
        changed(fallback="vision-base", payload_classes=["chat-tools"]),
    ),
    refused(
        "a shape that the fallback lacks, over a boundary",
        "payload_classes permits",
        changed(fallback="other-account", payload_classes=["json"]),
    ),
    refused(
        "five at once",
        "primary triggers notice degraded_above review",
        changed(primary="gone", triggers=["cancelled"], degraded_above=3, review=REVIEW | {"pass_rate": 2})
        | {"notice": "never", "paid_tiers": ["pro"]},
    ),
)

REFUSED: tuple[Refused, ...] = (
    *UNKNOWN_MODELS,
    *CLASSES,
    *PAIRS,
    *SHAPES,
    *PERMITS,
    *NOTICES,
    *NUMBERS,
    *SEVERAL,
)

# --- Facts -----------------------------------------------------------------------------------------------------------

Failure = tuple[int | str, str | None]

# Each class by status, by word and by code; codes that overrule a status, unknown ones, other cases, numeric strings.
FAILURES: tuple[Failure, ...] = (
    (500, None),
    ("timeout", None),
    (429, None),
    ("unavailable", None),
    (529, None),
    (403, None),
    (402, None),
    (404, None),
    (401, None),
    (451, None),
    (499, None),
    (400, None),
    (200, None),
    ("connection_error", None),
    ("503", None),
    (504, "overloaded_error"),
    (400, "context_length_exceeded"),
    (400, "content_filter"),
    (200, "refusal"),
    (503, "region_restricted"),
    (429, "insufficient_quota"),
    (500, "invalid_api_key"),
    (404, "model_not_allowed"),
    (400, "model_not_found"),
    (503, "SLOW_DOWN"),
    (500, "deadline_exceeded"),
    ("200", "stream_interrupted"),
    ("unavailable", "Circuit_Open"),
    (200, "schema_validation_failed"),
    (500, "client_cancelled"),
    (500, "unsupported_parameter"),
    (502, "not_a_listed_code"),
)
# One for each class that a policy may name.
NAMED: dict[str, Failure] = {
    "quota": (402, None),
    "permission": (403, None),
    "model_unavailable": (410, None),
    "rate_limit": (429, None),
    "timeout": (408, None),
    "overloaded": (529, None),
    "unavailable": (503, None),
    "stream_interrupted": (200, "stream_interrupted"),
    "primary_skipped": ("unavailable", "cooldown"),
    "invalid_response": (200, "empty_output"),
    "server_error": (599, None),
}
RATE_LIMIT: Failure = (429, "rate_limit_exceeded")
MIXED_FACTS = 128


def fact(given: Json, failure: Failure, change: Json) -> Json:
    """An event of the policy's own pair, with a change; what is null in it is left out."""
    whole = {
        "workload": given["workload"],
        "primary": given["primary"],
        "fallback": given.get("fallback"),
        "status": failure[0],
        "error_code": failure[1],
        "reason": "The primary did not answer.",
    } | change
    return {key: value for key, value in whole.items() if value is not None or key == "fallback"}


def shapes_of(name: str | None) -> list[str]:
    """A model's request shapes."""
    return list(MODELS[name]["request_shapes"]) if name else []


def features_of(name: str | None) -> list[str]:
    """A model's features."""
    return list(MODELS[name]["features"] or []) if name else []


def pairs_of(given: Json) -> list[Json]:
    """The policy's own pair, and others: turned round, half of it, of unknown models, with no fallback."""
    primary, fallback = given["primary"], given.get("fallback")
    stranger = next(name for name in ("standard-code", "vision-base") if name not in (primary, fallback))
    others = [
        {"primary": primary, "fallback": None},
        {"primary": stranger, "fallback": None},
        {"primary": primary, "fallback": stranger},
        {"primary": primary, "fallback": "not-in-the-catalogue"},
        {"primary": stranger, "fallback": fallback or primary},
    ]
    turned = [{"primary": fallback, "fallback": primary}] if fallback else []
    return [{}, *others, *turned]


def axes_of(given: Json) -> dict[str, list[Json]]:
    """What can be otherwise in an event, axis by axis; the first of each axis says nothing."""
    tries = given.get("min_attempts", 2)
    shapes = {*given["payload_classes"], *shapes_of(given["primary"]), *shapes_of(given.get("fallback"))}
    used = {*features_of(given["primary"]), *features_of(given.get("fallback"))}
    lists = [[], *([name] for name in sorted(used)), ["no-such-feature"], [*features_of(given["primary"]), "beta"]]
    tiers = [*given["paid_tiers"], "free"]
    return {
        "pair": pairs_of(given),
        "outcome": [{}, {"outcome": "served"}, {"outcome": "failed"}, {"outcome": "blocked"}],
        "visible": [{}, {"user_visible": True}, {"user_visible": False}],
        "notified": [{}, {"user_notified": True}, {"user_notified": False}],
        "tier": [{}, *({"tier": tier} for tier in tiers)],
        "attempts": [{}, *({"attempts": n} for n in sorted({1, tries - 1, tries, tries + 1, 100}) if 1 <= n <= 100)],
        "payload": [{}, *({"payload_class": shape} for shape in [*sorted(shapes), "no-such-shape"])],
        "features": [{}, *({"provider_features": names} for names in lists)],
    }


def may_be_sent(event: Json) -> bool:
    """`served` needs a fallback, and a fallback is another than the primary."""
    if event["fallback"] is None:
        return event.get("outcome") != "served"
    return bool(event["fallback"] != event["primary"])


def failure_of(given: Json) -> Failure:
    """One that the policy's first trigger names, if any."""
    return NAMED[given["triggers"][0]] if given["triggers"] else FAILURES[0]


def by_themselves(given: Json) -> Iterator[Json]:
    """Each failure plainly, told and not; `rate_limit` and each axis, one value at a time."""
    for failure, told in product(FAILURES, (True, None)):
        yield fact(given, failure, {"user_notified": told})
    axes = axes_of(given)
    for attempts, visible in product(axes["attempts"], axes["visible"]):
        yield fact(given, RATE_LIMIT, {**attempts, **visible, "user_notified": True})
    for values in axes.values():
        for change in values[1:]:
            yield fact(given, failure_of(given), change)


def told_or_not(given: Json) -> Iterator[Json]:
    """Who was told: visible × notified × tier, and each outcome of each pair."""
    axes = axes_of(given)
    for parts in product(axes["visible"], axes["notified"], axes["tier"]):
        yield fact(given, failure_of(given), merged(parts))
    for pair, outcome in product(axes["pair"], axes["outcome"]):
        yield fact(given, FAILURES[0], pair | outcome)


def mixed(given: Json) -> Iterator[Json]:
    """Of all combinations of all axes so many, spread evenly; the policy's own pair and an answer more often."""
    axes = axes_of(given)
    own, *others = axes["pair"]
    axes |= {"pair": [own] * 2 * len(others) + others, "outcome": axes["outcome"][:2] * 3 + axes["outcome"][2:]}
    columns: list[list[Any]] = [*axes.values(), list(FAILURES)]
    every = prod(len(column) for column in columns)
    step = int(every * 0.6180339887) | 1
    for turn in range(MIXED_FACTS):
        place, chosen = turn * step % every, []
        for column in columns:
            place, index = divmod(place, len(column))
            chosen.append(column[index])
        yield fact(given, chosen[-1], merged(chosen[:-1]))


def merged(parts: Iterable[Json]) -> Json:
    """Several changes as one."""
    return {key: value for part in parts for key, value in part.items()}


def facts_of(given: Json) -> Iterator[Json]:
    """Events to judge by a policy, each of them once, in the same order every time."""
    seen: set[str] = set()
    for event in (*by_themselves(given), *told_or_not(given), *mixed(given)):
        if may_be_sent(event) and repr(event) not in seen:
            seen.add(repr(event))
            yield event


def asked(event: Json) -> Json:
    """The event as a gateway would ask for a decision before it: it knows no outcome, and has told nobody."""
    return without(event, "outcome", "user_notified", "reason")
