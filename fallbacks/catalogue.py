"""The catalogue: the models that policies choose from, each put there under its name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from fallbacks import audit, canonical, enablement, versions
from fallbacks.canonical import Difference
from fallbacks.drafts import model_draft
from fallbacks.models import CatalogueModel
from fallbacks.policy import Model
from fallbacks.rulebook import changing, typed


@dataclass(frozen=True, slots=True)
class ModelChange:
    """What a PUT did to a model. `closed` are the workloads whose route is not enabled any more because of it."""

    before: Model | None
    after: Model
    closed: tuple[str, ...] = ()

    @property
    def differences(self) -> list[Difference]:
        before = canonical.model_json(self.before) if self.before else {}
        return canonical.differences(before, canonical.model_json(self.after))


Check = Callable[[Model | None], None]


def models(names: list[str] | None = None) -> dict[str, Model]:
    """Return the catalogue by name, or those of `names` that are in it. One query."""
    rows = CatalogueModel.objects.all() if names is None else CatalogueModel.objects.filter(name__in=names)
    return {row.name: typed(row) for row in rows}


def find(name: str) -> Model | None:
    """Return the model of this name. One query."""
    return models([name]).get(name)


def listed(after: str, limit: int) -> list[Model]:
    """Return models by name, from the first after `after`. One query."""
    return [typed(row) for row in CatalogueModel.objects.filter(name__gt=after).order_by("name")[:limit]]


def put(name: str, data: Mapping[str, Any], by: str, check: Check = lambda _: None) -> ModelChange:
    """Put a model into the catalogue, or change the one that is there.

    `check` is given what is there, with the lock held, and may raise. Raises Refused where the model cannot be used.
    """
    draft = model_draft(data, name)
    with changing() as moment:
        check(find(name))
        return store(draft, by, moment)


def store(model: Model, by: str, moment: datetime) -> ModelChange:
    """Store a model within `rulebook.changing`, or `policies.changing_policies_of`. Where nothing differs, nothing
    changes."""
    before = find(model.name)
    if before == model:
        return ModelChange(before, before)
    reshaped = before is None or enablement.is_reshaped(before, model)
    change = ModelChange(before, model)
    closed: list[str] = []
    if reshaped:
        with_it = [each for each in versions.latest_of() if model.name in (each.policy.primary, each.policy.fallback)]
        what = enablement.told(change.differences, enablement.SHAPE)
        why = f"{model.name} changed: {what}" if before else f"{model.name} is new in the catalogue"
        closed = enablement.send_back(with_it, moment, by, why)
    values = {name: getattr(model, name) for name in canonical.MODEL_FIELDS if name != "name"}
    values |= {name: sorted(values[name]) for name in ("request_shapes", "features")}
    CatalogueModel.objects.update_or_create(
        name=model.name,
        defaults={**values, "updated_at": moment, "updated_by": by} | ({"reshaped_at": moment} if reshaped else {}),
    )
    audit.append("model put", by, subject=model.name, changed=change.differences)
    return replace(change, closed=tuple(closed))
