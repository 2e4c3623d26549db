"""Who asks and whether by TLS is believed of the proxies that the settings count, and of nobody else."""

from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from fallbacks import proxies

FORGED = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}


def seen(hops: int, settings: Any, **headers: str) -> tuple[str, bool]:
    """Who asks, and whether by TLS, as a view sees it."""
    settings.TRUSTED_PROXIES = hops
    found: list[tuple[str, bool]] = []

    def view(request: HttpRequest) -> HttpResponse:
        found.append((request.META["REMOTE_ADDR"], request.is_secure()))
        return HttpResponse()

    named = {name.replace("_", "-"): value for name, value in headers.items()}
    proxies.TrustedProxies(view)(RequestFactory().get("/", headers=named, REMOTE_ADDR="198.51.100.1"))
    return found[0]


def test_without_a_proxy_a_header_changes_nothing(settings: Any) -> None:
    assert seen(0, settings, **FORGED) == ("198.51.100.1", False)


@pytest.mark.parametrize(
    ("hops", "header", "address"),
    [
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "10.0.0.1, 203.0.113.9", "203.0.113.9"),
        (2, "10.0.0.1, 203.0.113.9, 192.0.2.7", "203.0.113.9"),
        (2, "203.0.113.9", "203.0.113.9"),
        (1, "203.0.113.9:4711", "203.0.113.9"),
        (1, "[2001:db8::1]:4711", "2001:db8::1"),
        (1, "2001:db8::1", "2001:db8::1"),
        (1, "", "198.51.100.1"),
        (1, "10.0.0.1, <script>", "198.51.100.1"),
        (1, "10.0.0.1,", "198.51.100.1"),
    ],
)
def test_the_address_is_what_the_outermost_trusted_proxy_wrote(
    settings: Any, hops: int, header: str, address: str
) -> None:
    assert seen(hops, settings, **{"X-Forwarded-For": header})[0] == address


@pytest.mark.parametrize(
    ("hops", "header", "secure"),
    [
        (1, "https", True),
        (1, "http", False),
        (1, "https, http", False),
        (2, "https, http", True),
        (2, "http, https, http", True),
        (2, "https, http, http", False),
        (1, "", False),
    ],
)
def test_the_scheme_is_what_the_outermost_trusted_proxy_wrote(
    settings: Any, hops: int, header: str, secure: bool
) -> None:
    assert seen(hops, settings, **{"X-Forwarded-Proto": header})[1] is secure


@pytest.mark.parametrize("hops", [0, 1])
def test_nothing_that_runs_later_finds_the_headers(settings: Any, hops: int) -> None:
    settings.TRUSTED_PROXIES = hops
    request = RequestFactory().get("/", headers=FORGED)
    proxies.TrustedProxies(lambda _: HttpResponse())(request)
    assert not [name for name in request.META if "FORWARDED" in name]


@pytest.mark.parametrize(("hops", "stored"), [(0, "198.51.100.1"), (1, "203.0.113.9")])
@pytest.mark.usefixtures("database", "static_files")
def test_a_failed_sign_in_is_held_against_who_made_it(settings: Any, hops: int, stored: str) -> None:
    from axes.models import AccessAttempt

    settings.TRUSTED_PROXIES = hops
    told = {"X-Forwarded-For": "192.0.2.66, 203.0.113.9"}
    Client().post("/login", {"username": "dana", "password": "no"}, headers=told, REMOTE_ADDR="198.51.100.1")
    assert [attempt.ip_address for attempt in AccessAttempt.objects.all()] == [stored]


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::"),
        # What a server that listens to both versions calls an address of the fourth: no network of neighbours.
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::"),
        ("", ""),
    ],
)
def test_what_is_held_against_somebody_is_held_against_their_network_and_no_neighbour(
    address: str, counted: str
) -> None:
    assert proxies.counted_address(RequestFactory().get("/", REMOTE_ADDR=address)) == counted


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(("hops", "status"), [(0, 301), (1, 401)])
def test_a_forged_scheme_opens_no_way_past_the_redirect_to_tls(settings: Any, hops: int, status: int) -> None:
    from tests.ingest.test_direct import by_wsgi

    settings.SECURE_SSL_REDIRECT = True
    settings.TRUSTED_PROXIES = hops
    assert by_wsgi(b"{}", HTTP_X_FORWARDED_PROTO="https")[0] == status
