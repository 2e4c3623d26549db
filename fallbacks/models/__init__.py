"""What PostgreSQL holds. A module a table, or a family of tables of one shape."""

from fallbacks.models.audit import AuditEntry
from fallbacks.models.event import EarlierVerdict, Event, Outcome
from fallbacks.models.export import Export, ExportState
from fallbacks.models.invitation import Invitation
from fallbacks.models.kept_aside import KeptAside
from fallbacks.models.key import ApiKey
from fallbacks.models.policy import CatalogueModel, PolicyVersion
from fallbacks.models.removed_rows import RemovedRows
from fallbacks.models.review import PassedOver, Review, Sample
from fallbacks.models.rollup import (
    DayBreakdown,
    DayRollup,
    HourBreakdown,
    HourRollup,
    MinuteBreakdown,
    MinuteRollup,
    Rollup,
)
from fallbacks.models.route import Enablement, RouteRequest, Rulebook, Verification
from fallbacks.models.saved_view import SavedView
from fallbacks.models.sign_in_reset import SignInReset
from fallbacks.models.tally import DrainedEntry, Tally
from fallbacks.models.traffic import Traffic
from fallbacks.models.user import User
from fallbacks.models.workload import Workload

__all__ = [
    "ApiKey",
    "AuditEntry",
    "CatalogueModel",
    "DayBreakdown",
    "DayRollup",
    "DrainedEntry",
    "EarlierVerdict",
    "Enablement",
    "Event",
    "Export",
    "ExportState",
    "HourBreakdown",
    "HourRollup",
    "Invitation",
    "KeptAside",
    "MinuteBreakdown",
    "MinuteRollup",
    "Outcome",
    "PassedOver",
    "PolicyVersion",
    "RemovedRows",
    "Review",
    "Rollup",
    "RouteRequest",
    "Rulebook",
    "Sample",
    "SavedView",
    "SignInReset",
    "Tally",
    "Traffic",
    "User",
    "Verification",
    "Workload",
]
