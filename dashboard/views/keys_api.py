"""`/api/v1/keys`: keys, made, rotated and revoked by machines that act for somebody who may."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from dashboard import bodies, errors, listing
from dashboard.keys import openapi as said
from dashboard.keys.acting import acting
from dashboard.policies import openapi as words
from fallbacks import key_ring
from fallbacks.key_drafts import draft
from fallbacks.models import ApiKey
from fallbacks.not_now import NotNow
from fallbacks.reading import Refused, unknown
from fallbacks.refusals import Problem
from fallbacks.scopes import MANAGE

# What holds a secret is kept nowhere on its way.
NOT_KEPT = {"Cache-Control": "no-store"}


class KeysView(APIView):
    """`GET` and `POST /api/v1/keys`."""

    scope = MANAGE

    @extend_schema(
        operation_id="keys_list",
        description="The keys of the owner of the key that is shown, by prefix; all keys where the owner may manage"
        " them. What a key is, nobody can read again.",
        tags=["keys"],
        parameters=words.PAGE,
        responses={200: words.told(said.KEYS, {"results": [said.EXAMPLE], "next": None}), **words.COMMON},
    )
    def get(self, request: Request) -> Response:
        page = listing.asked(request)
        rows = acting(request).seen().filter(prefix__gt=page.after).order_by("prefix")[: page.limit + 1]
        found = {row.prefix: shown(row, timezone.now()) for row in rows}
        return Response(listing.answered(request, page, list(found), list(found.values())))

    @extend_schema(
        operation_id="key_make",
        description="Make a key, which belongs to the owner of the one that is shown, and may no more than that: no"
        " other scopes, workloads or environments, no later end, no higher rate. The answer alone shows it.",
        tags=["keys"],
        request=words.sent(said.NEW_KEY, said.NEW_EXAMPLE),
        responses={201: words.told(said.MADE_KEY, said.MADE_EXAMPLE), **words.SENT, **words.COMMON},
    )
    def post(self, request: Request) -> Response:
        who = acting(request)
        try:
            wanted = draft(bodies.read(request), timezone.now())
            text = key_ring.add(wanted, who.name, who.owner, within=who.key)
        except Refused as refused:
            return bodies.refusal(refused.problems)
        return made(text)


class KeyView(APIView):
    """`GET` and `DELETE /api/v1/keys/{prefix}`."""

    scope = MANAGE

    @extend_schema(
        operation_id="key_read",
        description="One key: what it may, until when, and when it was last used.",
        tags=["keys"],
        parameters=[said.PATH],
        responses={200: words.told(said.KEY, said.EXAMPLE), **said.NOT_SEEN, **words.COMMON},
    )
    def get(self, request: Request, prefix: str) -> Response:
        return Response(shown(acting(request).find(prefix), timezone.now()))

    @extend_schema(
        operation_id="key_revoke",
        description="Revoke a key. Within 5 seconds it opens nothing any more, on every process; what was revoked"
        " before stays so.",
        tags=["keys"],
        parameters=[said.PATH],
        responses={200: words.told(said.KEY, said.REVOKED_EXAMPLE), **said.NOT_SEEN, **words.COMMON},
    )
    def delete(self, request: Request, prefix: str) -> Response:
        who = acting(request)
        row = who.find(prefix)
        key_ring.revoke(row, who.name)
        return Response(shown(stored(row.prefix), timezone.now()))


class KeyRotationView(APIView):
    """`POST /api/v1/keys/{prefix}/rotate`."""

    scope = MANAGE

    @extend_schema(
        operation_id="key_rotate",
        description="Make a key in the place of another: it may the same, and lives as long as that was made to, but no"
        " longer than the key that is shown. The old one goes on for `overlap_hours` and ends by itself.",
        tags=["keys"],
        parameters=[said.PATH],
        request=words.sent(said.ROTATION, {"overlap_hours": 24}),
        responses={
            201: words.told(said.MADE_KEY, said.ROTATED_EXAMPLE),
            **said.NOT_SEEN,
            **said.NOT_NOW,
            **words.SENT,
            **words.COMMON,
        },
    )
    def post(self, request: Request, prefix: str) -> Response:
        who = acting(request)
        old = who.find(prefix)
        try:
            text = key_ring.rotate(old, overlap(bodies.read(request)), who.name, who.owner, within=who.key)
        except Refused as refused:
            return bodies.refusal(refused.problems)
        except NotNow as error:
            return Response(errors.body(error.code, error.message), 409)
        return made(text)


def overlap(sent: dict[str, Any]) -> timedelta:
    """Read for how long the old key goes on. Raises Refused."""
    hours = sent.get("overlap_hours", key_ring.USUAL_OVERLAP)
    found = list(unknown(sent, ["overlap_hours"]))
    if isinstance(hours, bool) or not isinstance(hours, int) or hours not in key_ring.OVERLAPS:
        found.append(Problem("overlap_hours", f"Choose one of: {', '.join(map(str, key_ring.OVERLAPS))}."))
    if found:
        raise Refused(found)
    return timedelta(hours=hours)


def made(text: str) -> Response:
    """Answer with a new key, which no other answer shows."""
    row = stored(key_ring.prefix_of(text))
    return Response({"key": text, **shown(row, timezone.now())}, 201, headers=NOT_KEPT)


def stored(prefix: str) -> ApiKey:
    return ApiKey.objects.select_related("owner", "replaces", "replaced_by").get(prefix=prefix)


def shown(row: ApiKey, now: datetime) -> dict[str, Any]:
    """Return a key as the API shows it."""
    others = {
        "owner": row.owner.username if row.owner else None,
        "state": row.state(now),
        "replaces": row.replaces.prefix if row.replaces else None,
        "replaced_by": heir.prefix if (heir := getattr(row, "replaced_by", None)) else None,
    }
    return {name: others[name] if name in others else getattr(row, name) for name in said.KEY_PROPERTIES}
