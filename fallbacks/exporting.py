"""Files of all models and policies, written in YAML, with what each field is for. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml

from fallbacks.canonical import Json

HEAD = """\
# The catalogue of models, and the policy of each workload, as `manage.py export_policies` wrote them.
# `manage.py apply_policies FILE` puts them in force; with --check it only says what it would change.
# What is not in the file stays as it is. The first of each kind says what its fields are for.
"""
MODEL_WORDS: Mapping[str, str] = {
    "name": "What events and policies call it. Over another provider it is another model, such as azure/gpt-4o.",
    "provider": "Who serves it.",
    "family": "API family: a fallback of another family does not take the same request.",
    "request_shapes": "Shapes of requests that it takes, such as chat, chat-tools.",
    "features": "Features of its provider that it has, such as prompt-cache.",
    "data_region": "Where data goes; null: not known. Another region than the primary's needs a permit.",
    "billing_account": "Who pays; null: not known. Another account than the primary's needs a permit.",
    "input_price": "USD per million tokens of input; null: not known.",
    "cached_input_price": "The same for input that the provider had in its cache.",
    "output_price": "The same for output.",
}
POLICY_WORDS: Mapping[str, str] = {
    "workload": "The kind of traffic that this policy is for.",
    "description": "What it is, for people.",
    "owner": "The team that answers for it, and acts where a rule is broken.",
    "user_visible": "Do users see its answers?",
    "primary": "The model that answers.",
    "fallback": "The one model that may answer in its stead; null: none.",
    "triggers": "Error classes that may fall back; all others may not.",
    "min_attempts": "Tries on the primary before rate_limit may fall back.",
    "notice": "When users must be told of an answer by the fallback: always, paid (on paid_tiers) or never.",
    "message": "What they are told.",
    "paid_tiers": "Tiers whose users paid for a specific service.",
    "payload_classes": "Shapes of the requests that the workload sends: both models must take them.",
    "permits": "Boundaries that may be crossed: billing_boundary, compliance_boundary.",
    "degraded_above": "The share of requests above which the workload counts as degraded or failing, 0 to 1,",
    "for_minutes": "... over so many minutes.",
    "escape_hatch": "The documented way out of this family of models.",
    "review": "How answers by the fallback are reviewed before and while users get them.",
    "review.sample_rate": "The share of those answers that is sampled, 0 to 1.",
    "review.daily_cap": "Samples a day, at most, of answers that broke no rule; others, and first ones, are beyond it.",
    "review.min_reviews": "Reviews that the route needs before it is enabled.",
    "review.pass_rate": "The share of them that must pass, 0 to 1.",
    "review.criteria": "What reviewers score.",
    "review.reviews_required": "Reviewers of each sample.",
    "review.due_hours": "Hours in which a sample should be reviewed.",
    "review.enabled_for_days": "Days after which an enabled route is looked at anew.",
    "review.auto_suspend": "Is the route suspended where reviews fail?",
}


def written(models: Iterable[Json], policies: Iterable[Json]) -> str:
    """Return the text of a file with these models and policies, which are in their canonical JSON form."""
    lines = [HEAD]
    lines += _section("models", list(models), MODEL_WORDS)
    lines.append("")
    lines += _section("policies", list(policies), POLICY_WORDS)
    return "\n".join(lines) + "\n"


def _section(name: str, entries: list[Json], words: Mapping[str, str]) -> Iterator[str]:
    if not entries:
        yield f"{name}: []"
        yield "# There are none yet. Each has these fields:"
        yield from (f"#   {field}: {text}" for field, text in words.items())
        return
    yield f"{name}:"
    for number, entry in enumerate(entries):
        yield from _entry(entry, words if number == 0 else {})


def _entry(entry: Json, words: Mapping[str, str]) -> Iterator[str]:
    mark = "- "
    for name, value in entry.items():
        yield from (f"  # {words[name]}" for _ in range(name in words))
        if isinstance(value, Mapping):
            yield f"{mark}{name}:"
            for inner, each in value.items():
                inner_name = f"{name}.{inner}"
                yield from (f"    # {words[inner_name]}" for _ in range(inner_name in words))
                yield f"    {inner}: {_value(each)}"
        else:
            yield f"{mark}{name}: {_value(value)}"
        mark = "  "


def _value(value: Any) -> str:
    """Return a value as YAML in one line."""
    given: dict[str, Any] = {"default_flow_style": True, "allow_unicode": True, "width": float("inf")}
    text = str(yaml.safe_dump(value, **given)).removesuffix("...\n").rstrip("\n")
    return text if "\n" not in text else str(yaml.safe_dump(value, default_style='"', **given)).rstrip("\n")
