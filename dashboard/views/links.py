"""Links that are good once, as whoever opens one sees them: the address stays with us, and one that is over says so."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from dashboard import who_may
from dashboard.words import names
from fallbacks.models import User
from fallbacks.models.link import Link
from fallbacks.permissions import MANAGE_PEOPLE

BACKEND = "fallbacks.people.WithRoles"
# The address holds the token, so no other address is told it, not even one of ours, whose server may log it. Not
# "no-referrer": then browsers send the form with the origin "null", and it is refused as another site's.
REFERRER = "strict-origin"


def told_nowhere(answer: HttpResponse) -> HttpResponse:
    """Keep the address of a page, which holds a token, from all other addresses."""
    answer["Referrer-Policy"] = REFERRER
    return answer


def over(request: HttpRequest, template: str, link: Link | None, good_for: timedelta) -> HttpResponse:
    """Say why a link is of no use, and whom to ask for another."""
    context: dict[str, Any] = {"state": link.state if link else "unknown", "good_for": good_for_words(good_for)}
    if link is not None:
        by = link.maker
        context["whom"] = by.known_as if by.may(MANAGE_PEOPLE) else names(who_may.people("admin")[0]) or "an admin"
    return render(request, template, context, status=410 if link else 404)


def good_for_words(span: timedelta) -> str:
    """Write how long a link is good for: 7 days, 24 hours."""
    return f"{span.days} days" if span > timedelta(days=1) else f"{span // timedelta(hours=1)} hours"


def wrong_password(person: User, password: str, again: str) -> dict[str, list[str]]:
    """Return what is wrong with a new password that was typed twice, by field."""
    try:
        validate_password(password, person)
    except ValidationError as error:
        return {"password": error.messages}
    return {} if password == again else {"again": ["It is not the same as above: type both again."]}
