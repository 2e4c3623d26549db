"""What people may do, and the roles that may: Django's permissions and groups, made by a migration.

Code asks for a permission and never for a role: what a role is may change, what a door guards does not.
"""

from collections.abc import Mapping
from typing import Final

SEE_FIGURES: Final = "see_figures"
READ_REMARKS: Final = "read_remarks"
WRITE_POLICIES: Final = "write_policies"
MAKE_KEYS: Final = "make_keys"
REQUEST_ROUTES: Final = "request_routes"
REVIEW_SAMPLES: Final = "review_samples"
DECIDE_ROUTES: Final = "decide_routes"
OPERATE: Final = "operate"
READ_AUDIT: Final = "read_audit"
MANAGE_KEYS: Final = "manage_keys"
MANAGE_PEOPLE: Final = "manage_people"

# By name, in words: "May ...".
PERMISSIONS: Mapping[str, str] = {
    SEE_FIGURES: "see dashboards, events and what reviews say, and export them",
    READ_REMARKS: "read what reviewers wrote, which may quote what users wrote",
    WRITE_POLICIES: "change policies and models",
    MAKE_KEYS: "make and revoke keys of their own",
    REQUEST_ROUTES: "ask that a route be enabled",
    REVIEW_SAMPLES: "see samples, claim and score them",
    DECIDE_ROUTES: "approve, reject and suspend routes",
    OPERATE: "see where items are, and what to do with what was kept aside",
    READ_AUDIT: "read the audit log",
    MANAGE_KEYS: "see and revoke everybody's keys",
    MANAGE_PEOPLE: "invite people, change their roles and deactivate them",
}
# Groups of Django's. A person may hold several.
ROLES = ("viewer", "engineer", "reviewer", "admin")
GRANTS: Mapping[str, frozenset[str]] = {
    "viewer": frozenset({SEE_FIGURES}),
    "engineer": frozenset({SEE_FIGURES, READ_REMARKS, WRITE_POLICIES, MAKE_KEYS, REQUEST_ROUTES}),
    "reviewer": frozenset({SEE_FIGURES, READ_REMARKS, REVIEW_SAMPLES, DECIDE_ROUTES}),
    "admin": frozenset(PERMISSIONS),
}


def roles_with(permission: str) -> list[str]:
    """Return the roles that hold a permission, in their order."""
    return [role for role in ROLES if permission in GRANTS[role]]
