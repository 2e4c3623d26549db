"""No text is more than a text: what anybody can put in, shown on every page in a real browser.

`browser_page` fails on whatever the browser says, throws or asks; what is refused by the policy of a page, what is
asked of elsewhere, and what a text adds to a page is looked for here.
"""

import itertools
import json
import re
import string
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import resolve
from playwright.sync_api import Page, expect
from pytest_django import Settings

from dashboard import paging, saved_views
from dashboard.doors import DOORS
from fallbacks import catalogue, enablement, key_ring, members, policies, resets, review_queue, routes, verifications
from fallbacks.keys import Key
from fallbacks.models import AuditEntry, Event, Export, Invitation, KeptAside, Sample, User
from fallbacks.reading import says_something
from fallbacks.recording import record
from fallbacks.scoring import Score, score
from fallbacks.verifications import Report
from ingest import buffer
from ingest import drain as draining
from tests import conftest, hostile, make
from tests.accounts import issuer as issuers
from tests.accounts import people, test_provider
from tests.browser.conftest import OpenPage
from tests.browser.test_pages import NARROW, WIDE
from tests.dashboard import stage
from tests.policy.policies import REVIEW, TEMPORARY

pytestmark = pytest.mark.usefixtures("database", "stream")
no_memory = stage.no_memory
SUPPORT = "support-chat"
# At the end of what is asked for in an address: no text that is stored has it.
MARK = "\u00a7"
# Slugs are no texts, but some are names that a script finds on every object.
ODD = ("constructor", "__proto__")
MINUTE = timedelta(minutes=1)
ANY = Key(1, frozenset(), frozenset(), frozenset(), None, 0)
# More than any payload has: for fields that take far more.
LONGEST = 10_000
Fits = Callable[[str], bool]


# --- The texts ---------------------------------------------------------------------------------------


def whatever(text: str) -> bool:
    return True


def unbroken(text: str) -> bool:
    return len(max(text.split(), key=len)) >= 60


def on_one_line(text: str) -> bool:
    return bool(text.strip()) and not any(letter < " " or letter == "\x7f" for letter in text)


class Texts:
    """Gives payloads to fields, to each in turn: as they are, or harmless ones that look the same to the product."""

    def __init__(self, *, are_harmless: bool = False) -> None:
        self.are_harmless = are_harmless
        self._turns: dict[tuple[str, int], Iterator[str]] = {}

    def one(self, of: str, most: int, fits: Fits = whatever) -> str:
        """Return the next payload for a field that takes so many characters."""
        if (of, most) not in self._turns:
            found = hostile.fitting(most, fits)
            # Fields begin far from each other, by the golden ratio: so a few rows show many payloads.
            first = int(len(found) * (len(self._turns) * 0.618 % 1))
            self._turns[of, most] = itertools.cycle([*found[first:], *found[:first]])
        return self.put(next(self._turns[of, most]))

    def some(self, count: int, of: str, most: int, fits: Fits = whatever) -> list[str]:
        return [self.one(of, most, fits) for _ in range(count)]

    def put(self, text: str) -> str:
        return hostile.harmless(text) if self.are_harmless else text


def test_the_texts_are_many_and_each_is_another() -> None:
    assert len(hostile.PAYLOADS) >= 500
    assert all(hostile.PLACES.values())
    assert len(hostile.fitting(64)) >= 300
    assert sum(any(word in each for word in ("alert", "hacked", "evil.example")) for each in hostile.PAYLOADS) >= 400
    assert len({hostile.harmless(each) for each in hostile.PAYLOADS}) == len(hostile.PAYLOADS)


# --- A product full of them --------------------------------------------------------------------------


@dataclass(frozen=True)
class Look:
    """A page, and texts that have to be seen on it. `by` is who looks, `status` what the answer is.

    `again` is a page as the one before, with other texts.
    """

    path: str
    shows: Sequence[str] = ()
    by: str = "admin"
    status: int = 200
    again: bool = False


# Of an event: what takes any text, and of how many characters.
REFERENCES = {"error_code": 128, "primary": 128, "fallback": 128, "request_id": 128, "trace_id": 128}
SHOWN = (*REFERENCES, "reason", "id", "provider_features")
A_PAGE = 50


