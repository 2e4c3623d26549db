"""Operations, for admins: whether anything was lost, what waits, and what could not be recorded."""

import string
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import redis
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from dashboard.words import number as written
from fallbacks import aside, tally
from fallbacks.models import KeptAside
from fallbacks.reading import HIGHEST_ROW, whole_number

ROWS = 25
# What is longer is cut: a page must stay one.
MOST_SHOWN = 2_048
LEGIBLE = frozenset(map(ord, string.printable))


@dataclass(frozen=True)
class Kept:
    """What is kept aside, for people: its bytes as text, or in hexadecimal where they are none."""

    row: KeptAside
    text: str
    size: int

    @property
    def cut(self) -> bool:
        return self.size > MOST_SHOWN


@never_cache
@require_safe
def operations(request: HttpRequest) -> HttpResponse:
    """Show where everything that was received is."""
    before = request.GET.get("before", "")
    rows = KeptAside.objects.order_by("-pk")
    if (number := whole_number(before, HIGHEST_ROW)) is not None:
        rows = rows.filter(pk__lt=number)
    shown = list(rows[: ROWS + 1])
    context = {
        "kept": [Kept(row, legible(row), len(row.body)) for row in shown[:ROWS]],
        "kept_in_all": KeptAside.objects.count(),
        "next": shown[ROWS - 1].pk if len(shown) > ROWS else None,
        "before": before,
        "most_shown": MOST_SHOWN,
    }
    try:
        account = tally.account()
        context |= {"account": account, "rejected": most(account.rejected), "shards": tally.door().shards}
    except redis.RedisError:
        # What the stream holds is not known: what is stored is.
        context["held"] = tally.books()
    return render(request, "pages/operations.html", context)


def most(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return the counts, the largest first."""
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


@require_POST
def again(request: HttpRequest, number: int) -> HttpResponse:
    """Record what is kept aside."""
    try:
        outcome = aside.try_again(number)
    except aside.StillRefused:
        messages.error(request, "It is refused again, and stays. The reason stands beside it.")
    else:
        if outcome is None:
            messages.info(request, "It is not kept aside any more: somebody else was quicker.")
        elif outcome.stored:
            messages.success(request, f"Recorded, as {written(outcome.stored)} new. It is no longer kept aside.")
        else:
            messages.success(request, "All of it was recorded before. It is no longer kept aside.")
    return redirect("operations")


@require_POST
def discard(request: HttpRequest, number: int) -> HttpResponse:
    """Remove what is kept aside for good."""
    if aside.discard(number):
        messages.success(request, "Discarded. It is counted as that.")
    else:
        messages.info(request, "It is not kept aside any more: somebody else was quicker.")
    return redirect("operations")


def legible(row: KeptAside) -> str:
    """Return what is kept as people can read it: fields with their names, else text, else hexadecimal."""
    body = bytes(row.body)
    try:
        events, traffic = aside.rows_of(row)
        rows = [{name: getattr(one, name) for name in one.__struct_fields__} for one in (*events, *traffic)]
        text = msgspec.json.format(msgspec.json.encode(rows[0] if len(rows) == 1 else rows), indent=2).decode()
        return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]} …"
    except (msgspec.MsgspecError, *aside.REFUSED):
        body = body[:MOST_SHOWN]
    if body and all(byte in LEGIBLE for byte in body):
        return body.decode("ascii")
    return "\n".join(line(start, body[start : start + 16]) for start in range(0, len(body), 16))


def line(start: int, piece: bytes) -> str:
    """Return one line of a hexadecimal dump: place, bytes, and the letters among them."""
    letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in piece)
    return f"{start:06x}  {piece.hex(' '):47}  {letters}"
