"""Who asks, and whether by TLS, where proxies stand in front.

What a client writes into `X-Forwarded-For` and `X-Forwarded-Proto` is worth nothing; what the last TRUSTED_PROXIES
proxies appended is. So the headers are read from the right, as many entries as there are proxies, and taken away:
whatever reads an address or a scheme after this reads REMOTE_ADDR and wsgi.url_scheme.
"""

import ipaddress
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

PREFIX = "HTTP_X_FORWARDED_"
# Bits of an IPv6 address that whoever has one cannot choose: of the others there are more than anybody counts.
ONE_HOUSEHOLD = 64


def settle(environ: dict[str, Any]) -> None:
    """Put the client's address and scheme in their places, and take the headers away. Once more changes nothing."""
    hops: int = settings.TRUSTED_PROXIES
    if hops:
        if address := _address(_entry(environ.get(f"{PREFIX}FOR", ""), hops)):
            environ["REMOTE_ADDR"] = address
        if scheme := _entry(environ.get(f"{PREFIX}PROTO", ""), hops):
            environ["wsgi.url_scheme"] = "https" if scheme.lower() == "https" else "http"
    for name in [name for name in environ if name.startswith(PREFIX)]:
        del environ[name]


def client_address(request: HttpRequest) -> str:
    """Return the address of who asks; "" where it is not known."""
    return str(request.META.get("REMOTE_ADDR") or "")


def counted_address(request: HttpRequest) -> str:
    """Return what wrong passwords are counted by: the address, or the network that it is one of.

    Named by AXES_CLIENT_IP_CALLABLE: django-axes would look at headers of its own choice.
    """
    address = client_address(request)
    try:
        found = ipaddress.IPv6Address(address)
    except ValueError:
        return address
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(found), ONE_HOUSEHOLD), strict=False).network_address)


class TrustedProxies:
    """The first middleware, for servers that call Django's handler and not the WSGI application."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        settle(request.META)
        return self.get_response(request)


def _entry(header: str, hops: int) -> str:
    """Return what the outermost trusted proxy wrote: the entry `hops` from the right. Where there are fewer, the
    request came in further inside, or a proxy writes one entry in place of its forerunner's: then the first."""
    entries = header.split(",")
    return entries[-min(hops, len(entries))].strip()


def _address(text: str) -> str:
    """Return the address without its port; "" where it is none."""
    bare = text.partition("]")[0].removeprefix("[") if text.startswith("[") else text
    if bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return ""
