"""Who asks, where nobody comes who is not signed in."""

from django.http import HttpRequest

from fallbacks.models import User


def who_asks(request: HttpRequest) -> User:
    """Return who asks: the door has seen to it that somebody is signed in."""
    assert isinstance(request.user, User)  # noqa: S101
    return request.user
