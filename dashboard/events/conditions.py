"""What filters of events ask of a row, in SQL. Their values are checked already: `event_filters` reads them."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from psycopg import sql

from fallbacks.verdict import mask

# In the place of a value: the field is empty.
NONE = "none"
# Found by indexes of their own, however long ago it was.
IDS = ("id", "request_id", "trace_id")
# Rollups count events by these.
COUNTED = ("primary", "fallback", "error_class", "outcome", "rule", "broken")
# Fields of which "none" asks for those that are empty: no text of theirs is like that.
MAY_BE_NONE = ("fallback", "policy_version")
NUMBERS = ("attempts", "policy_version")
# Numbers that are not to be undercut.
AT_LEAST = (
    *("primary_latency_ms", "fallback_latency_ms"),
    *("input_tokens", "cached_input_tokens", "output_tokens", "cost_usd"),
)
# Where the words of a search may stand.
TEXTS = ("reason", "error_code", "request_id", "trace_id", "id")
TRUE = sql.SQL("TRUE")


@dataclass(frozen=True, slots=True)
class Filters:
    """Which events of a window are meant: of each field named here, a row has one of the values.

    `rule` and `broken` ("1": any, "0": none) ask which rules were broken; `status` may be such as "5xx"; `attribute`
    is a name, or name=value; of `reason` every word must occur; numbers of `AT_LEAST` may be larger.
    """

    values: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def by_id(self) -> bool:
        """Whether an id is asked for, so that few can match."""
        return any(name in self.values for name in IDS)

    @property
    def of_broken(self) -> bool:
        """Whether only events that broke a rule can match: they have an index of their own."""
        return "rule" in self.values or self.values.get("broken") == ("1",)

    def only(self, names: Collection[str]) -> "Filters":
        """Return the part of these fields."""
        return Filters({name: values for name, values in self.values.items() if name in names})

    def without(self, names: Collection[str]) -> "Filters":
        """Return the part of the other fields."""
        return Filters({name: values for name, values in self.values.items() if name not in names})

    @property
    def condition(self) -> sql.Composable:
        """What they ask of a row of `event`."""
        return both(OTHERWISE.get(name, _one_of)(name, values) for name, values in self.values.items())


def both(conditions: Iterable[sql.Composable]) -> sql.Composable:
    """Return the condition that all of these hold."""
    return sql.SQL(" AND ").join(conditions) if (conditions := list(conditions)) else TRUE


def either(conditions: Iterable[sql.Composable]) -> sql.Composable:
    """Return the condition that one of these holds."""
    return sql.SQL("({})").format(sql.SQL(" OR ").join(conditions))


def _one_of(name: str, values: Sequence[str]) -> sql.Composable:
    column = sql.Identifier(name)
    known = [int(value) if name in NUMBERS else value for value in values if value != NONE or name not in MAY_BE_NONE]
    asked = [sql.SQL("{} = ANY({})").format(column, sql.Literal(known))] if known else []
    return either([*asked, sql.SQL("{} IS NULL").format(column)]) if len(known) < len(values) else asked[0]


def is_id(name: str, value: str) -> sql.Composable:
    """Return the condition that an id is this one, as both indexes of that id know it: `fallbacks.sealing` tells why
    there are two."""
    return sql.SQL('({name} COLLATE "C" = {value} AND hashtext({name}) = hashtext({value}))').format(
        name=sql.Identifier(name), value=sql.Literal(value)
    )


def _ids(name: str, values: Sequence[str]) -> sql.Composable:
    return either(is_id(name, value) for value in values)


def _rules(name: str, values: Sequence[str]) -> sql.Composable:
    return sql.SQL("rules & {} <> 0").format(sql.Literal(mask(values)))


def _broken(name: str, values: Sequence[str]) -> sql.Composable:
    return either(sql.SQL("rules > 0" if value == "1" else "rules = 0") for value in values)


def _statuses(name: str, values: Sequence[str]) -> sql.Composable:
    return either(sql.SQL("status LIKE {}").format(sql.Literal(value.replace("x", "_"))) for value in values)


def _words(name: str, values: Sequence[str]) -> sql.Composable:
    return both(_occurs(word) for value in values for word in value.split())


def _occurs(word: str) -> sql.Composable:
    texts = sql.SQL(", ").join(map(sql.Identifier, TEXTS))
    return sql.SQL("concat_ws(' ', {}) ILIKE {}").format(texts, sql.Literal(f"%{word.translate(PLAIN)}%"))


def _features(name: str, values: Sequence[str]) -> sql.Composable:
    return sql.SQL("provider_features && {}::text[]").format(sql.Literal(list(values)))


def _truths(name: str, values: Sequence[str]) -> sql.Composable:
    column = sql.Identifier(name)
    return either(sql.SQL("{} IS {}").format(column, sql.SQL(_TRUTH[value])) for value in values)


def _at_least(name: str, values: Sequence[str]) -> sql.Composable:
    column = sql.Identifier(name)
    return both(sql.SQL("{} >= {}::numeric").format(column, sql.Literal(value)) for value in values)


def _attributes(name: str, values: Sequence[str]) -> sql.Composable:
    return either(_attribute(*value.split("=", 1)) for value in values)


def _attribute(name: str, value: str | None = None) -> sql.Composable:
    if value is None:
        return sql.SQL("attributes -> {} IS NOT NULL").format(sql.Literal(name))
    return sql.SQL("attributes ->> {} = {}").format(sql.Literal(name), sql.Literal(value))


# What would be a sign of its own in a pattern.
PLAIN = str.maketrans({sign: f"\\{sign}" for sign in r"\%_"})
_TRUTH = {"true": "TRUE", "false": "FALSE", "unknown": "NULL"}
# Of fields that ask for something else than one of some values.
OTHERWISE: Mapping[str, Callable[[str, Sequence[str]], sql.Composable]] = {
    "rule": _rules,
    "broken": _broken,
    "reason": _words,
    "status": _statuses,
    "provider_feature": _features,
    "user_visible": _truths,
    "user_notified": _truths,
    "attribute": _attributes,
    **dict.fromkeys(AT_LEAST, _at_least),
    **dict.fromkeys(IDS, _ids),
}
