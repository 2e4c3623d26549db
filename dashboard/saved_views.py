"""Saved views: which addresses may be saved, how they are kept so that they mean the same to everybody, and whose they
are."""

from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode, urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.urls import Resolver404, resolve
from django.utils import timezone

from fallbacks.models import SavedView, User

# The pages that can be saved, by the name of their address: those of figures and events.
PAGES = {
    "overview": "Overview",
    "workload": "Workload",
    "event-list": "Events",
    "violations": "Violations",
    "review-results": "Review results",
}
# A place within a list, or another form of the page: not what somebody wants to come back to.
DROPPED = frozenset({"after", "before", "open", "format"})
# A span that was chosen by hand: written in the zone of whoever chose it.
LOCAL = frozenset({"from", "to"})
# The menu lists them all, and a list of more is searched rather than read.
MOST = 100
# Longer ones do not fit the address lines that they are sent through.
MOST_ADDRESS = 2_000
NOT_A_PAGE = "Only pages of figures and events can be saved: open one, and save it from there."


def address(value: str) -> tuple[str, str]:
    """Return path and query of an address as they are saved. Raises ValidationError.

    Only this site's own pages: a link that somebody shares is opened without a look at where it leads.
    """
    try:
        parts = urlsplit(value)
        found = resolve(parts.path)
    except (ValueError, Resolver404):
        raise ValidationError(NOT_A_PAGE) from None
    if parts.scheme or parts.netloc or value.startswith("//") or found.url_name not in PAGES:
        raise ValidationError(NOT_A_PAGE)
    pairs = parse_qsl(parts.query, keep_blank_values=False)
    return parts.path, urlencode([(name, anywhere(name, text)) for name, text in pairs if name not in DROPPED])


def anywhere(name: str, text: str) -> str:
    """Return a value that is the same in every zone: a time without an offset is of the one who saves it."""
    if name not in LOCAL:
        return text
    try:
        moment = datetime.fromisoformat(text)
        aware = timezone.make_aware(moment) if timezone.is_naive(moment) else moment
        return aware.astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return text


class NameForm(forms.Form):
    """What a view is called."""

    name = forms.CharField(
        max_length=80,
        error_messages={
            "required": "Give the view a name.",
            "max_length": "A name has 80 characters at most.",
            "null_characters_not_allowed": "A name has letters and signs that can be read.",
        },
    )


class ViewForm(NameForm):
    """A page to be saved. Its cleaned `address` is a pair of path and query."""

    address = forms.CharField(
        max_length=MOST_ADDRESS,
        error_messages={
            "required": NOT_A_PAGE,
            "max_length": f"An address has {MOST_ADDRESS:,} characters at most: take fewer filters.",
            "null_characters_not_allowed": NOT_A_PAGE,
        },
    )
    shared = forms.BooleanField(required=False)

    def clean_address(self) -> tuple[str, str]:
        return address(self.cleaned_data["address"])


class Refused(ValueError):
    """Why it cannot be done; the message is for people."""


def save(owner: User, name: str, path: str, query: str, *, shared: bool) -> SavedView:
    """Save a view. Raises Refused."""
    if SavedView.objects.filter(owner=owner).count() >= MOST:
        raise Refused(f"You have {MOST} saved views, which is the most: delete one that you do not need.")
    try:
        with transaction.atomic():
            return SavedView.objects.create(owner=owner, name=name, path=path, query=query, shared=shared)
    except IntegrityError:
        raise taken(name) from None


def rename(view: SavedView, name: str) -> None:
    """Give a view another name. Raises Refused."""
    try:
        with transaction.atomic():
            SavedView.objects.filter(pk=view.pk).update(name=name)
    except IntegrityError:
        raise taken(name) from None


def taken(name: str) -> Refused:
    return Refused(f"You have a view called “{name}”: choose another name, or delete that one first.")


def seen_by(person: User) -> QuerySet[SavedView]:
    """Return the person's own views and those that others share, by name."""
    seen = SavedView.objects.filter(Q(owner=person) | Q(shared=True))
    return seen.select_related("owner").order_by("name", "owner__username")


def halves(person: User) -> tuple[list[SavedView], list[SavedView]]:
    """Return the person's own views, and those of others. One query."""
    seen = list(seen_by(person))
    return [view for view in seen if view.owner_id == person.pk], [view for view in seen if view.owner_id != person.pk]


def page_of(view: SavedView) -> str:
    """Return the word for the view's page."""
    try:
        found = resolve(view.path)
    except Resolver404:
        return "A page that is no more"
    return f"{PAGES.get(found.url_name or '', 'A page')} {found.kwargs.get('slug', '')}".strip()
