"""The audit log: a chain without forks that only grows, and in which every kind of tampering is found and named."""

import contextlib
import hashlib
import json
import logging
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, InternalError, ProgrammingError, connection, transaction

from fallbacks import audit
from fallbacks.audit import FIRST, Head
from fallbacks.local.environment import PROJECT
from fallbacks.models import AuditEntry

pytestmark = pytest.mark.usefixtures("database")

# Each process has a pool of eight connections. 64 writers of 1,000 entries take minutes, and nothing else is found.
PROCESSES, THREADS, ENTRIES = 4, 8, 20


def write(count: int = 5) -> None:
    for number in range(count):
        audit.append("model put", "dana", "", f"model {number}", changed=[], note="ein Wort: größer „so“ \u2028 ❤")


def head_file() -> Path:
    return Path(os.environ["AUDIT_HEAD_FILE"])


def documented_hash(entry: AuditEntry) -> str:
    """The hash as the module's words describe it, worked out without its code."""
    at = f"{entry.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}+00:00"
    texts = (entry.actor, entry.action, entry.workload, entry.subject, entry.details, entry.previous)
    array = ",".join([str(entry.number), *(json.dumps(text, ensure_ascii=False) for text in (at, *texts))])
    return hashlib.sha256(f"[{array}]".encode()).hexdigest()


