"""Links by which people who are locked out get in again."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from fallbacks.models.link import Link
from fallbacks.models.user import User


class SignInReset(Link):
    """A link by which one person, and nobody else, chooses a new password."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "sign_in_reset"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(used_at=None) | models.Q(withdrawn_at=None),
                name="sign_in_reset_used_or_withdrawn",
            ),
            # It gives somebody's account away: never by their own hand alone.
            models.CheckConstraint(condition=~models.Q(made_by=models.F("person")), name="sign_in_reset_by_another"),
        ]

    def __str__(self) -> str:
        return f"sign-in reset {self.id}"

    @property
    def maker(self) -> User:
        return self.made_by

    @property
    def state(self) -> str:
        """Return `used`, `withdrawn`, `expired`, or `open`, while it is good."""
        found = super().state
        # Whoever was deactivated comes in by none, by whatever way they were.
        return "withdrawn" if found == "open" and not self.person.is_active else found
