"""The form of a name and a password."""

from typing import Any

from django.contrib.auth.forms import AuthenticationForm

MOST_NAME = 150


class SignInForm(AuthenticationForm):
    """Django's, with one answer for every wrong name or password."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": "Name or password is wrong. Try again. After 5 wrong tries you wait 15 minutes.",
        # An account that was closed is nobody's business either.
        "inactive": "Name or password is wrong. Try again. After 5 wrong tries you wait 15 minutes.",
    }

    def clean(self) -> dict[str, Any]:
        # Nobody has a longer one, and the log of tries has no room for it.
        if len(self.cleaned_data.get("username") or "") > MOST_NAME:
            raise self.get_invalid_login_error()
        return dict(super().clean() or {})
