"""What may be asked of the reading API: query parameters, their forms and limits, and what a key narrows them to."""

import base64
import binascii
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from django.http import QueryDict
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from dashboard.events.conditions import Filters
from dashboard.queries import Scope
from fallbacks import timebuckets
from fallbacks.boundary import BY_NAME
from fallbacks.keys import Key
from fallbacks.models import Outcome
from fallbacks.retention import NEWEST_TAKEN
from fallbacks.timebuckets import LENGTH, STEPS, Step, Window, fitting_step
from fallbacks.verdict import RULES

DEFAULT_SPAN = timedelta(hours=24)
FILTERED = ("primary", "fallback", "error_class", "outcome", "rule", "request_id")
DIMENSIONS = ("workload", "primary", "fallback", "error_class", "outcome", "rule")
# More rows than this in one answer are a mistake in `step` rather than a wish.
MOST_BUCKETS_ASKED = 5_000
MOST_ROWS_ASKED = 100_000
MOST_A_PAGE = 500


@extend_schema_field(OpenApiTypes.DATETIME)
class Moment(serializers.Field[datetime, str, str, Any]):
    """A time as of RFC 3339 with its offset. One without is refused: nobody can tell which clock it is of."""

    default_error_messages = {
        "form": "must be a time as of RFC 3339 with its offset, such as 2026-11-17T14:00:00Z (write a + as %2B)"
    }

    def to_internal_value(self, data: str) -> datetime:
        try:
            moment = datetime.fromisoformat(data)
        except ValueError:
            self.fail("form")
        if moment.tzinfo is None:
            self.fail("form")
        return moment


class Parameters(serializers.Serializer[Any]):
    """Query parameters. One that is not known is refused: a typo must not widen an answer quietly."""

    def to_internal_value(self, data: QueryDict) -> dict[str, Any]:
        if unknown := sorted(set(data) - set(self.fields)):
            known = ", ".join(self.fields)
            raise serializers.ValidationError({unknown[0]: [f"is not a known parameter; there are {known}"]})
        repeatable = {name for name, field in self.fields.items() if isinstance(field, serializers.ListField)}
        if twice := sorted(name for name in data if name not in repeatable and len(data.getlist(name)) > 1):
            raise serializers.ValidationError({twice[0]: ["may be given once"]})
        return dict(super().to_internal_value(data))

    def get_fields(self) -> dict[str, Any]:
        # `from` is a word of Python's, so it cannot be declared as an attribute.
        return {**super().get_fields(), "from": Moment(required=False), "to": Moment(required=False)}


class RatesParameters(Parameters):
    """Of `GET /api/v1/rates`."""

    workload = serializers.ListField(child=serializers.CharField(max_length=64), required=False)
    environment = serializers.CharField(max_length=64, required=False)
    step = serializers.ChoiceField(
        STEPS, required=False, error_messages={"invalid_choice": f"must be one of {', '.join(STEPS)}"}
    )
    by = serializers.ListField(
        child=serializers.ChoiceField(
            DIMENSIONS, error_messages={"invalid_choice": f"{{input}} is not one of {', '.join(DIMENSIONS)}"}
        ),
        required=False,
    )

    def validate_by(self, value: list[str]) -> list[str]:
        return [name for name in DIMENSIONS if name in value]


class StatesParameters(Parameters):
    """Of `GET /api/v1/states`."""

    workload = serializers.ListField(child=serializers.CharField(max_length=64), required=False)
    environment = serializers.CharField(max_length=64, required=False)

    def get_fields(self) -> dict[str, Any]:
        # As of now, which is all that a state is of.
        return {name: field for name, field in super().get_fields().items() if name not in ("from", "to")}


class EventsParameters(Parameters):
    """Of `GET /api/v1/events`."""

    workload = serializers.ListField(child=serializers.CharField(max_length=64), required=False)
    environment = serializers.CharField(max_length=64, required=False)
    primary = serializers.CharField(max_length=128, required=False)
    fallback = serializers.CharField(max_length=128, required=False)
    request_id = serializers.CharField(max_length=128, required=False)
    error_class = serializers.ChoiceField(
        sorted(BY_NAME),
        required=False,
        error_messages={"invalid_choice": f"must be one of {', '.join(BY_NAME)}"},
    )
    rule = serializers.ChoiceField(
        RULES, required=False, error_messages={"invalid_choice": f"must be one of {', '.join(RULES)}"}
    )
    outcome = serializers.ChoiceField(
        Outcome.values, required=False, error_messages={"invalid_choice": f"must be one of {', '.join(Outcome.values)}"}
    )
    limit = serializers.IntegerField(required=False, min_value=1, max_value=MOST_A_PAGE)
    cursor = serializers.CharField(required=False)


@dataclass(frozen=True, slots=True)
class Rates:
    """What is asked of rates, complete."""

    window: Window
    step: Step
    by: list[str]
    scope: Scope


