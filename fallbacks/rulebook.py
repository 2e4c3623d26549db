"""The rulebook: all that events are judged by, as one process remembers it.

A revision number in the database tells whether what is remembered still holds. Whoever changes a policy, a model or a
route does so in `changing`; a recorder reads with `current`, in its transaction, and neither sees half of the other.
"""

import contextlib
import time
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection, transaction

from fallbacks.models import CatalogueModel, Enablement, PolicyVersion
from fallbacks.plaindata import policy_from
from fallbacks.policy import Model, Policy

# Any number, the same everywhere: recorders share it, and who changes something has it alone.
_LOCK = 0x0FA11B00
# A decision may be this old: CONTRIBUTING promises that a change is in force within 5 seconds.
RECENT = 1.0  # seconds

Route = tuple[str, str, str]  # workload, primary, fallback
Span = tuple[datetime, datetime | None]


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a policy, in force from `since`."""

    number: int
    since: datetime
    policy: Policy


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Policies by workload, oldest version first; the catalogue by name; and when each route was enabled."""

    revision: int
    models: Mapping[str, Model]
    versions: Mapping[str, tuple[Version, ...]]
    enabled: Mapping[Route, tuple[Span, ...]]
    # By workload, where there are any: the moments at which its rules changed. Between two of them equal facts get
    # equal verdicts.
    turns: Mapping[str, tuple[datetime, ...]]
    # What ended a span of `enabled`: suspended, expired or sent back, by its route and end.
    ended: Mapping[tuple[Route, datetime], str] = field(default_factory=dict)

    def in_force(self, workload: str, at: datetime) -> Version | None:
        """Return the version that was in force; before the first, the first."""
        versions = self.versions.get(workload)
        if not versions:
            return None
        place = bisect_right(versions, at, key=lambda version: version.since)
        return versions[max(0, place - 1)]

    def latest(self, workload: str) -> Version | None:
        versions = self.versions.get(workload)
        return versions[-1] if versions else None

    def is_enabled(self, workload: str, primary: str, fallback: str | None, at: datetime) -> bool:
        """Tell whether the route was enabled for users at that time."""
        spans = self.enabled.get((workload, primary, fallback or ""), ())
        return any(since <= at and (until is None or at < until) for since, until in spans)

    def enabled_until(self, workload: str, primary: str, fallback: str | None, at: datetime) -> datetime | None:
        """Return when the route's enablement ends that holds at that time; None where none does, or it has no end."""
        spans = self.enabled.get((workload, primary, fallback or ""), ())
        return next((until for since, until in spans if since <= at and until is not None and at < until), None)

    def era(self, workload: str, at: datetime) -> int:
        """Return which of the times between two changes of the workload's rules it was."""
        turns = self.turns.get(workload)
        return bisect_right(turns, at) if turns else 0


@contextlib.contextmanager
def changing() -> Iterator[datetime]:
    """Change what events are judged by, in one transaction, and give the moment from which the change is in force.

    Recorders that are under way are waited for, and those that come later wait: milliseconds.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        cursor.execute("UPDATE rulebook SET revision = nextval('rulebook_revision') RETURNING clock_timestamp()")
        (moment,) = cursor.fetchone()
        yield moment


_remembered: Rulebook | None = None
_looked_at = 0.0


def current() -> Rulebook:
    """Return the rulebook as it is, and keep it so until the end of the caller's transaction."""
    with connection.cursor() as cursor:
        # A statement of its own: the next one's snapshot must be taken when the lock is there.
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_LOCK])
    return _of(_revision())


def recent() -> Rulebook:
    """Return the rulebook as it was within the last second. Raises django.db.DatabaseError where that is not known."""
    global _looked_at
    now = time.monotonic()
    if _remembered is not None and now - _looked_at <= RECENT:
        return _remembered
    revision = _revision()
    while (found := _remembered) is None or found.revision != revision:
        _of(revision)
        # Nothing is locked here: what changed while it was read would be there in part.
        revision = _revision()
    _looked_at = now
    return found


def _revision() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT revision FROM rulebook")
        return int(cursor.fetchone()[0])


def _of(revision: int) -> Rulebook:
    global _remembered
    # A change that is taken back takes its revision along: no other ever has the same.
    if _remembered is None or _remembered.revision != revision:
        _remembered = _read(revision)
    return _remembered


def _read(revision: int) -> Rulebook:
    versions: dict[str, list[Version]] = defaultdict(list)
    for row in PolicyVersion.objects.select_related("workload").order_by("workload_id", "version"):
        versions[row.workload.slug].append(Version(row.version, row.since, policy_from(row.body)))
    enabled: dict[Route, list[Span]] = defaultdict(list)
    ended: dict[tuple[Route, datetime], str] = {}
    for span in Enablement.objects.select_related("workload").order_by("since"):
        # It ends by itself: nobody has to be there.
        ends = [moment for moment in (span.until, span.expires_at) if moment is not None]
        route, end = (span.workload.slug, span.primary, span.fallback), min(ends, default=None)
        enabled[route].append((span.since, end))
        if end is not None:
            ended[route, end] = Enablement.Ended.EXPIRED if end == span.expires_at else span.ended
    turns: dict[str, set[datetime]] = defaultdict(set)
    for workload, known in versions.items():
        # Before the first version the first one judges: that is no turn.
        turns[workload].update(version.since for version in known[1:])
    for (workload, *_), spans in enabled.items():
        turns[workload].update(moment for span in spans for moment in span if moment is not None)
    return Rulebook(
        revision=revision,
        models={row.name: typed(row) for row in CatalogueModel.objects.all()},
        versions={workload: tuple(known) for workload, known in versions.items()},
        enabled={route: tuple(spans) for route, spans in enabled.items()},
        turns={workload: tuple(sorted(moments)) for workload, moments in turns.items() if moments},
        ended=ended,
    )


def typed(row: CatalogueModel) -> Model:
    """Return a model of the catalogue as the pure modules know it."""
    return Model(
        name=row.name,
        provider=row.provider,
        family=row.family,
        request_shapes=frozenset(row.request_shapes),
        features=frozenset(row.features),
        data_region=row.data_region,
        billing_account=row.billing_account,
        input_price=row.input_price,
        cached_input_price=row.cached_input_price,
        output_price=row.output_price,
    )
