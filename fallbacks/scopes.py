"""What keys may do. Pure: forms, commands and the API offer the same."""

from collections.abc import Mapping
from typing import Final

MANAGE: Final = "keys:manage"

# By name, in words: "May ...".
SCOPES: Mapping[str, str] = {
    "events:write": "send events",
    "traffic:write": "send how many requests there were",
    "rates:read": "read rates and states",
    "events:read": "read events, without samples",
    "policy:read": "read policies and models, and ask for decisions",
    "policy:write": "change policies and models",
    "verifications:write": "tell that a fallback took a payload class",
    "metrics:read": "read the metrics of the observatory itself",
    MANAGE: "make, rotate and revoke keys in the name of its owner, with no more than it may itself",
}
# Those of keys that belong to nobody.
OF_NOBODY = tuple(scope for scope in SCOPES if scope != MANAGE)
