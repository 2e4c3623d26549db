"""`make audit`: a finding fails unless somebody said why we live with it, and what nobody could ask is said plainly.

The outputs are those of the real tools, asked about our locks: where the service knows of made-up advisories, and where
it does not answer.
"""

from datetime import date
from pathlib import Path

import pytest

from tests import dependencies
from tests.dependencies import Known, Told, judge, read_known, read_npm_audit, read_pip_audit

TODAY = date(2027, 1, 15)
LATER = date(2027, 2, 1)


def recorded(name: str) -> str:
    return (Path(__file__).parent / "recorded" / f"{name}.json").read_text()


def live_with(id_: str, until: date = LATER) -> Known:
    return Known(id_, "any", "we never call it", until)


def said(tool: Told, *known: Known) -> str:
    verdict = judge([tool], known, TODAY)
    return f"{'fails' if verdict.fails else 'passes'}\n" + "\n".join(verdict.lines)


def test_findings_fail_and_are_named() -> None:
    words = said(read_pip_audit(recorded("pip-audit-found")))
    assert words.startswith("fails")
    assert (
        "django 5.2.19: CVE-2027-0001, GHSA-dddd-eeee-ffff: SQL injection in a made-up place - mended by 5.2.99"
        in words
    )
    assert "vine 5.1.0: GHSA-gggg-hhhh-iiii: Runs for ever on a made-up input - no version mends it yet" in words
    assert "4 packages audited, 2 findings that fail" in words


def test_what_no_version_mends_is_lived_with_for_a_while() -> None:
    tool = read_npm_audit(recorded("npm-audit-open"))
    assert said(tool).startswith("fails")
    words = said(tool, live_with("GHSA-aaaa-bbbb-cccc"))
    assert words.startswith("passes")
    assert "chart.js <=99.0.0: GHSA-aaaa-bbbb-cccc, known until 2027-02-01: we never call it" in words


def test_not_for_longer_than_was_said() -> None:
    words = said(read_npm_audit(recorded("npm-audit-open")), live_with("GHSA-aaaa-bbbb-cccc", until=TODAY))
    assert words.startswith("fails")
    assert "was to be looked at again on 2027-01-15" in words


@pytest.mark.parametrize(
    ("tool", "id_"),
    [
        (read_npm_audit(recorded("npm-audit-fixed")), "GHSA-aaaa-bbbb-cccc"),
        (read_pip_audit(recorded("pip-audit-found")), "GHSA-dddd-eeee-ffff"),
    ],
    ids=["npm audit", "pip-audit"],
)
def test_what_a_version_mends_fails_whatever_the_file_says(tool: Told, id_: str) -> None:
    words = said(tool, live_with(id_), live_with("GHSA-gggg-hhhh-iiii"))
    assert words.startswith("fails")
    assert "mended by" in words


@pytest.mark.parametrize(
    ("tool", "reason"),
    [
        (read_pip_audit(recorded("pip-audit-unreachable")), "3 of 3 packages, such as amqp"),
        (read_npm_audit(recorded("npm-audit-unreachable")), "405 Method Not Allowed"),
        (read_pip_audit("", "Traceback\nrequests.exceptions.ConnectionError: refused\n"), "ConnectionError: refused"),
        (read_npm_audit("", ""), "it said nothing"),
        (read_npm_audit('{"error": {"summary": "getaddrinfo ENOTFOUND"}}'), "getaddrinfo ENOTFOUND"),
        (read_pip_audit('{"dependencies": [], "fixes": []}'), "it saw no packages"),
    ],
)
def test_what_could_not_be_asked_is_not_called_clean(tool: Told, reason: str) -> None:
    words = said(tool)
    assert words.startswith("passes")
    assert f"NOT AUDITED by {tool.tool}: " in words
    assert reason in words
    assert "packages audited" not in words


def test_a_half_answer_is_said_and_its_findings_fail() -> None:
    half = recorded("pip-audit-found").replace(
        '"dependencies": [', '"dependencies": [{"name": "six", "skip_reason": "not found"},'
    )
    words = said(read_pip_audit(half))
    assert words.startswith("fails")
    assert "NOT AUDITED by pip-audit: 1 of 5 packages, such as six" in words


def test_what_is_found_no_more_leaves_the_file() -> None:
    clean = Told("pip-audit", audited=60)
    assert "GHSA-old in known-findings.toml is found no more" in said(clean, live_with("GHSA-old"))


def test_the_file_of_known_findings_can_be_read_and_each_has_its_reason() -> None:
    read_known(dependencies.KNOWN.read_text())
    entry = '[[finding]]\nid = "GHSA-1"\npackage = "x"\nreason = "{}"\nlook_again = {}\n'
    assert read_known(entry.format("why", "2027-01-31"))[0].look_again == date(2027, 1, 31)
    for broken in (entry.format("", "2027-01-31"), entry.format("why", '"some day"'), '[[finding]]\nid = "GHSA-1"\n'):
        with pytest.raises(ValueError, match=r"known-findings\.toml"):
            read_known(broken)