@dataclass(frozen=True, slots=True)
class Events:
    """What is asked of the list of events, complete. `after` is the key of the last event of the page before."""

    window: Window
    scope: Scope
    filters: Filters
    limit: int
    after: tuple[datetime, int, str] | None


def rates(request: Request) -> Rates:
    """Read the parameters of rates. Raises ValidationError or PermissionDenied."""
    asked = _read(RatesParameters, request)
    window = _window(asked)
    step: Step = asked.get("step") or fitting_step(window)
    buckets = timebuckets.count(window, LENGTH[step])
    if buckets > MOST_BUCKETS_ASKED:
        raise serializers.ValidationError(
            {
                "step": [
                    f"{step} cuts this window into {buckets:,} buckets, {MOST_BUCKETS_ASKED:,} are the most: ask for"
                    " a coarser step or a shorter window"
                ]
            }
        )
    return Rates(window, step, asked.get("by", []), _scope(asked, request.auth))


def refuse_too_many(buckets: int, combinations: int) -> None:
    """Raise ValidationError where an answer of rates would be larger than anybody reads: services name the models."""
    if (rows := buckets * combinations) > MOST_ROWS_ASKED:
        raise serializers.ValidationError(
            {
                "step": [
                    f"{buckets:,} buckets of {combinations:,} combinations of `by` are {rows:,} rows,"
                    f" {MOST_ROWS_ASKED:,} are the most: ask for a coarser step, a shorter window, fewer workloads or"
                    " less in `by`"
                ]
            }
        )


def events(request: Request) -> Events:
    """Read the parameters of the list of events. Raises ValidationError or PermissionDenied."""
    asked = _read(EventsParameters, request)
    return Events(
        # What was taken is listed, also of a service whose clock is ahead.
        window=_window(asked, NEWEST_TAKEN),
        scope=_scope(asked, request.auth),
        filters=Filters({name: (asked[name],) for name in FILTERED if name in asked}),
        limit=asked.get("limit", 100),
        after=decode_cursor(asked["cursor"]) if "cursor" in asked else None,
    )


def states(request: Request) -> Scope:
    """Read the parameters of states. Raises ValidationError or PermissionDenied."""
    return _scope(_read(StatesParameters, request), request.auth)


# Of an event in the list: its time, its workload's number, its id.
Position = tuple[
    Annotated[datetime, msgspec.Meta(tz=True)],
    Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)],
    str,
]


def encode_cursor(last: tuple[datetime, int, str]) -> str:
    """Return the cursor of the page that comes after the event of this key."""
    return base64.urlsafe_b64encode(msgspec.json.encode(last)).decode()


def decode_cursor(text: str) -> tuple[datetime, int, str]:
    """Return the key that is in a cursor. Raises ValidationError."""
    try:
        moment, workload_id, name = msgspec.json.decode(base64.urlsafe_b64decode(text), type=Position)
        if moment.tzinfo is None or "\0" in name:
            raise ValueError
        return moment, workload_id, name
    except (binascii.Error, ValueError) as error:
        raise serializers.ValidationError(
            {"cursor": ["is cut off: take `next` of the page before as it is"]}
        ) from error


def _read(kind: type[Parameters], request: Request) -> dict[str, Any]:
    parameters = kind(data=request.query_params)
    parameters.is_valid(raise_exception=True)
    return dict(parameters.validated_data)


def _window(asked: dict[str, Any], ahead: timedelta = timedelta()) -> Window:
    """Return the time that is asked of; where nothing says until when, until now and so far `ahead`."""
    now = timezone.now()
    try:
        start = asked.get("from") or asked.get("to", now) - DEFAULT_SPAN
        return Window.around(start, asked.get("to") or now + ahead)
    except ValueError as error:
        raise serializers.ValidationError({"from": [str(error)]}) from error
    except OverflowError as error:
        raise serializers.ValidationError({"to": ["lies too far away: there is no time before or after it"]}) from error


def _scope(asked: dict[str, Any], key: object) -> Scope:
    """Narrow what is asked to what the key is for."""
    assert isinstance(key, Key)  # noqa: S101  HasScope has seen to it
    workloads: Collection[str] | None = asked.get("workload") or None
    if workloads and key.workloads and (other := sorted(set(workloads) - key.workloads)):
        raise PermissionDenied(f"This key is not for workload {other[0]}: use a key that is.", "not_covered")
    environment = asked.get("environment")
    if key.environments:
        if environment is None and len(key.environments) > 1:
            known = ", ".join(sorted(key.environments))
            raise PermissionDenied(f"Name the environment: this key is for {known}.", "not_covered")
        environment = environment or next(iter(key.environments))
        if environment not in key.environments:
            raise PermissionDenied(f"This key is not for environment {environment}: use a key that is.", "not_covered")
    return Scope(workloads or key.workloads or None, environment)