@dataclass
class Stage:
    """Everything that can hold a text holds one. `looks` are the pages that show them, by a name."""

    texts: Texts
    looks: dict[str, Look] = field(default_factory=dict)
    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(second=0, microsecond=0))

    def __post_init__(self) -> None:
        """Each step stands on those before."""
        self.people()
        self.second_factors()
        self.links()
        self.models()
        self.policies()
        self.events()
        self.answers()
        self.traffic()
        self.reviews()
        self.routes()
        self.keys()
        self.views()
        self.exports()
        self.aside()
        self.lists_of_events()
        self.figures()
        self.pages_of_policies()
        self.log()

    def look(self, name: str, path: str, *shows: str, **more: Any) -> None:
        assert name not in self.looks
        self.looks[name] = Look(path, shows, **more)

    # People

    def people(self) -> None:
        """Names as a provider tells them; those to sign in with as they may stand in a database from elsewhere."""
        self.names: list[str] = []
        roles = {"admin": ["admin"], "viewer": ["viewer"], "ines": ["engineer"], "dana": ["reviewer"], "joined": []}
        made = {name: self.person(name, held, hostile.breaks_out) for name, held in roles.items()}
        self.me, self.ines, self.dana = (made[name] for name in ("admin", "ines", "dana"))
        self.gone = self.person(self.texts.one("username of one", 150, hostile.breaks_out), fits=hostile.breaks_out)
        for name in self.texts.some(14, "username", 150):
            self.person(name)
        User.objects.filter(pk=self.gone.pk).update(is_active=False)
        self.clients = {name: signed_in(made[name]) for name in ("admin", "viewer")}
        for name, person in (("somebody", made["joined"]), ("somebody gone", self.gone)):
            self.look(name, f"/people/{person.pk}", person.known_as, person.username)
        self.look("not allowed", "/audit", self.me.known_as, by="viewer", status=403)

    def person(self, name: str, roles: Sequence[str] = (), fits: Fits = whatever) -> User:
        first, last = self.texts.some(2, f"{fits.__name__} of a person", 150, fits)
        made = User.objects.create_user(name, password=people.PASSWORD, first_name=first, last_name=last)
        made.groups.set(Group.objects.filter(name__in=roles))
        self.names.append(made.known_as)
        return made

    def second_factors(self) -> None:
        """Passkeys by the names that their owner gave them, and an app."""
        names = self.texts.some(5, "passkey", 60, hostile.breaks_out)
        kind = Authenticator.Type.WEBAUTHN
        found = [Authenticator.objects.create(user=self.me, type=kind, data={"name": name}) for name in names]
        people.with_app(self.me)
        self.look("account", "/account", *names)
        self.look("passkey to remove", f"/account/passkeys/{found[0].pk}/remove", names[0])
        paths = ("app/remove", "recovery-codes", "password", "again", "again/code")
        for path in paths:
            self.look(path, f"/account/{path}")
        for path in ("app", "passkeys"):
            self.look(path, f"/account/{path}", by="viewer")

    def links(self) -> None:
        notes = self.texts.some(20, "note", 200, on_one_line)
        used, gone, *_, good = (members.invite(self.me, ["viewer", "engineer"], note).token for note in notes)
        members.withdraw(Invitation.objects.order_by("id")[1].pk, self.me)
        members.accept(used, "newcomer", people.PASSWORD)
        self.look("people", "/people", *self.names, *notes[2:])
        self.look("invite", "/people/invite")
        by = self.me.known_as
        self.look("invited", f"/invited/{good}", by, by="nobody")
        self.look("invited, though signed in", f"/invited/{good}")
        for name, token in (("used", used), ("withdrawn", gone)):
            self.look(f"invitation that was {name}", f"/invited/{token}", by, by="nobody", status=410)
        reset = resets.make(User.objects.get(username="joined").pk, self.me)
        self.look("reset", f"/reset/{reset.token}", by, by="nobody")

    # Models and policies

    def models(self) -> None:
        # The first two are those that most pages name.
        self.model_names = [*self.texts.some(2, "model", 128, hostile.breaks_out), *self.texts.some(12, "other", 128)]
        family, region, account = (
            self.texts.one(of, 128, hostile.breaks_out) for of in ("family", "region", "account")
        )
        shown = [family, region, account, *self.model_names]
        for number, name in enumerate(self.model_names):
            # The last ones are elsewhere, and somebody else pays for them.
            place = (region, account) if number < 12 else self.texts.some(2, "elsewhere", 128)
            maker, by, features = self.texts.one("maker", 128), self.texts.one("by", 200), self.features()
            body = {"provider": maker, "family": family, "request_shapes": ["chat", "json"], "features": features}
            prices = {"input_price": 2.5, "output_price": 10}
            catalogue.put(name, body | prices | {"data_region": place[0], "billing_account": place[1]}, by)
            shown += [maker, by, *features]
        self.look("models", "/models", *shown)
        self.look("models, for a viewer", "/models", *shown, self.ines.known_as, by="viewer")
        name = self.model_names[0]
        self.look("model", f"/models/edit?{urlencode({'name': name})}", name, family, region, account)
        self.look("new model", f"/models/edit?{urlencode({'name': name + name, 'new': 1})}", name + name)

    def features(self) -> list[str]:
        return self.texts.some(3, "feature", 64)

    def policies(self) -> None:
        """Three versions of each, of which no text is another's. One crosses both boundaries."""
        self.bodies: dict[str, dict[str, Any]] = {}
        for number, slug in enumerate((SUPPORT, *ODD, "batch")):
            primary = self.model_names[2 * number]
            fallback = self.model_names[12 if slug == "batch" else 2 * number + 1]
            for _ in range(3):
                self.bodies[slug] = self.policy(slug, primary, fallback)
                policies.put(slug, self.bodies[slug], self.texts.one("author", 200, unbroken))

    def policy(self, slug: str, primary: str, fallback: str) -> dict[str, Any]:
        names = ("description", "message", "escape_hatch")
        texts = {name: self.texts.one(name, LONGEST, hostile.breaks_out) for name in names}
        rules = {
            "sample_rate": 1,
            "min_reviews": 2,
            "pass_rate": 0.1,
            "criteria": self.texts.some(6, "criterion", 64, hostile.breaks_out),
        }
        return texts | {
            "workload": slug,
            "owner": self.texts.one("owner", 128, hostile.breaks_out),
            "user_visible": True,
            "primary": primary,
            "fallback": fallback,
            "triggers": TEMPORARY,
            "notice": "always",
            "paid_tiers": ["pro"],
            "payload_classes": ["chat"],
            "permits": ["billing_boundary", "compliance_boundary"],
            # Where nothing is sampled, nothing has to be reviewed.
            "review": REVIEW | (rules if slug == SUPPORT else rules | {"min_reviews": 0}),
        }

    # Events

    def events(self) -> None:
        """Each payload in half of the fields that take it, and in what an event has several of."""
        found = [self.event(number) for number in range(len(hostile.PAYLOADS) // 2)]
        for event, (attributes, features) in zip(found, self.lists(), strict=False):
            event |= {"attributes": attributes, "provider_features": features}
        self.send("events", found)
        assert Event.objects.count() == len(found)

    def lists(self) -> list[tuple[dict[str, str], list[str]]]:
        """Attributes and features, so many of each as an event takes: every payload is a name, a value or a feature."""
        short = [self.texts.put(each) for each in hostile.fitting(64)]
        longer = [self.texts.put(each) for each in hostile.fitting(256) if len(each) > 64]
        names, features, values = short[::3], short[1::3], [*short[2::3], *longer]
        rows = list(zip(itertools.cycle(names), itertools.cycle(features), values, strict=False))
        parts = [rows[start : start + 16] for start in range(0, len(rows), 16)]
        return [({name: text for name, _, text in part}, [feature for _, feature, _ in part]) for part in parts]

    def event(self, number: int) -> dict[str, Any]:
        printable = self.texts.one("id", 64, str.isprintable)
        return {name: self.texts.one(name, most) for name, most in REFERENCES.items()} | {
            "workload": "hostile",
            "occurred_at": (self.now - (number + 3) * MINUTE).isoformat(),
            "id": printable,
            "reason": self.texts.one("reason", 500),
            "provider_features": self.texts.some(2, "provider feature", 64),
            "status": 529,
            "tier": "pro",
        }

    def answers(self) -> None:
        """Answers by the fallbacks of policies, some with their texts: those of the first hold every payload."""
        every = [self.texts.put(each) for each in hostile.PAYLOADS]
        thirds = ["\n".join(every[start::3]) for start in range(3)]
        found = []
        for number in range(30):
            texts = self.texts.some(3, "sample", 2000) if number else thirds
            sample = dict(zip(("input", "output", "primary_output"), texts, strict=True))
            # After the policy was put: only then they count for its route.
            at = datetime.now(UTC) + timedelta(milliseconds=number)
            found.append(self.answer(SUPPORT, at, sample=sample, user_notified=number % 2 > 0))
        slugs = (SUPPORT, *ODD, "batch")
        found += [self.answer(slug, self.now - number * MINUTE) for slug in slugs for number in range(2, 9)]
        self.send("events", found)

    def answer(self, slug: str, at: datetime, **over: Any) -> dict[str, Any]:
        return {
            "workload": slug,
            "occurred_at": at.isoformat(),
            "id": f"{slug} {next(NUMBERS)}",
            "primary": self.bodies[slug]["primary"],
            "fallback": self.bodies[slug]["fallback"],
            "status": 529,
            "reason": self.texts.one("reason", 500),
            "error_code": self.texts.one("error_code", 128),
            "tier": "pro",
            "payload_class": "chat",
            "primary_latency_ms": 900,
            "fallback_latency_ms": 1200,
            "input_tokens": 9000,
            "output_tokens": 300,
        } | over

    def traffic(self) -> None:
        counts = [
            {
                "workload": slug,
                "start": (self.now - number * MINUTE).isoformat(),
                "seconds": 60,
                "requests": 40,
                "model": self.texts.one("counted", 128),
            }
            for slug in (SUPPORT, "constructor", "hostile")
            for number in range(2, 25)
        ]
        self.send("traffic", counts)

    def send(self, kind: str, items: list[dict[str, Any]]) -> None:
        """Send them as a service does, and record them as a worker does."""
        key = key_ring.make("tests", [f"{kind}:write"])
        body = json.dumps({"events" if kind == "events" else "counts": items})
        headers = {"authorization": f"Bearer {key}"}
        answer = Client().post(f"/api/v1/{kind}", body, content_type="application/json", headers=headers)
        assert answer.json() == {"accepted": len(items), "rejected": []}
        drain()

    # Reviews and routes

    def reviews(self) -> None:
        review_queue.claim(self.me)
        mine = review_queue.in_order(self.me)
        review_queue.claim(self.dana, most=2)
        whole = next(each for each in mine if len(each.input or "") > LONGEST / 2)
        scored, (skipped, handed, *_) = mine[1:9], mine[9:]
        comments = self.texts.some(len(scored), "comment", 2000, says_something)
        for number, (sample, comment) in enumerate(zip(scored, comments, strict=True)):
            marks = dict.fromkeys(sample.criteria, "fail" if number == 7 else "pass")
            score(sample.id, self.me, Score(marks, number < 7), Score(marks, number % 3 > 0), comment)
        why, back = self.texts.some(2, "reason of a reviewer", 500, hostile.breaks_out)
        review_queue.skip(skipped.id, self.me, why)
        review_queue.hand_back(self.me, back, [handed.id])
        self.look("desk", f"/reviews/samples/{whole.id}", *texts_of(whole), *whole.criteria)
        pair, said = self.model_names[:2], scored[0]
        self.look("scored", f"/reviews/samples/{said.id}", comments[0], *texts_of(said), *said.criteria, *pair)
        self.look("skipped", f"/reviews/samples/{skipped.id}", why, *pair)
        theirs = review_queue.in_order(self.dana)[0]
        self.look("of somebody else", f"/reviews/samples/{theirs.id}", self.dana.known_as, *pair)
        self.look("queue", "/reviews")
        self.look("results", "/reviews/results", *comments, *pair, *said.criteria, self.me.known_as)

    def routes(self) -> None:
        """One was refused, enabled and suspended, one is enabled, one is asked for, and one failed its test."""
        details = [
            self.verify(slug, passed) for slug in (SUPPORT, *ODD, "batch") for passed in (False, slug != "batch")
        ]
        first, second, third, fourth, fifth, sixth, seventh, eighth = self.texts.some(
            8, "why", 2000, hostile.breaks_out
        )
        enablement.request(SUPPORT, self.ines, first)
        enablement.reject(SUPPORT, self.dana, seen(SUPPORT), second)
        enablement.request(SUPPORT, self.ines, third)
        enablement.approve(SUPPORT, self.dana, seen(SUPPORT), fourth)
        enablement.suspend(SUPPORT, self.dana, fifth)
        enablement.request(ODD[0], self.ines, sixth)
        enablement.approve(ODD[0], self.dana, seen(ODD[0]), seventh)
        enablement.request(ODD[1], self.ines, eighth)
        shown = {SUPPORT: (first, second, third, fourth, fifth), ODD[0]: (sixth, seventh), ODD[1]: (eighth,)}
        for slug, texts in shown.items():
            names = self.ines.known_as, self.bodies[slug]["fallback"]
            self.look(f"route of {slug}", f"/policies/{slug}/route", *texts, *names)
        self.look("route that failed", "/policies/batch/route", self.model_names[12])
        self.look("policy that failed", "/policies/batch", details[-1], self.model_names[12])

    def verify(self, slug: str, passed: bool) -> str:
        """Send what a test found; return what it tells besides."""
        body, details = self.bodies[slug], self.texts.one("details", LONGEST, hostile.breaks_out)
        run, by = self.texts.one("run", 64, str.isprintable), self.texts.one("key", 100, on_one_line)
        report = Report(slug, body["primary"], body["fallback"], "chat", passed, details, run)
        verifications.receive(report, f"key {by}")
        return details

    # What people name, and what is left over

    def keys(self) -> None:
        one = self.texts.some(2, "key with a page", 100, hostile.breaks_out)
        names = [*one, *self.texts.some(22, "key", 100, on_one_line)]
        owners = (self.me, self.gone, None)
        made = [key_ring.make(name, ["events:write"], owner=owners[n % 3]) for n, name in enumerate(names)]
        self.look("keys", "/keys", *names, self.gone.known_as)
        for number in range(2):
            self.look(f"key {number}", f"/keys/{key_ring.prefix_of(made[number])}", names[number], again=number > 0)
        self.look("new key", "/keys/new")
        self.look("first run", "/first-run")
        self.look("first run, for a viewer", "/first-run", self.ines.known_as, by="viewer")

    def views(self) -> None:
        names, values = self.texts.some(20, "view", 80), self.texts.some(20, "filter of a view", 200)
        for number, (name, value) in enumerate(zip(names, values, strict=True)):
            path, query = saved_views.address(f"/events?{urlencode({'reason': value, 'tier': value, value: 'x'})}")
            owner = self.me if number < 12 else self.ines
            saved_views.save(owner, name, path, query, shared=owner == self.ines or number % 2 == 0)
        self.look("views", "/views", *names, *values, self.ines.known_as)

    def exports(self) -> None:
        values = self.texts.some(6, "filter of an export", 200)
        for value in values:
            query = urlencode({"reason": value, "error_code": value, "workload": SUPPORT})
            answer: Any = self.clients["admin"].post(f"/events/export?{query}", {"format": "csv"})
            assert b"".join(answer.streaming_content)
        self.look("exports", "/exports", *values)
        self.look("export", f"/exports/{Export.objects.latest('started_at').pk}")
        query = urlencode([("error_code", value) for value in values])
        self.look("export to begin", f"/events/export?{query}", *values)

    def aside(self) -> None:
        """What the database refuses, and what is no entry at all."""
        names = ("reason", "primary", "fallback", "error_code")
        bad = [make.event(outcome="nonsense", **{name: self.texts.one(name, 128) for name in names}) for _ in range(6)]
        raw = self.texts.some(12, "raw", 400, lambda text: all(letter in string.printable for letter in text))
        buffer.append(ANY, events=bad, rejected={"status": 12, "unknown_field": 1})
        for text in raw:
            buffer.connection().xadd(buffer.stream(0), {"body": text.encode()})
        drain()
        assert KeptAside.objects.count() == len(bad) + len(raw)
        # As JSON has them: a quotation mark is two characters.
        written = [json.dumps(getattr(each, name), ensure_ascii=False)[1:-1] for each in bad for name in names]
        self.look("operations", "/operations", *raw, *written)

    # Pages

    def lists_of_events(self) -> None:
        """The whole list with every text, and so many open ones that each payload was seen as an attribute."""
        rows = list(Event.objects.filter(workload__slug="hostile").order_by("-occurred_at"))
        query: dict[str, Any] = {"workload": "hostile", "columns": ["happened", *SHOWN]}
        for start in range(0, len(rows), A_PAGE):
            place = {"after": paging.following(rows[start - 1])} if start else {}
            texts = [text for row in rows[start : start + A_PAGE] for text in shown_of(row)]
            self.look(
                f"events from {start}", f"/events?{urlencode(query | place, doseq=True)}", *texts, again=start > A_PAGE
            )
        for number, row in enumerate(each for each in rows if each.attributes):
            pairs = [text for pair in (row.attributes or {}).items() for text in pair]
            self.look(f"event {number}", f"/events?{urlencode(alone(row))}", *shown_of(row), *pairs, again=number > 1)
        known = Event.objects.filter(workload__slug=SUPPORT).order_by("occurred_at")[0]
        self.look("event of a policy", f"/events?{urlencode(alone(known))}", *shown_of(known))
        trace = rows[7].trace_id or ""
        self.look("looked up", f"/lookup?{urlencode({'q': trace})}", trace, rows[7].primary)
        lost = self.texts.one("lost", 200, hostile.breaks_out) * 2
        self.look("looked up in vain", f"/lookup?{urlencode({'q': lost})}", lost)
        self.look("broken", f"/violations/events?workload={SUPPORT}", *shown_of(known)[1:3])

    def figures(self) -> None:
        body, pair = self.bodies[SUPPORT], self.model_names[:2]
        owners = [str(each["owner"]) for each in self.bodies.values()]
        self.look("overview", "/", *owners)
        texts = (body["owner"], *pair, body["escape_hatch"])
        self.look("workload", f"/workloads/{SUPPORT}?by=pair", *texts)
        self.look("workload by rule", f"/workloads/{SUPPORT}?by=rule&range=7d&compare=week", *texts, again=True)
        self.look("workload without a policy", "/workloads/hostile?by=pair")
        self.look("workload of an odd name", f"/workloads/{ODD[1]}", self.bodies[ODD[1]]["owner"], again=True)
        self.look("violations", "/violations", *owners)
        code, other = self.texts.some(2, "what if", 128, hostile.breaks_out)
        asked = {"workload": ODD[0], "status": 529, "error_code": code, "tier": "pro"}
        self.look("boundary", f"/boundary?{urlencode(asked)}", code, self.bodies[ODD[0]]["message"])
        asked = {"workload": "batch", "status": other, "error_code": other, "tier": other, "payload_class": other}
        self.look("boundary, not understood", f"/boundary?{urlencode(asked)}", other)

    def pages_of_policies(self) -> None:
        body = self.bodies[SUPPORT]
        texts = [body[name] for name in ("description", "owner", "message", "escape_hatch", "primary", "fallback")]
        texts += body["review"]["criteria"]
        owners = [str(each["owner"]) for each in self.bodies.values()]
        self.look("policies", "/policies", *owners, *self.model_names[:6])
        self.look("policies, for a viewer", "/policies", self.ines.known_as, by="viewer")
        self.look("policy", f"/policies/{SUPPORT}?from=1&to=3", *texts)
        self.look("policy to edit", f"/policies/{SUPPORT}/edit", *texts)
        typed = {"workload": "hostile", "primary": self.model_names[0], "owner": texts[1], "description": texts[0]}
        self.look("new policy", f"/new-policy?{urlencode(typed)}", texts[0], texts[1])
        self.look("no policy", "/policies/hostile")

    def log(self) -> None:
        """All of the audit log, to its first entry."""
        rows = list(AuditEntry.objects.order_by("-number"))
        for start in range(0, len(rows), A_PAGE):
            texts = [text for row in rows[start : start + A_PAGE] for text in (row.actor, row.subject, row.details)]
            place = f"?before={rows[start - 1].number}" if start else ""
            self.look(f"log from {start}", f"/audit{place}", *texts, again=start > A_PAGE)


NUMBERS = itertools.count()


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person, "fallbacks.people.WithRoles")
    return client


def drain() -> None:
    for shard in buffer.shards():
        while buffer.waiting(shard):
            draining.drain(shard, 10)


def seen(slug: str) -> str:
    """What somebody looked at who decides on a route."""
    found = routes.standing(slug)
    assert found is not None
    return found.seen


def shown_of(event: Event) -> list[str]:
    """The texts of an event."""
    values = [getattr(event, name) for name in SHOWN]
    return [str(text) for value in values if value for text in (value if isinstance(value, list) else [value])]


def alone(event: Event) -> dict[str, str]:
    """The query of a list of nearly nothing else, with the event open."""
    ends = {"from": event.occurred_at.isoformat(), "to": (event.occurred_at + MINUTE).isoformat()}
    return {"workload": event.workload.slug, "range": "custom", **ends, "open": paging.following(event)}


def texts_of(sample: Sample) -> list[str]:
    """The lines of a sample's texts."""
    texts = (sample.input, sample.output, sample.primary_output)
    return [line for text in texts for line in (text or "").splitlines()]


# --- What a browser sees -----------------------------------------------------------------------------

# Says what the policy of the page has refused: of some of it the browser says nothing else.
WATCH = """
addEventListener("securitypolicyviolation", (told) =>
  console.error(`Refused by ${told.effectiveDirective}: ${told.blockedURI} ${told.sample}`), true);
"""
OPEN_ALL = "document.querySelectorAll('details:not(.menu)').forEach((it) => { it.open = true; })"
# Which of these texts nobody can see: blanks count as one, and what only breaks a line counts as nothing.
HIDDEN = r"""(texts) => {
  const plain = (text) => text.replace(/\u200b/g, "").replace(/\s+/g, " ").trim().toLowerCase();
  const fields = [...document.querySelectorAll("input:not([type=hidden]), textarea")].map((it) => it.value);
  const seen = plain([document.title, document.body.innerText, ...fields].join("\n"));
  return texts.filter((text) => !seen.includes(plain(text)));
}"""
# What no page of ours has: elements that run or fetch, handlers, addresses of elsewhere, and what should be there.
STRANGE = r"""() => {
  const names = (it) => Element.prototype.getAttributeNames.call(it);
  const value = (it, name) => Element.prototype.getAttribute.call(it, name);
  const told = (it) => Element.prototype.cloneNode.call(it, false).outerHTML;
  const ADDRESSES = ["href", "src", "action", "formaction", "data", "poster", "background", "ping", "srcdoc", "srcset",
    "xlink:href", "manifest", "code", "codebase", "hx-get", "hx-post", "hx-put", "hx-delete", "hx-patch"];
  const HANDLERS = /^(on|x-|v-|ng-|@|:|_|hx-on|hx-vals|hx-vars|hx-headers|data-hx|data-bs-(?!theme))/i;
  const isPath = (address) => /^\/(?!\/)/.test(address);
  const isOurs = (address) => {
    try { return new URL(address, location.href).origin === location.origin; } catch { return false; }
  };
  const found = [];
  for (const it of document.querySelectorAll("*")) {
    const own = names(it);
    const handlers = own.filter((name) => HANDLERS.test(name));
    const away = own.filter((name) => ADDRESSES.includes(name.toLowerCase()) &&
      !(name.startsWith("hx-") ? isPath : isOurs)(value(it, name)));
    if (handlers.length || (away.length && !Element.prototype.matches.call(it, "img.qr"))) found.push(told(it));
  }
  const not = "iframe, frame, frameset, object, embed, applet, base, math, foreignObject, animate, set, template," +
    " portal, video, audio, source, marquee, plaintext, xmp, body style, body link, body meta," +
    " body title:not(svg title), svg script, svg a, svg image, svg use, img:not(.qr), [style]:not(canvas, body > i)," +
    " script:not([src]):not([type='application/json'])";
  for (const it of document.querySelectorAll(not)) found.push(told(it));
  if (window.hacked !== undefined || {}.hacked !== undefined) found.push("hacked");
  if (!document.querySelector("body > dialog#keys")) found.push("the end of the page is missing");
  if (document.querySelectorAll("main").length !== 1) found.push("not one main");
  return found;
}"""
# What reaches beyond the screen, where the page does: not what scrolls within the page. Charts are drawn anew in the
# next frames.
BESIDE = r"""async () => {
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  for (let tries = 0; tries < 9 && document.documentElement.scrollWidth > innerWidth; tries++) await frame();
  if (document.documentElement.scrollWidth <= innerWidth) return [];
  const scrolls = (it) => it && (getComputedStyle(it).overflowX !== "visible" || scrolls(it.parentElement));
  const told = (it) => Element.prototype.cloneNode.call(it, false).outerHTML + it.textContent.slice(0, 60);
  return [...document.querySelectorAll("main *, header *")]
    .filter((it) => it.getBoundingClientRect().right > innerWidth + 1 && !scrolls(it.parentElement))
    .slice(0, 4).map(told);
}"""
# How many there are of each element and of each of its attributes, as the page comes from the server. What depends on
# the length of a text or on the minute is left out: breaks in long words, what differs in two, rows of charts.
COUNTED = r"""(text) => {
  const page = new DOMParser().parseFromString(text, "text/html");
  for (const it of page.querySelectorAll(".twin-rows *, mark, wbr, .run, .ticks i")) it.remove();
  const counts = {};
  for (const it of page.querySelectorAll("*")) {
    for (const name of ["", ...Element.prototype.getAttributeNames.call(it)]) {
      const key = `${it.localName} ${name}`;
      counts[key] = (counts[key] ?? 0) + 1;
    }
  }
  return counts;
}"""
# The same of pages that nobody opens, their statuses, and whether they say anything of their address.
FETCHED = f"""async (paths) => {{
  const found = [];
  for (const path of paths) {{
    const answer = await fetch(path);
    const text = await answer.text();
    found.push([answer.status, ({COUNTED})(text), text.includes("{MARK}") || text.includes(encodeURI("{MARK}"))]);
  }}
  return found;
}}"""


@dataclass(frozen=True)
class Shape:
    """What a page is made of. `echoes`: it says something of its address."""

    status: int
    counts: Counter[str]
    echoes: bool = False

    def more_or_less(self, other: "Shape") -> list[str]:
        """Return what there is more or less of on another page."""
        names = sorted({*self.counts, *other.counts})
        pairs = {"status": (self.status, other.status)}
        pairs |= {name: (self.counts[name], other.counts[name]) for name in names}
        return [f"{name}: {one} and {another}" for name, (one, another) in pairs.items() if one != another]


class Visitor:
    """A browser that misses nothing."""

    def __init__(self, page: Page, complaints: list[str]) -> None:
        self.page, self.complaints = page, complaints
        self.asked: list[str] = []
        self.set_width(WIDE)
        page.context.add_init_script(WATCH)
        page.context.on("request", lambda request: self.asked.append(request.url))
        parts = urlsplit(page.url)
        self.ours = f"{parts.scheme}://{parts.netloc}/"

    def open(self, look: Look, expected: Shape | None = None) -> list[str]:
        """Open a page, in a wide and in a narrow window; return what is wrong with it."""
        answer = self.page.goto(look.path)
        assert answer is not None
        self.forgive(answer.status)
        found = [] if answer.status == look.status else [f"status {answer.status}"]
        if expected is not None:
            counts = Counter(self.page.evaluate(COUNTED, answer.text()))
            found += expected.more_or_less(Shape(answer.status, counts))
        self.page.evaluate(OPEN_ALL)
        return [*found, *self.wrong(*look.shows), *self.beside(look.again)]

    def forgive(self, status: int) -> None:
        """A browser says of every answer with such a status that it has it."""
        usual = f"Failed to load resource: the server responded with a status of {status}"
        if status >= 400:
            self.complaints[:] = [said for said in self.complaints if not said.startswith(usual)]

    def wrong(self, *texts: str) -> list[str]:
        """Return which of these texts are not to be seen, and what else than text any of them is."""
        found = [f"not seen: {text}" for text in self.page.evaluate(HIDDEN, list(texts))]
        found += [f"not ours: {each}" for each in self.page.evaluate(STRANGE)]
        found += [f"asked: {url}" for url in self.asked if not url.startswith((self.ours, "blob:", "data:"))]
        found += self.complaints
        self.asked.clear()
        self.complaints.clear()
        return found

    def beside(self, wide_alone: bool) -> list[str]:
        """Return what lies beside the screen, of a wide window and of a narrow one."""
        found = self.page.evaluate(BESIDE)
        if wide_alone:
            return [f"beside the screen: {each}" for each in found]
        self.set_width(NARROW)
        found += self.page.evaluate(BESIDE)
        self.set_width(WIDE)
        return [f"beside the screen: {each}" for each in found]

    def set_width(self, width: int) -> None:
        # Low: what nobody looks at need not be painted.
        self.page.set_viewport_size({"width": width, "height": 300})

    def sees(self, *texts: str) -> None:
        assert self.wrong(*texts) == [], self.page.url[:200]

    def shapes(self, paths: Sequence[str]) -> list[Shape]:
        """What pages are made of, without opening them."""
        rows = self.page.evaluate(FETCHED, list(paths))
        for status, *_ in rows:
            self.forgive(status)
        return [Shape(status, Counter(counts), echoes) for status, counts, echoes in rows]

    def refresh(self) -> list[str]:
        """Let the figures be asked for again, and be put in the place of the old ones; return what is wrong then."""
        with self.page.expect_response(lambda answer: "hx-request" in answer.request.headers):
            self.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        expect(self.page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)
        return self.wrong()

    def touch_charts(self) -> list[str]:
        """Move over each chart, and go through it by keys; return what is wrong then."""
        for chart in self.page.locator("[data-chart]").all():
            chart.scroll_into_view_if_needed()
            box = chart.bounding_box()
            assert box is not None
            for share in (0.3, 0.6, 0.95):
                self.page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] / 2)
            chart.focus()
            self.page.keyboard.press("ArrowLeft")
        return self.wrong()


