"""The form of a model of the catalogue. Pure."""

from dashboard.policies.field_words import LABELS
from dashboard.policies.fields import Field, Kind


def _field(name: str, kind: Kind, hint: str) -> Field:
    return Field(name=name, label=LABELS[name], kind=kind, hint=hint)


FIELDS = (
    _field("provider", "text", "who runs it"),
    _field("family", "text", "models of one family take the same requests"),
    _field("request_shapes", "names", "payload classes that it takes, separated by commas"),
    _field("features", "names", "what only some providers have, separated by commas"),
    _field("data_region", "known", "where it processes data; empty: not known, and no boundary then"),
    _field("billing_account", "known", "which account pays; empty: not known, and no boundary then"),
    _field("input_price", "amount", "empty: not known"),
    _field("cached_input_price", "amount", "empty: not known"),
    _field("output_price", "amount", "empty: not known"),
)
