"""Saved views: what may be saved, how it is kept, who sees it and who may change it."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from dashboard import saved_views
from fallbacks.models import SavedView
from fallbacks.recording import record
from tests.conftest import Person
from tests.dashboard.stage import asked_of_the_database, text_of
from tests.make import NOON, event

HOSTILE = "<script>alert(1)</script>"


def save(client: Client, address: str = "/violations?range=24h", name: str = "night", **more: str) -> str:
    """Save a view as a form without scripts does, and return what the page says then."""
    answer = client.post("/views", {"address": address, "name": name, **more}, follow=True)
    assert answer.status_code == 200
    return text_of(answer.content)


def test_a_view_is_saved_opened_and_listed(viewer: Client) -> None:
    assert "Saved as “night”." in save(viewer)
    view = SavedView.objects.get()
    assert (view.owner.get_username(), view.address, view.shared) == ("viewer", "/violations?range=24h", False)
    text = text_of(viewer.get("/views").content)
    assert "night Violations Last 24 hours" in text
    assert "you alone" in text
    assert 'href="/violations?range=24h"' in viewer.get("/views/menu").content.decode()
    assert viewer.get(view.address).status_code == 200


def test_every_page_of_figures_can_be_saved(viewer: Client) -> None:
    for page in saved_views.PAGES:
        path = reverse(page, args=["support-chat"] if page == "workload" else [])
        assert f"Saved as “{page}”." in save(viewer, f"{path}?workload=a&workload=b&reason=two+words", page)
        assert SavedView.objects.get(name=page).address == f"{path}?workload=a&workload=b&reason=two+words"


@pytest.mark.parametrize(
    "address",
    [
        *("https://evil.example/violations", "//evil.example/violations", "///violations", "javascript:alert(1)"),
        *("/operations", "/login?next=/violations", "/api/v1/events", "/no-such-page", "violations", "", "/\\evil"),
        *("http://[", "/violations\0", " //evil.example", "/views", "/events/export"),
    ],
)
def test_only_pages_of_this_site_that_show_figures_can_be_saved(address: str) -> None:
    with pytest.raises(ValidationError):
        saved_views.address(address)


def test_what_cannot_be_saved_is_said(viewer: Client) -> None:
    for address in ("//evil.example/violations", "/violations\0", f"/violations?reason={'x' * 2000}", ""):
        assert "Not saved:" in save(viewer, address)
    assert not SavedView.objects.exists()


def test_a_place_in_a_list_is_dropped_and_a_chosen_span_means_the_same_in_every_zone(viewer: Client) -> None:
    viewer.cookies["timezone"] = "Europe/Berlin"
    save(viewer, "/events?rule=silent&after=abc&open=x&format=json&before=b&compare=before")
    assert SavedView.objects.get().query == "rule=silent&compare=before"
    save(viewer, "/?range=custom&from=2026-11-17T14:00&to=2026-11-17T15:00", "chosen")
    assert SavedView.objects.get(name="chosen").query == (
        "range=custom&from=2026-11-17T13%3A00%3A00%2B00%3A00&to=2026-11-17T14%3A00%3A00%2B00%3A00"
    )
    assert "Tue 17 Nov 14:00 to 15:00" in text_of(viewer.get("/views").content)
    save(viewer, "/?range=custom&from=nonsense", "odd")
    assert SavedView.objects.get(name="odd").query == "range=custom&from=nonsense"


def test_a_shared_view_shows_others_the_same_in_their_own_zone(viewer: Client, person: Person) -> None:
    record([event(workload="support-chat", occurred_at=NOON - timedelta(minutes=1))])
    viewer.cookies["timezone"] = "Asia/Tokyo"
    save(viewer, f"/?range=custom&from={(NOON + timedelta(hours=9)):%Y-%m-%dT%H:%M}&to=2999-01-01T00:00", "mine")
    other = person("engineer")
    assert "mine" not in text_of(other.get("/views").content)
    number = SavedView.objects.get().pk
    viewer.post(f"/views/{number}", {"do": "share"})
    text = text_of(other.get("/views").content)
    assert "mine Overview" in text
    assert "everybody, from viewer" in text
    menu = other.get("/views/menu").content.decode()
    assert "Shared by others" in menu
    assert "viewer" in menu
    other.cookies["timezone"] = "UTC"
    assert f"{NOON:%H:%M}" in text_of(other.get(SavedView.objects.get().address).content)
    viewer.post(f"/views/{number}", {"do": "unshare"})
    assert "mine" not in text_of(other.get("/views").content)


def test_names_are_once_a_person_and_can_be_changed(viewer: Client, person: Person) -> None:
    save(viewer)
    assert "Not saved: You have a view called “night”" in save(viewer)
    assert "Saved as “night”." in save(person("engineer"), shared="on")
    save(viewer, name="day")
    number = SavedView.objects.get(name="day").pk

    def renamed(name: str) -> str:
        return text_of(viewer.post(f"/views/{number}", {"do": "rename", "name": name}, follow=True).content)

    assert "You have a view called “night”" in renamed("night")
    assert "Give the view a name." in renamed("  ")
    assert "80 characters at most" in renamed("x" * 81)
    assert "letters and signs" in renamed("a\0b")
    assert "“day” is called “dawn” now." in renamed("dawn")
    save(viewer, name=HOSTILE)
    assert HOSTILE not in viewer.get("/views").content.decode()
    assert HOSTILE not in viewer.get("/views/menu").content.decode()


def test_a_view_is_its_owners_and_an_admin_may_delete_what_is_shared(viewer: Client, person: Person) -> None:
    save(viewer, name="shared", shared="on")
    save(viewer, name="own")
    shared, own = (SavedView.objects.get(name=name).pk for name in ("shared", "own"))
    engineer, admin = person("engineer"), person("admin")

    def status(client: Client, number: int, **form: str) -> int:
        return client.post(f"/views/{number}", form).status_code

    for wanted in ("rename", "share", "unshare", "delete"):
        assert status(engineer, shared, do=wanted, name="x") == 404
    assert status(admin, own, do="delete") == 404
    assert status(admin, shared, do="rename", name="x") == 404
    assert status(admin, shared, do="delete") == 302
    assert status(viewer, own, do="nonsense") == 302
    assert SavedView.objects.get().name == "own"
    assert "“own” is deleted." in text_of(viewer.post(f"/views/{own}", {"do": "delete"}, follow=True).content)
    assert status(viewer, own, do="delete") == 404


def test_there_is_an_end(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_views, "MOST", 2)
    save(viewer)
    save(viewer, name="second")
    assert "You have 2 saved views, which is the most" in save(viewer, name="third")


def test_the_menu_saves_in_place(viewer: Client) -> None:
    def sent(**form: str) -> str:
        answer: Any = viewer.post("/views", form, headers={"HX-Request": "true"})
        assert answer.status_code == 200
        return str(answer.content.decode())

    assert "Give the view a name." in sent(address="/")
    assert "Saved as “all”." in sent(address="/", name="all")
    assert 'href="/"' in sent(address="/", name="all")


def test_pages_ask_the_database_no_more_than_they_need(viewer: Client) -> None:
    for number in range(5):
        save(viewer, name=str(number))
    # Session, person, roles, views.
    assert len(asked_of_the_database(viewer, "/views")) <= 5
    assert len(asked_of_the_database(viewer, "/views/menu")) <= 3
