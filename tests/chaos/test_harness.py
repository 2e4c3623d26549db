"""The harness itself can see what it looks for. The runs of minutes are `make chaos`."""

import io
import json
import random
from collections import Counter
from datetime import UTC, datetime

import msgspec
import pytest

from chaos import faults, invariants, mutants, parcels, poison, report
from chaos.invariants import Held
from chaos.ledger import CountKey, Key, Ledger
from chaos.outages import Outages
from chaos.parcels import Maker, Parcel
from chaos.poison import Template
from chaos.report import Findings

KEY = Key("w", 1, "a")


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(io.StringIO())


@pytest.fixture
def findings() -> Findings:
    return Findings()


def maker() -> Maker:
    return Maker("p0", random.Random(7))


def test_equal_seeds_make_equal_parcels_but_for_the_time() -> None:
    one, other = maker(), maker()
    pairs = [(one.parcel(), other.parcel()) for _ in range(50)]
    assert [[item.key.id for item in left.events] for left, _ in pairs] == [
        [item.key.id for item in right.events] for _, right in pairs
    ]


def test_a_parcel_knows_which_of_its_items_are_good() -> None:
    chance, making = random.Random(3), maker()
    for _ in range(30):
        items = [making.item() for _ in range(4)]
        parcel = parcels.batch(items, chance, bad=3)
        body = json.loads(parcel.body)
        sent = body["events"] if isinstance(body, dict) else body
        assert tuple(n for n, item in enumerate(sent) if item in parcels.BAD_ITEMS) == parcel.rejected
        assert parcel.accepted == len(sent) - 3


def test_events_are_sent_up_to_five_times() -> None:
    making = maker()
    sends = Counter(item.key for _ in range(300) for item in making.parcel().events)
    assert max(sends.values()) >= 5


def template() -> Template:
    item = maker().event(datetime.now(UTC), outcome="blocked")
    item.json["reason"] = "a template"
    occurred_at = datetime.fromisoformat(item.json["occurred_at"]).astimezone(UTC)
    row = [item.key.workload, occurred_at, item.key.id, None, "a template", "blocked", []]
    return Template("events:0", [[row], []], item)


@pytest.mark.parametrize("kind", poison.KINDS)
def test_poison_carries_its_mark_and_good_events_stand_beside_it(kind: str) -> None:
    source, making = template(), maker()
    good = [making.event(datetime.now(UTC), outcome="blocked") for _ in range(2)]
    bad = poison.KINDS[kind](source, good[0], "poison-x")
    mixed = poison.among(source, good, bad)
    assert mixed.mark in b"".join(mixed.fields.values())
    if mixed is not bad:
        rows = msgspec.msgpack.decode(mixed.fields[poison.FIELD])[0]
        assert [row[2] for row in (rows[0], rows[2])] == [item.key.id for item in good]
        assert str(rows[1][2]).startswith("poison-x")


def test_a_template_is_found_by_its_event_alone() -> None:
    source = template()
    assert source.find([["w", None, source.item.key.id + "0"]]) is None
    assert source.find(source.entry) is source.entry[0][0]


@pytest.mark.parametrize(
    ("column", "held"),
    [
        ("lost", Held()),
        ("aside", Held(aside=[("o", b"...a...", "bad")])),
        ("altered", Held(events={KEY: "failed"})),
        ("stranger", Held(events={KEY: "served", Key("w", 2, "b"): "served"})),
        ("twice", Held(events={KEY: "served", Key("w", 2, "a"): "served"})),
    ],
)
def test_each_kind_of_wrong_event_is_found(column: str, held: Held, ledger: Ledger, findings: Findings) -> None:
    ledger.send({KEY: "served"})
    ledger.acknowledge([KEY], [])
    invariants.check_events(ledger, held, findings)
    assert findings.counts[column] == 1


def test_what_is_as_it_was_sent_is_no_finding(ledger: Ledger, findings: Findings) -> None:
    count = CountKey("w", "c")
    ledger.send({KEY: "served", Key("w", 3, "unacknowledged"): "failed"}, {count: 5}, nameless="nameless 1")
    ledger.acknowledge([KEY], [count], "nameless 1")
    held = Held(events={KEY: "served"}, counts={count: 5}, nameless=Counter(["nameless 1"]))
    invariants.check_events(ledger, held, findings)
    invariants.check_counts(ledger, held, findings)
    assert findings.are_clean()


def test_an_event_without_an_id_of_ours_counts_once(ledger: Ledger, findings: Findings) -> None:
    ledger.send({}, nameless="nameless 1")
    ledger.acknowledge([], [], "nameless 1")
    invariants.check_events(ledger, Held(), findings)
    assert findings.counts["lost"] == 1
    invariants.check_events(ledger, Held(nameless=Counter({"nameless 1": 2})), findings)
    assert findings.counts["twice"] == 1


def test_poison_is_kept_aside_once_and_nothing_else_is(findings: Findings) -> None:
    once = ("events:0/1-0", b"poison-1", "why")
    invariants.check_poison(Held(aside=[once]), {b"poison-1": True, b"poison-2": False}, findings)
    assert findings.are_clean()
    twice = Held(aside=[once, ("events:0/1-1", b"poison-1", "why"), ("events:0/9-0", b"good", "why")])
    invariants.check_poison(twice, {b"poison-1": True, b"poison-3": True}, findings)
    assert (findings.counts["poison"], findings.counts["aside"]) == (2, 1)


def test_only_an_outage_excuses_that_nobody_answered() -> None:
    outages = Outages()
    assert not outages.excuse(0.0, 1e12)
    outages.begin()
    start = outages.spans[0][0]
    assert outages.excuse(start + 100, start + 101)
    outages.end()
    assert outages.excuse(start - 1, start)
    assert not outages.excuse(start + 100, start + 101)


def test_every_round_has_every_fault_and_equal_seeds_the_same_order() -> None:
    assert set(faults.deck(random.Random(1))) == set(faults.FAULTS)
    assert faults.deck(random.Random(1)) == faults.deck(random.Random(1))


def test_every_bug_has_faults_that_bring_it_to_light() -> None:
    assert mutants.MUTANTS.keys() == mutants.MIXES.keys()
    assert all(mix and set(mix) <= set(faults.FAULTS) for mix in mutants.MIXES.values())


def test_a_finding_turns_the_report_red_with_an_example(findings: Findings) -> None:
    assert "found" in report.columns_table(findings)
    findings.add("lost", "this one")
    assert not findings.are_clean()
    assert "For example:" in report.columns_table(findings)
    assert json.dumps("this one").strip('"') in report.columns_table(findings)


def test_bodies_in_which_nothing_is_good_are_never_sent_again() -> None:
    assert not Parcel(parcels.EVENTS, b"{", refused_by=frozenset({400})).may_be_repeated
