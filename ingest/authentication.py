"""Who sends: the key in the Authorization header."""

from collections.abc import Mapping
from typing import Any

from fallbacks import keys


class Refused(Exception):
    """The request shows no key that may do this. `status` is 401 or 403."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def authenticate(environ: Mapping[str, Any], scope: str) -> keys.Key:
    """Return the key of a request, whose WSGI environment this is.

    Raises Refused, or keys.KeysUnavailable where it cannot be looked up.
    """
    try:
        key = keys.shown_in(environ.get("HTTP_AUTHORIZATION", ""))
    except keys.NoKey as none:
        raise Refused(401, none.code, none.message) from none
    if scope not in key.scopes:
        raise Refused(403, "lacks_scope", f"The key lacks the scope {scope}: use a key that has it.")
    return key
