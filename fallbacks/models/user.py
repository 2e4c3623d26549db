"""People and their roles."""

from django.contrib.auth.models import AbstractUser

# Groups of Django's, made by a migration. A person may hold several.
ROLES = ("viewer", "engineer", "reviewer", "admin")


class User(AbstractUser):
    """A person who signs in."""

    @property
    def known_as(self) -> str:
        """The person's name, as others know them."""
        return self.get_full_name() or self.username

    def roles(self) -> list[str]:
        """Return the names of the roles that this person holds, in the order of `ROLES`."""
        # Read along with who is signed in (fallbacks.people).
        read: list[str] | None = self.__dict__.get("role_names")
        held = set(self.groups.values_list("name", flat=True) if read is None else read)
        return [role for role in ROLES if role in held]
