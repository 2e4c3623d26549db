"""People, their roles, and what these may do."""

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Q, QuerySet

from fallbacks.permissions import PERMISSIONS, ROLES


class User(AbstractUser):
    """A person who signs in."""

    class Meta:
        permissions = list(PERMISSIONS.items())

    @property
    def known_as(self) -> str:
        """The person's name, as others know them."""
        return self.get_full_name() or self.username

    def roles(self) -> list[str]:
        """Return the names of the roles that this person holds, in the order of `ROLES`."""
        held = set(self._read("role_names"))
        return [role for role in ROLES if role in held]

    def may(self, permission: str) -> bool:
        """Tell whether one of the person's roles holds a permission of `fallbacks.permissions`."""
        return self.is_active and permission in self._read("permission_names")

    def _read(self, name: str) -> list[str]:
        """Return what `with_roles` read along, or read it now."""
        if name not in self.__dict__:
            self.__dict__.update(vars(with_roles(User.objects.filter(pk=self.pk)).get()))
        found: list[str] = self.__dict__[name]
        return found


def with_roles(people: QuerySet[User]) -> QuerySet[User]:
    """Read along which roles people hold, and what these may do."""
    return people.annotate(
        role_names=_all("groups__name"),
        permission_names=_all("groups__permissions__codename"),
    )


def _all(name: str) -> ArrayAgg:
    return ArrayAgg(name, filter=Q(**{f"{name}__isnull": False}), distinct=True, default=[])