def execute(sql: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


@contextlib.contextmanager
def as_its_owner() -> Iterator[None]:
    """Do what only the table's owner can do: take its triggers away for a while."""
    execute("ALTER TABLE audit_entry DISABLE TRIGGER USER")
    yield
    execute(
        "ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER audit_entry_stays; ALTER TABLE audit_entry"
        " ENABLE ALWAYS TRIGGER audit_stays"
    )


def verified(capsys: pytest.CaptureFixture[str]) -> str:
    call_command("verify_audit")
    return capsys.readouterr().out


def found_wrong(code: int = 1) -> str:
    with pytest.raises(CommandError) as error:
        call_command("verify_audit")
    assert error.value.returncode == code
    return str(error.value)


@pytest.fixture(autouse=True)
def no_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is about to write to the file while these look."""
    monkeypatch.setattr(audit, "MOMENT", 0)


# The chain


def test_each_entry_carries_the_hash_of_the_one_before_and_one_of_its_own_as_documented() -> None:
    before = datetime.now(UTC)
    write()
    entries = list(AuditEntry.objects.order_by("number"))
    assert [entry.number for entry in entries] == [1, 2, 3, 4, 5]
    assert [entry.previous for entry in entries] == [FIRST, *(entry.hash for entry in entries[:-1])]
    assert [entry.hash for entry in entries] == [documented_hash(entry) for entry in entries]
    assert json.loads(entries[0].details) == {"changed": [], "note": "ein Wort: größer „so“ \u2028 ❤"}
    assert before <= entries[0].at <= entries[-1].at <= datetime.now(UTC)


def test_what_is_taken_back_leaves_no_entry_and_no_gap() -> None:
    write(2)
    with transaction.atomic():
        audit.append("model put", "dana")
        transaction.set_rollback(True)
    write(1)
    assert audit.check() == audit.Checked(3, audit.head())
    assert audit.read_head() == audit.head()


def test_letters_that_cannot_be_stored_are_no_way_to_write_nothing() -> None:
    audit.append("model put", "a\0b", "c\0", "\0", why="\0")
    assert audit.check().wrong == ""
    assert AuditEntry.objects.get().actor == "a\ufffdb"


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit_entry SET actor = 'somebody else' WHERE number = 2",
        "DELETE FROM audit_entry WHERE number = 5",
        "TRUNCATE audit_entry",
    ],
    ids=["update", "delete", "truncate"],
)
def test_the_database_refuses_to_change_delete_or_truncate(sql: str) -> None:
    write()
    with pytest.raises((InternalError, ProgrammingError), match="the audit log only grows"), transaction.atomic():
        execute(sql)
    assert audit.check() == audit.Checked(5, audit.head())


@pytest.mark.parametrize("number", [0, -7, -(2**63)])
def test_the_database_takes_no_entry_before_the_first(number: int) -> None:
    write(2)
    with pytest.raises(IntegrityError, match="audit_entry_from_one"), transaction.atomic():
        forge(number, "e" * 64).save(force_insert=True)


def test_two_entries_never_follow_the_same_one() -> None:
    write(2)
    first = AuditEntry.objects.get(number=1)
    with pytest.raises(Exception, match="unique"), transaction.atomic():
        AuditEntry.objects.create(number=9, at=first.at, details="{}", previous=first.hash, hash="f" * 64)


def test_roles_that_are_given_are_written_down(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("create_user", "tomas", "--role", "reviewer", "--role", "viewer")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.subject) == ("roles changed", "manage.py", "tomas")
    assert json.loads(entry.details) == {"roles": ["viewer", "reviewer"]}
    assert capsys.readouterr().out.strip() not in entry.details


def writers_side_by_side(processes: int, threads: int, entries: int) -> None:
    """Write from many connections at once, and hold what came of it to what was written."""
    words = [sys.executable, "-m", "tests.domain.audit_writers"]
    running = [
        subprocess.Popen([*words, f"p{number}", str(threads), str(entries)], cwd=PROJECT) for number in range(processes)
    ]
    assert [process.wait() for process in running] == [0] * processes
    total = processes * threads * entries
    assert audit.check() == audit.Checked(total, audit.head())
    assert audit.head().number == total
    assert audit.read_head() == audit.head()
    written = Counter(AuditEntry.objects.values_list("actor", flat=True))
    assert set(written.values()) == {entries}
    assert len(written) == processes * threads


def test_writers_side_by_side_fork_no_chain_and_lose_no_entry() -> None:
    writers_side_by_side(PROCESSES, THREADS, ENTRIES)
    # They did come in turns: nobody wrote all of theirs in a row.
    actors = list(AuditEntry.objects.order_by("number").values_list("actor", flat=True))
    assert sum(one != other for one, other in pairwise(actors)) > len(set(actors))


# Tampering


def forge(number: int, previous: str) -> AuditEntry:
    """An entry that nobody wrote, with a sound hash of its own."""
    entry = AuditEntry(
        number=number, at=datetime.now(UTC), actor="mallory", action="route enabled", details="{}", previous=previous
    )
    entry.hash = documented_hash(entry)
    return entry


def hash_of(number: int) -> str:
    return AuditEntry.objects.get(number=number).hash


def change_one() -> None:
    execute("UPDATE audit_entry SET actor = 'mallory' WHERE number = 3")


def change_one_with_its_hash() -> None:
    entry = AuditEntry.objects.get(number=3)
    entry.actor = "mallory"
    AuditEntry.objects.filter(number=3).update(actor="mallory", hash=documented_hash(entry))


def change_the_last_with_its_hash() -> None:
    entry = AuditEntry.objects.get(number=5)
    entry.details = "{}"
    AuditEntry.objects.filter(number=5).update(details="{}", hash=documented_hash(entry))


def change_its_time() -> None:
    execute("UPDATE audit_entry SET at = at - interval '1 microsecond' WHERE number = 2")


def delete_one() -> None:
    execute("DELETE FROM audit_entry WHERE number = 3")


def delete_one_and_close_the_gap() -> None:
    execute("DELETE FROM audit_entry WHERE number = 3")
    execute("UPDATE audit_entry SET number = 3 WHERE number = 4")
    execute("UPDATE audit_entry SET number = 4 WHERE number = 5")


def delete_the_first() -> None:
    execute("DELETE FROM audit_entry WHERE number = 1")


def insert_one() -> None:
    execute("UPDATE audit_entry SET number = number + 100 WHERE number > 2")
    execute("UPDATE audit_entry SET number = number - 99 WHERE number > 100")
    forge(3, "e" * 64).save(force_insert=True)


def insert_at(number: int, previous: str = "e" * 64) -> None:
    """Put an entry there as the table's owner can, who may take the constraint away as well."""
    execute("ALTER TABLE audit_entry DROP CONSTRAINT audit_entry_from_one")
    forge(number, previous).save(force_insert=True)
    execute("ALTER TABLE audit_entry ADD CONSTRAINT audit_entry_from_one CHECK (number > 0) NOT VALID")


def insert_before_the_first() -> None:
    insert_at(0)


def insert_long_before_the_first() -> None:
    insert_at(-7)


def insert_at_the_least_number() -> None:
    insert_at(-(2**63))


def insert_long_after_the_last() -> None:
    insert_at(100_000)


def insert_long_after_the_last_as_if_it_followed() -> None:
    insert_at(100_000, hash_of(5))


def insert_long_after_the_last_and_go_on() -> None:
    insert_at(100_000)
    write(2)


def delete_what_others_wrote() -> None:
    head_file().write_bytes(msgspec.json.encode(Head(5, hash_of(5), ((3, 4),))))
    execute("DELETE FROM audit_entry WHERE number IN (3, 4)")


def delete_a_part_of_what_others_wrote() -> None:
    head_file().write_bytes(msgspec.json.encode(Head(5, hash_of(5), ((3, 5),))))
    execute("DELETE FROM audit_entry WHERE number IN (3, 4)")


def delete_two() -> None:
    execute("DELETE FROM audit_entry WHERE number IN (3, 4)")


def reorder_two() -> None:
    execute("UPDATE audit_entry SET number = 99 WHERE number = 3")
    execute("UPDATE audit_entry SET number = 3 WHERE number = 4")
    execute("UPDATE audit_entry SET number = 4 WHERE number = 99")


def cut_the_tail() -> None:
    execute("DELETE FROM audit_entry WHERE number > 3")


def cut_all() -> None:
    execute("TRUNCATE audit_entry")


def write_the_tail_anew() -> None:
    cut_the_tail()
    write(2)


def write_a_longer_tail_anew() -> None:
    cut_the_tail()
    write(4)


TAMPERINGS: list[tuple[Callable[[], None], str, int]] = [
    (change_one, "entry 3 was changed", 2),
    (change_one_with_its_hash, "entry 4 does not follow entry 3", 3),
    (change_the_last_with_its_hash, "entry 5 is another than", 4),
    (change_its_time, "entry 2 was changed", 1),
    (delete_one, "entry 3 is missing", 2),
    (delete_one_and_close_the_gap, "entry 3 does not follow entry 2", 2),
    (delete_the_first, "entry 1 is missing", 0),
    (insert_one, "entry 3 does not follow entry 2", 2),
    (insert_before_the_first, "entry 0 was put there: the first one is entry 1", 0),
    (insert_long_before_the_first, "entry -7 was put there: the first one is entry 1", 0),
    (insert_at_the_least_number, f"entry {-(2**63)} was put there", 0),
    (insert_long_after_the_last, "entry 100000 was put there: entry 6 would be the next", 5),
    (insert_long_after_the_last_as_if_it_followed, "entry 100000 was put there: entry 6 would be the next", 5),
    (insert_long_after_the_last_and_go_on, "entries 6 to 99999 are missing, or entry 100000 was put there", 5),
    (delete_what_others_wrote, "entries 3 to 4 are missing.", 2),
    (delete_a_part_of_what_others_wrote, "entries 3 to 4 are missing, or entry 5 was put there", 2),
    (delete_two, "entries 3 to 4 are missing", 2),
    (reorder_two, "entry 3 does not follow entry 2", 2),
    (cut_the_tail, "entries 4 to 5 are gone", 3),
    (cut_all, "entries 1 to 5 are gone", 0),
    (write_the_tail_anew, "entry 5 is another than", 4),
    (write_a_longer_tail_anew, "entry 5 is another than", 4),
]


@pytest.mark.parametrize(
    ("tamper", "named", "sound"), TAMPERINGS, ids=[each[0].__name__.replace("_", " ") for each in TAMPERINGS]
)
def test_what_was_tampered_with_is_found_and_named(tamper: Callable[[], None], named: str, sound: int) -> None:
    write()
    with as_its_owner():
        tamper()
    wrong = found_wrong()
    assert f"The audit log is not sound: {named}" in wrong
    assert f"{sound} entries before are." in wrong


def test_without_the_file_what_is_missing_or_was_put_there_cannot_be_told() -> None:
    write()
    head_file().unlink()
    with as_its_owner():
        delete_two()
    assert "entries 3 to 4 are missing, or entry 5 was put there" in found_wrong()
    with as_its_owner():
        execute("UPDATE audit_entry SET actor = 'mallory' WHERE number = 5")
    assert "entry 5 was put there: entry 3 would be the next" in found_wrong()


def test_an_entry_that_somebody_put_at_the_end_with_its_hash_is_told_also_when_the_log_went_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write()
    forge(6, hash_of(5)).save(force_insert=True)
    said = f"1 entry was not written here, as far as {head_file()} knows: 6"
    assert f"The audit log hangs together, but {said}. Look at them" in found_wrong(2)
    write(2)
    assert audit.read_head() == Head(8, hash_of(8), ((6, 6),))
    assert said in found_wrong(2)
    forge(9, hash_of(8)).save(force_insert=True)
    forge(10, hash_of(9)).save(force_insert=True)
    assert f"3 entries were not written here, as far as {head_file()} knows: 6, 9 to 10. " in found_wrong(2)
    call_command("verify_audit", "--others-write")
    assert "10 entries, all sound; 3 entries were not written here" in capsys.readouterr().out


def test_an_entry_that_was_written_anew_is_not_what_the_file_remembers_and_that_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    write()
    kept = audit.read_head()
    with as_its_owner():
        cut_the_tail()
    with caplog.at_level(logging.ERROR, "fallbacks.audit"):
        write(3)
    assert audit.read_head() == kept
    assert [record.message for record in caplog.records] == ["the audit log was cut or written anew"]


# The head beside the database


def test_verify_audit_says_how_many_are_sound_and_by_which_hash(capsys: pytest.CaptureFixture[str]) -> None:
    assert "0 entries, all sound; there is no" in verified(capsys)
    write()
    said = verified(capsys)
    assert f"5 entries, all sound; its end agrees with {head_file()}." in said
    assert f"The newest has the hash {hash_of(5)}." in said


def test_without_the_file_a_cut_tail_cannot_be_told_and_that_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    write()
    head_file().unlink()
    with as_its_owner():
        cut_the_tail()
    assert "3 entries, all sound; there is no" in verified(capsys)
    assert head_file().parent.is_dir()


def test_of_two_machines_each_file_knows_what_the_other_wrote(tmp_path: Path, settings: Any) -> None:
    ours, theirs = head_file(), tmp_path / "theirs.json"
    for file, count in ((ours, 3), (theirs, 2), (ours, 1)):
        settings.AUDIT_HEAD_FILE = str(file)
        write(count)
    assert audit.read_head() == Head(6, hash_of(6), ((4, 5),))
    assert audit.check().elsewhere == ((4, 5),)
    settings.AUDIT_HEAD_FILE = str(theirs)
    # What was there before the file nobody can tell by it.
    assert audit.check().elsewhere == ((6, 6),)


def test_who_comes_late_to_the_file_is_not_taken_for_another_machine() -> None:
    write(1)
    older = head_file().read_bytes()
    write(4)
    head_file().write_bytes(older)
    for number in (4, 3, 5, 2):
        audit._remember(Head(number, hash_of(number)), hash_of(number - 1))
    assert audit.read_head() == audit.head()


def test_who_has_just_committed_has_a_moment_to_come_to_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    write(1)
    older = head_file().read_bytes()
    write(1)
    newer = head_file().read_bytes()
    head_file().write_bytes(older)
    monkeypatch.setattr(audit, "MOMENT", 20)
    writer = threading.Timer(0.3, lambda: head_file().write_bytes(newer))
    writer.start()
    assert audit.check().elsewhere == ()
    writer.join()


def test_the_file_stays_short_however_often_others_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "MOST_SPANS", 2)
    write(1)
    for _ in range(4):
        newest = audit.head()
        forge(newest.number + 1, newest.hash).save(force_insert=True)
        write(1)
    # Entries of ours are among them: more is told than was written elsewhere, and never less.
    assert audit.check().elsewhere == ((2, 6), (8, 8))


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"number": "x", "hash": ""}'])
def test_a_file_that_cannot_be_read_is_an_error_and_stops_nobody_from_writing(
    content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    write(2)
    head_file().write_bytes(content)
    with caplog.at_level(logging.ERROR, "fallbacks.audit"):
        write(1)
    assert AuditEntry.objects.count() == 3
    assert [record.message for record in caplog.records] == ["the head of the audit log was not written"]
    assert "The head of the log cannot be read" in found_wrong()


def test_a_folder_that_takes_no_file_stops_nobody_from_writing(tmp_path: Path, settings: Any) -> None:
    (tmp_path / "file").write_text("no folder")
    settings.AUDIT_HEAD_FILE = str(tmp_path / "file" / "head.json")
    write(1)
    assert AuditEntry.objects.count() == 1


@pytest.mark.parametrize("code", [0, 1, 2])
def test_verify_audit_ends_with_a_code_that_a_machine_understands(code: int) -> None:
    write()
    if code == 1:
        with as_its_owner():
            change_one()
    if code == 2:
        forge(6, hash_of(5)).save(force_insert=True)
    done = subprocess.run(
        [sys.executable, "manage.py", "verify_audit"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert ("entry 3 was changed" in done.stderr) == (code == 1)
    assert ("5 entries, all sound" in done.stdout) == (code == 0)
