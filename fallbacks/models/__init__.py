"""What PostgreSQL holds. A module a table, or a family of tables of one shape."""

from fallbacks.models.event import Event, Outcome
from fallbacks.models.kept_aside import KeptAside
from fallbacks.models.key import ApiKey
from fallbacks.models.removed_rows import RemovedRows
from fallbacks.models.rollup import DayRollup, HourRollup, MinuteRollup, Rollup
from fallbacks.models.tally import DrainedEntry, Tally
from fallbacks.models.traffic import Traffic
from fallbacks.models.user import ROLES, User
from fallbacks.models.workload import Workload

__all__ = [
    "ROLES",
    "ApiKey",
    "DayRollup",
    "DrainedEntry",
    "Event",
    "HourRollup",
    "KeptAside",
    "MinuteRollup",
    "Outcome",
    "RemovedRows",
    "Rollup",
    "Tally",
    "Traffic",
    "User",
    "Workload",
]
