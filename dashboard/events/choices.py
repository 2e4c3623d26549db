"""What the form of filters offers: its fields by groups, with the values that are known. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dashboard.events.filters import GROUPS, Field
from fallbacks.boundary import CLASSES, WORKLOAD_OWNER
from fallbacks.rulebook import Rulebook


@dataclass(frozen=True, slots=True)
class Offered:
    """A field of the form, and the values that it proposes: others may be typed as well."""

    field: Field
    proposed: Sequence[str]


def groups(workloads: Sequence[str], book: Rulebook) -> Mapping[str, Sequence[Offered]]:
    """Return the fields by the heads that they stand under."""
    policies = [versions[-1].policy for versions in book.versions.values()]
    models = sorted(book.models)
    owners = {policy.owner for policy in policies if policy.owner} | {WORKLOAD_OWNER}
    proposed: Mapping[str, Iterable[str]] = {
        "workload": workloads,
        "primary": models,
        "fallback": [*models, "none"],
        "tier": sorted({tier for policy in policies for tier in policy.paid_tiers}),
        "payload_class": sorted({shape for policy in policies for shape in policy.payload_classes}),
        "provider_feature": sorted({name for model in book.models.values() for name in model.features}),
        "who_acts": sorted({error.who_acts for error in CLASSES} | owners),
    }
    return {
        word: [Offered(each, list(proposed.get(each.name, ()))) for each in fields] for word, fields in GROUPS.items()
    }
