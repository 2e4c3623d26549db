"""A product full of hostile texts."""

import itertools
import json
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group
from django.test import Client

from dashboard import paging, saved_views
from fallbacks import catalogue, enablement, key_ring, members, policies, resets, review_queue, routes, verifications
from fallbacks.keys import Key
from fallbacks.models import AuditEntry, Event, Export, Invitation, KeptAside, Sample, User
from fallbacks.reading import says_something
from fallbacks.scoring import Score, score
from fallbacks.verifications import Report
from ingest import buffer
from ingest import drain as draining
from tests import hostile, make
from tests.accounts import people
from tests.browser.hostile.texts import Fits, Texts, on_one_line, unbroken, whatever
from tests.policy.policies import REVIEW, TEMPORARY

SUPPORT = "support-chat"
# Slugs are no texts, but some are names that a script finds on every object.
ODD = ("constructor", "__proto__")
MINUTE = timedelta(minutes=1)
ANY = Key(1, frozenset(), frozenset(), frozenset(), None, 0)
# More than any payload has: for fields that take far more.
LONGEST = 10_000


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
