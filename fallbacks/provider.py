"""The provider of OpenID Connect by which people may sign in: who is let in, and which roles they get."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from fallbacks.environment import Environment
from fallbacks.permissions import ROLES

LOOPBACK = ("localhost", "127.0.0.1", "::1")
# In the place of domains: whoever the provider knows.
EVERYBODY = "*"


@dataclass(frozen=True, slots=True)
class Provider:
    """What the settings say of it.

    `domains` are those of e-mail addresses that are let in, empty for all. `roles` are pairs of a value of the claim
    `roles_claim` and the role it stands for; where there are none, an admin gives roles by hand.
    """

    issuer: str
    client_id: str
    secret: str
    name: str
    domains: frozenset[str]
    roles_claim: str
    roles: tuple[tuple[str, str], ...]

    def lets_in(self, email: str, verified: bool) -> bool:
        """Tell whether somebody with this address may come in. An address that nobody checked is none."""
        if not self.domains:
            return True
        return verified and email.rpartition("@")[2].lower() in self.domains

    def roles_of(self, claims: Mapping[str, Any]) -> list[str] | None:
        """Return the roles that the claims stand for; None where the settings leave them to an admin.

        The claim is a list of texts, or a text with blanks between; a name with dots leads into objects.
        """
        if not self.roles:
            return None
        found: Any = claims
        for part in [self.roles_claim] if self.roles_claim in claims else self.roles_claim.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        values = found.split() if isinstance(found, str) else found if isinstance(found, list) else []
        held = {role for value, role in self.roles if value in values}
        return [role for role in ROLES if role in held]


def read(given: Environment) -> Provider | None:
    """Return the provider that the environment names; None where it names none."""
    issuer = given.text("OIDC_ISSUER").rstrip("/")
    client_id, secret = given.text("OIDC_CLIENT_ID"), given.text("OIDC_CLIENT_SECRET")
    name = given.text("OIDC_NAME", "your company’s login")
    domains = given.words("OIDC_DOMAINS")
    claim = given.text("OIDC_ROLES_CLAIM", "groups")
    roles = _roles(given, given.words("OIDC_ROLES"))
    if not issuer:
        if client_id or secret:
            given.wrong.append("OIDC_ISSUER is not set: it is the provider's address, as https://login.example.")
        return None
    parts = urlsplit(issuer)
    if not parts.hostname or (parts.scheme != "https" and parts.hostname not in LOOPBACK):
        given.wrong.append(f"OIDC_ISSUER is {issuer!r}: write it as https://login.example.")
    for variable, value in (("OIDC_CLIENT_ID", client_id), ("OIDC_CLIENT_SECRET", secret)):
        if not value:
            given.wrong.append(f"{variable} is not set: the provider gives it to whom it knows as a client.")
    if not domains:
        given.wrong.append(
            "OIDC_DOMAINS is not set: write the domains of the e-mail addresses that are let in, with commas between, "
            f"or {EVERYBODY} for everybody whom the provider knows."
        )
    allowed = frozenset() if EVERYBODY in domains else frozenset(domain.lower().lstrip("@") for domain in domains)
    return Provider(issuer, client_id, secret, name, allowed, claim, roles)


def _roles(given: Environment, pairs: list[str]) -> tuple[tuple[str, str], ...]:
    """Return pairs of a claim's value and a role. A value may stand for several roles, and have = in itself."""
    found = []
    for pair in pairs:
        value, _, role = pair.rpartition("=")
        if not value.strip() or role.strip() not in ROLES:
            given.wrong.append(f"OIDC_ROLES has {pair!r}: write it as group=role, with a role of {', '.join(ROLES)}.")
        found.append((value.strip(), role.strip()))
    return tuple(found)
