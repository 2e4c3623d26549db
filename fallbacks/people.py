"""Who is signed in: the person and their roles, in one query a request."""

from typing import Any

from django.contrib.auth.backends import ModelBackend

from fallbacks.models import User
from fallbacks.models.user import with_roles


class WithRoles(ModelBackend):
    """Django's own, which reads the roles along: nearly every page asks for them."""

    def get_user(self, user_id: Any) -> User | None:
        user = with_roles(User.objects.filter(pk=user_id)).first()
        return user if user is not None and self.user_can_authenticate(user) else None
