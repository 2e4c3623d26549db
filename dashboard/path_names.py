"""Names in addresses: of models, which hold slashes and whatever else, and of workloads.

Browsers take `.` and `..` for steps in a path, however they are escaped. Workloads of these names are written with a
`~` before them there, which no slug holds.
"""

from django.urls.converters import StringConverter

from fallbacks import slugs


class AnyText(StringConverter):
    """Every text but the empty one, line ends included: what is no good name is refused by its field, not lost."""

    regex = r"[\s\S]+"


class Workload(StringConverter):
    """The slug of a workload."""

    regex = rf"~\.{{1,2}}|{slugs.PATTERN}"

    def to_python(self, value: str) -> str:
        return value[1:] if value in ("~.", "~..") else value

    def to_url(self, value: str) -> str:
        return f"~{value}" if value in (".", "..") else value


class AnyWorkload(Workload):
    """What somebody takes for the slug of a workload."""

    regex = AnyText.regex
