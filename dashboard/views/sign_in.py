"""Signing in. Django's own views; django-axes counts the wrong tries."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from dashboard.forms import SignInForm

TEMPLATE = "pages/login.html"


class SignIn(LoginView):
    """The login page. Whoever is signed in goes on to where they wanted to go."""

    template_name = TEMPLATE
    authentication_form = SignInForm
    redirect_authenticated_user = True


def locked_out(
    request: HttpRequest, response: HttpResponse | None, credentials: Mapping[str, Any] | None
) -> HttpResponse:
    """Answer whoever tried too often. Named by AXES_LOCKOUT_CALLABLE."""
    form = SignInForm(request, initial={"username": (credentials or {}).get("username", "")})
    return render(request, TEMPLATE, {"form": form, "locked": True, "next": request.POST.get("next", "")}, status=429)
