"""People and their roles."""

from django.contrib.auth.models import AbstractUser

# Groups of Django's, made by a migration. A person may hold several.
ROLES = ("viewer", "engineer", "reviewer", "admin")


class User(AbstractUser):
    """A person who signs in."""

    def roles(self) -> list[str]:
        """Return the names of the roles that this person holds, in the order of `ROLES`."""
        # Read along with who is signed in (fallbacks.people).
        read: list[str] | None = self.__dict__.get("role_names")
        held = set(self.groups.values_list("name", flat=True) if read is None else read)
        return [role for role in ROLES if role in held]
