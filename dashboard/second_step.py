"""The second step of signing in: a code or a passkey, after the password or the provider."""

from typing import Any

from allauth.mfa.stages import AuthenticateStage
from django.contrib import messages
from django.http import HttpResponse
from django.utils.crypto import constant_time_compare

# In what is kept of a sign-in that has begun.
BEGUN_WITH = "begun_with"


class SecondStep(AuthenticateStage):  # type: ignore[misc]
    """Completes a sign-in only while the password is the one that it was begun with.

    Whoever changes it may do so because somebody else knows the old one, and has come this far by it. What is kept is
    what Django keeps in sessions for the same end: no password can be made of it.
    """

    def handle(self) -> tuple[Any, bool]:
        response, goes_on = super().handle()
        if response:
            self.state[BEGUN_WITH] = self.login.user.get_session_auth_hash()
        return response, goes_on

    def exit(self) -> HttpResponse:
        answer: HttpResponse
        if constant_time_compare(self.state.get(BEGUN_WITH, ""), self.login.user.get_session_auth_hash()):
            answer = super().exit()
        else:
            messages.error(self.request, "The password was changed since you began to sign in: begin again.")
            answer = self.abort()
        return answer
