"""Who is signed in: the person and their roles, in one query a request."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Q

from fallbacks.models import User


class WithRoles(ModelBackend):
    """Django's own, which reads the roles along: nearly every page asks for them."""

    def get_user(self, user_id: Any) -> User | None:
        named = ArrayAgg("groups__name", filter=Q(groups__name__isnull=False), default=[])
        user = User.objects.annotate(role_names=named).filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None