Visits = Callable[[Client | None], Visitor]


@pytest.fixture
def visits(browser_page: OpenPage, address: str, complaints: list[str]) -> Visits:
    """One window for all who look: whoever does is signed in there first, or out."""
    visitor = Visitor(browser_page("/login"), complaints)

    def looks(client: Client | None) -> Visitor:
        cookies = visitor.page.context
        cookies.clear_cookies(name="sessionid")
        if client is not None:
            cookies.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": address}])
        return visitor

    return looks


@pytest.fixture(autouse=True)
def no_lingering(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing more comes that a drain could wait for."""
    monkeypatch.setattr(draining, "LINGER_MS", 1)


def shapes(on: Stage, visits: Visits) -> dict[str, Shape]:
    """What each kind of page is made of, by the name of the page."""
    found: dict[str, Shape] = {}
    for by in ("admin", "viewer", "nobody"):
        names = [name for name, look in on.looks.items() if look.by == by and not look.again]
        found |= zip(names, visits(on.clients.get(by)).shapes([on.looks[name].path for name in names]), strict=True)
    return found


# --- Pages that show them ----------------------------------------------------------------------------

# Doors that lead to no page of their own: machines', files, parts of a page, what only takes something, and a passkey.
NO_PAGES = {
    *("healthz", "readyz", "metrics", "schema", "api", "events", "traffic", "rates", "states", "decisions"),
    *("verifications", "api-models", "api-model", "api-policies", "api-policy"),
    *("api-keys", "api-key", "api-key-rotate"),
    *("came-in", "arrived", "view-menu", "figure-export", "audit-export", "view", "logout"),
    *("session-end", "sessions-end-others", "provider-login", "provider-again", "provider-link"),
    *("key-rotate", "key-revoke", "route-request", "route-withdraw", "route-approve", "route-reject", "route-suspend"),
    *("review-claim", "review-hand-back", "review-renew", "review-score", "review-skip", "try-again", "discard"),
    *("person-roles", "person-deactivate", "person-reactivate", "person-reset", "person-reset-withdraw"),
    *("invitation-withdraw", "mfa_login_webauthn", "mfa_reauthenticate_webauthn"),
}
# Opened below by who signs in.
OF_SIGNING_IN = {"login", "account_login", "mfa_authenticate", "openid_connect_callback"}
LIVE = ("events from 0", "overview", "workload", "violations", "results", "queue")


def test_on_no_page_a_text_is_more_than_a_text(visits: Visits) -> None:
    harmless = Stage(Texts(are_harmless=True))
    expected = shapes(harmless, visits)
    conftest.empty()
    buffer.connection().flushall()
    on = Stage(Texts())
    assert on.looks.keys() == harmless.looks.keys()
    wrong: dict[str, list[str]] = {}
    for name, look in on.looks.items():
        visitor = visits(on.clients.get(look.by))
        wrong[name] = visitor.open(look, expected.get(name))
        if name in LIVE:
            wrong[name] += [*visitor.touch_charts(), *visitor.refresh()]
    assert {name: found for name, found in wrong.items() if found} == {}
    opened = {resolve(urlsplit(look.path).path).url_name for look in on.looks.values()}
    assert DOORS.keys() - NO_PAGES - OF_SIGNING_IN == opened
    for kind, most in (("events from", 128), ("event ", 256)):
        shown = {text for name, look in on.looks.items() if name.startswith(kind) for text in look.shows}
        assert shown.issuperset(hostile.fitting(most)), kind


# --- Addresses ---------------------------------------------------------------------------------------

# Of all pages together, and the word for a format that no page has: JSON is for machines.
PARAMETERS = (
    *("q", "workload", "reason", "status", "error_code", "error_class", "outcome", "attempts", "tier", "user_visible"),
    *("payload_class", "primary", "fallback", "attribute", "provider_feature", "who_acts", "rule", "broken", "columns"),
    *(
        "request_id",
        "trace_id",
        "id",
        "name",
        "new",
        "actor",
        "action",
        "scope",
        "owner",
        "state",
        "next",
        "from",
        "to",
    ),
    *("range", "environment", "compare", "sort", "by", "all", "open", "after", "before", "done", "tries", "format"),
    *("description", "message", "escape_hatch", "triggers", "permits", "review.criteria", "error", "code", "watch"),
)
# Filters that take any text.
FILTERS = ("reason", "error_code", "workload", "primary", "fallback", "payload_class", "attribute", "who_acts", "tier")
AT_ONCE = 80
# Of the lists by filters, so many are opened. Of the others, as of pages that say nothing of their address, it is
# enough to know that they are made of the same.
OPENED = 3


def query(texts: Texts) -> str:
    """Every parameter that any page has, and some that none has."""
    known = [(name, texts.one("value", 200, hostile.breaks_out)) for name in PARAMETERS]
    return asking([*known, *((texts.one("parameter", 200), texts.one("its value", 200)) for _ in range(6))])


def filtered(texts: Sequence[str]) -> str:
    """These texts as values of filters, and some as names of filters that there are not."""
    values = [(FILTERS[number % len(FILTERS)], text) for number, text in enumerate(texts)]
    return asking([*values, *((text, "x") for text in texts[::4])])


def asking(pairs: Sequence[tuple[str, str]]) -> str:
    # Whatever is asked for, as little is found.
    return urlencode([(name, f"{value}{MARK}") for name, value in pairs])


def test_in_no_address_a_text_is_more_than_a_text(visits: Visits) -> None:
    on = Stage(Texts())
    pages = {resolve(urlsplit(look.path).path).url_name: look for look in on.looks.values() if not look.again}
    harmless, texts, fitting = Texts(are_harmless=True), Texts(), hostile.fitting(200)
    asked = [(look, query(harmless), query(texts)) for look in pages.values()]
    for start in range(0, len(fitting), AT_ONCE):
        some = fitting[start : start + AT_ONCE]
        asked.append((Look("/events", some), filtered([hostile.harmless(each) for each in some]), filtered(some)))
    wrong: dict[str, list[str]] = {}
    for number, (look, before, after) in enumerate(asked):
        visitor, path = visits(on.clients.get(look.by)), urlsplit(look.path).path
        (expected,) = visitor.shapes([f"{path}?{before}"])
        filters = look.shows if number >= len(pages) else ()
        if expected.echoes and number < len(pages) + OPENED:
            asked_for = Look(f"{path}?{after}", filters, status=expected.status, again=not filters)
            found = visitor.open(asked_for, expected)
        else:
            found = expected.more_or_less(*visitor.shapes([f"{path}?{after}"]))
        wrong[f"{path} {number}"] = found
    assert {path: found for path, found in wrong.items() if found} == {}


# What a form has, and a field in it by the same name would hide.
OF_FORMS = (
    *("getAttribute", "hasAttribute", "attributes", "dispatchEvent", "addEventListener", "matches", "closest", "id"),
    *(
        "requestSubmit",
        "submit",
        "elements",
        "action",
        "method",
        "target",
        "name",
        "children",
        "parentNode",
        "nodeType",
    ),
    *("querySelector", "querySelectorAll", "getRootNode", "contains", "dataset", "tagName", "isConnected", "innerHTML"),
)


def test_no_parameter_takes_the_place_of_what_a_form_has(visits: Visits) -> None:
    stage.put_models()
    stage.put_policy()
    at = datetime.now(UTC) - MINUTE
    record([make.event(occurred_at=at), make.event(occurred_at=at, environment="staging")])
    visitor = visits(signed_in(people.make("admin", "admin")))
    page = visitor.page
    for path in ("/", "/events", f"/workloads/{SUPPORT}", "/reviews/results"):
        page.goto(f"{path}?{urlencode(dict.fromkeys(OF_FORMS, 'x'))}")
        visitor.sees()
        assert visitor.refresh() == []
        page.locator("main summary", has_text="Views").click()
        expect(page.locator(".views-list")).to_contain_text("No view is saved yet.")
        page.keyboard.press("Escape")
        # A choice that is sent at once, and one that is sent by a button.
        choices = page.locator("select[data-send-at-once]")
        if choices.count():
            with page.expect_navigation():
                choices.first.select_option(index=1)
            visitor.sees()
        page.locator("summary", has_text="Custom" if path != "/events" else "Last").first.click()
        page.locator("form", has=page.locator("#from")).get_by_role("button", name="Show").click()
        expect(page).to_have_url(re.compile("range=custom"))
        visitor.sees()


def test_a_workload_by_the_name_of_a_property_is_not_told_of_as_changed(visits: Visits) -> None:
    at = datetime.now(UTC) - MINUTE
    record([make.event(occurred_at=at)])
    visitor = visits(signed_in(people.make("admin", "admin")))
    visitor.page.goto("/")
    record([make.event(occurred_at=at, workload=slug) for slug in ODD])
    assert visitor.refresh() == []
    for slug in ODD:
        expect(visitor.page.locator(f"#w-{slug}")).to_be_visible()
    assert visitor.page.locator("#announced").inner_text() == ""


# --- The second wall ---------------------------------------------------------------------------------

PUT_IN = """(texts) => {
  for (const text of texts) {
    const place = document.body.appendChild(document.createElement("div"));
    place.innerHTML = text;
    // What is put in like that runs no script: one that is made does.
    for (const old of place.querySelectorAll("script")) {
      const made = document.createElement("script");
      for (const { name, value } of old.attributes) made.setAttribute(name, value);
      made.textContent = old.textContent;
      old.replaceWith(made);
    }
  }
}"""


def test_what_got_into_a_page_all_the_same_would_not_run_and_would_be_noticed(
    visits: Visits, complaints: list[str]
) -> None:
    visitor, failed = visits(None), set()
    visitor.page.on("requestfailed", lambda request: failed.add((urlsplit(request.url).netloc, request.failure)))
    for name in ("script", "handler", "frame", "style", "drawing", "read twice"):
        # A frame by that name would be found by it.
        texts = [text for text in hostile.PLACES[name] if "name=hacked" not in text]
        visitor.page.goto("/login")
        visitor.page.evaluate(PUT_IN, texts)
        visitor.page.wait_for_load_state("networkidle")
        # A dialog would have said "1". All else is what the policy of the page has refused, or what is not there.
        assert "1" not in complaints, name
        assert any(said.startswith("Refused by ") for said in complaints), name
        assert visitor.page.evaluate("window.hacked === undefined"), name
        assert len(visitor.page.evaluate(STRANGE)) >= len(texts) * 0.7, name
        complaints.clear()
    # What no policy refuses, such as a drawing that another one uses, has to be of our own origin anyway.
    assert {why for where, why in failed if where == "evil.example"} <= {"csp", "origin"}
    visitor.page.goto("/login")
    complaints.clear()


# --- What is typed -----------------------------------------------------------------------------------


def typable(text: str) -> bool:
    """A field of one line cuts off blanks and ends of lines, and a list of names is cut at commas."""
    return hostile.breaks_out(text) and on_one_line(text) and text == text.strip() and "," not in text


@pytest.fixture
def typed() -> Texts:
    return Texts()


def test_who_signs_in_stays_here_and_what_they_typed_stays_a_text(visits: Visits, typed: Texts) -> None:
    people.make("joined", "viewer")
    visitor = visits(None)
    page = visitor.page

    def sign_in(name: str, password: str, following: str) -> None:
        page.goto(f"/login?{urlencode({'next': following})}")
        page.get_by_label("User name").fill(name)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in", exact=True).click()

    for name, following in zip(typed.some(3, "name", 150, typable), typed.some(3, "next", 400, typable), strict=True):
        sign_in(name, "wrong", following)
        expect(page.get_by_role("alert")).to_contain_text("Name or password is wrong.")
        visitor.sees(name)
    for following in [each for each in hostile.ADDRESSES if "<" not in each][::6]:
        sign_in("joined", people.PASSWORD, following)
        # To a page that there may not be, and never to one of somebody else's.
        expect(page).not_to_have_url(re.compile("/login"))
        visitor.forgive(404)
        visitor.sees()
        page.context.clear_cookies()
    people.with_app(User.objects.get(username="joined"))
    sign_in("joined", people.PASSWORD, typed.one("next", 400, typable))
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    visitor.sees()


def test_a_name_that_a_provider_tells_stays_a_text(visits: Visits, settings: Settings) -> None:
    texts = Texts()
    first, last, name, error = (texts.one(of, 100, typable) for of in ("first", "last", "provider", "error"))
    with issuers.running() as issuer:
        provider = test_provider.read(issuer)
        assert provider is not None
        settings.OIDC = replace(provider, name=name)
        issuer.person = {"sub": first, "email": "kim@corp.example", "email_verified": True}
        issuer.person |= {"given_name": first, "family_name": last, "preferred_username": first}
        browser, answer = test_provider.come()
    assert answer.headers["Location"] == "/"
    visitor = visits(browser)
    visitor.page.goto("/account")
    visitor.page.locator("summary.avatar-mini").click()
    visitor.sees(f"{first} {last}", name)
    visitor = visits(None)
    visitor.page.goto("/login")
    visitor.sees(f"Sign in by {name}")
    visitor.page.goto(f"/login/provider/back?{urlencode({'error': error, 'state': error, 'code': error})}")
    visitor.forgive(400)
    visitor.sees("The provider’s answer is not good.")


def test_what_is_typed_in_forms_stays_a_text(visits: Visits, typed: Texts) -> None:
    on = Stage(typed)
    visitor = visits(on.clients["admin"])
    for fill_in in (save_a_view, make_a_key, put_a_model, put_a_policy, invite, let_in, suspend, review):
        fill_in(visitor, on)


def save_a_view(visitor: Visitor, on: Stage) -> None:
    page, name = visitor.page, on.texts.one("view typed", 80, typable)
    page.goto("/events?outcome=served")
    page.locator("summary", has_text="Views").click()
    for said in (f"Saved as “{name}”.", f"You have a view called “{name}”"):
        page.get_by_label("Save what you see as").fill(name)
        with page.expect_response("**/views"):
            page.get_by_role("button", name="Save view").click()
        expect(page.locator(".views-said")).to_contain_text(said[:8])
        visitor.sees(said)
    page.goto("/views")
    other = on.texts.one("view typed", 80, typable)
    page.locator("tr", has=page.locator("summary", has_text="Rename")).first.locator("summary").first.click()
    page.get_by_label("Name", exact=True).first.fill(other)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("is called")
    visitor.sees(f"is called “{other}” now")


def make_a_key(visitor: Visitor, on: Stage) -> None:
    page, name = visitor.page, on.texts.one("key typed", 100, typable)
    page.goto("/keys/new")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Workloads").fill(name)
    page.get_by_role("button", name="Make the key").click()
    expect(page.get_by_role("alert")).to_contain_text("Not made.")
    visitor.sees(name)
    page.get_by_label("Workloads").fill("")
    page.get_by_role("button", name="Make the key").click()
    expect(page.get_by_label("New API key")).to_be_visible()
    visitor.sees(f"Here is the key {name}.")
    page.goto("/keys")
    page.locator(".keys-table a.name").first.click()
    page.locator("summary", has_text="Revoke").click()
    page.get_by_role("button", name="Revoke for good").click()
    expect(page.get_by_text("It opens nothing any more", exact=True)).to_be_visible()
    visitor.sees(f"{name} is revoked.")


def put_a_model(visitor: Visitor, on: Stage) -> None:
    page = visitor.page
    name, provider, feature = (on.texts.one(f"{of} typed", 60, typable) for of in ("model", "provider", "feature"))
    page.goto("/models/edit")
    page.get_by_label("Name", exact=True).fill(name)
    for label, text in (
        ("Provider", provider),
        ("API family", provider),
        ("Request shapes", feature),
        ("Features", feature),
    ):
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").first).to_contain_text("Not saved.")
    visitor.sees(name, provider, feature)
    page.get_by_label("Request shapes", exact=True).fill("chat")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_contain_text("is saved.")
    visitor.sees(f"{name} is saved.", provider, feature)


def put_a_policy(visitor: Visitor, on: Stage) -> None:
    page = visitor.page
    owner, criterion, by = (on.texts.one(f"{of} typed", 64, typable) for of in ("owner", "criterion", "by"))
    page.goto(f"/policies/{SUPPORT}/edit")
    page.get_by_label("Owner", exact=True).fill(owner)
    page.get_by_label("Criteria", exact=True).fill(f"{criterion}, {criterion}")
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing is saved")
    visitor.sees(owner, criterion)
    page.get_by_label("Criteria", exact=True).fill(criterion)
    policies.put(SUPPORT, on.bodies[SUPPORT] | {"description": by}, by)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Not saved:")
    visitor.sees(owner, criterion, f"{by} saved version")
    page.get_by_role("button", name="Save all the same").click()
    expect(page.get_by_role("status").first).to_contain_text("is saved")
    visitor.sees(owner, criterion)


def invite(visitor: Visitor, on: Stage) -> None:
    page, note = visitor.page, on.texts.one("note typed", 200, typable)
    page.goto("/people/invite")
    page.get_by_label("For whom").fill(note)
    page.get_by_role("checkbox", name="Viewer See").uncheck()
    page.get_by_role("button", name="Make the link").click()
    expect(page.get_by_role("alert")).to_contain_text("No link was made.")
    visitor.sees(note)
    page.get_by_role("checkbox", name="Engineer").check()
    page.get_by_role("button", name="Make the link").click()
    expect(page.get_by_label("Link of the invitation")).to_be_visible()
    visitor.sees(f"For {note}, as engineer")


def let_in(visitor: Visitor, on: Stage) -> None:
    page = visitor.page
    page.goto(f"/people/{on.gone.pk}")
    page.locator("form[action$=reactivate] button").click()
    expect(page.get_by_role("status").first).to_contain_text("can sign in again.")
    visitor.sees(f"{on.gone.known_as} can sign in again.")
    page.locator("form[action$=reset] button").click()
    expect(page.locator("#link")).to_be_visible()
    visitor.sees(f"For {on.gone.known_as}")


def suspend(visitor: Visitor, on: Stage) -> None:
    page, why = visitor.page, on.texts.one("why typed", 2000, typable)
    page.goto(f"/policies/{ODD[0]}/route")
    page.get_by_label("Why").fill(why)
    page.get_by_role("button", name="Suspend").click()
    expect(page.get_by_role("status").first).to_contain_text("The route is suspended")
    page.evaluate(OPEN_ALL)
    visitor.sees(why)


def review(visitor: Visitor, on: Stage) -> None:
    """Score a sample, see what the keys do, and skip the next one."""
    page = visitor.page
    comment, reason = on.texts.one("comment typed", 2000, typable), on.texts.one("skipped typed", 500, typable)
    page.goto("/reviews")
    page.keyboard.press("c")
    expect(page.locator("#missing")).to_contain_text("missing")
    for mark in page.locator("label.pass").all():
        mark.click()
    page.locator("#comment").fill(comment)
    page.locator("[data-send]").click()
    expect(page.get_by_text("Sent. ").first).to_be_visible()
    visitor.sees(on.model_names[1])
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    visitor.sees(*(f"{name}: pass, fail, not applicable" for name in on.bodies[SUPPORT]["review"]["criteria"][:6]))
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    expect(page.locator("#skip-reason")).to_be_focused()
    page.keyboard.insert_text(reason)
    with page.expect_response("**/skip"):
        page.keyboard.press("Enter")
    expect(page.get_by_text("Skipped: ").first).to_be_visible()
    visitor.sees()
