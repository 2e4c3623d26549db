"""Names in addresses: of models, which hold slashes and whatever else, and of what somebody takes for a workload."""

from django.urls.converters import StringConverter


class AnyText(StringConverter):
    """Every text but the empty one, line ends included: what is no good name is refused by its field, not lost."""

    regex = r"[\s\S]+"
