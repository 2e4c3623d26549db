"""The documents say what is so: each command, setting and address that they name exists, and the other way round."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands
from django.urls import Resolver404, resolve

from fallbacks.local.environment import PROJECT

DOCUMENTS = [PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "examples/litellm/README.md")]
DOCUMENTS += sorted((PROJECT / "docs").glob("*.md"))
WORDS = {path: path.read_text() for path in DOCUMENTS}
# Ours to set on processes of ours; nobody else does.
INTERNAL = {"FALLBACKS_INSTANCE", "FALLBACKS_PART", "DJANGO_SETTINGS_MODULE", "PATH", "HOME", "TMPDIR"}


def each(pattern: str) -> list[tuple[str, str]]:
    return sorted({(path.name, found) for path, text in WORDS.items() for found in re.findall(pattern, text)})


def targets() -> set[str]:
    makefiles = (PROJECT / "Makefile").read_text() + (PROJECT / "examples/litellm/litellm.mk").read_text()
    return set(re.findall(r"^([a-z-]+):", makefiles, re.MULTILINE))


def settings_read() -> set[str]:
    """The variables that our code asks the environment for."""
    code = "\n".join(
        path.read_text() for folder in ("fallbacks", "ingest", "dashboard") for path in (PROJECT / folder).rglob("*.py")
    )
    return set(re.findall(r"(?:os\.environ(?:\.get\(|\[)|required\(|given\.get\()\s*\"([A-Z_]+)\"", code)) - INTERNAL


@pytest.mark.parametrize(("document", "target"), each(r"`make ([a-z-]+)"))
def test_a_make_command_exists(document: str, target: str) -> None:
    assert target in targets()


@pytest.mark.parametrize(("document", "command"), each(r"manage\.py ([a-z_]+)"))
def test_a_management_command_exists(document: str, command: str) -> None:
    assert command in get_commands()


@pytest.mark.parametrize(("document", "address"), each(r"(?:GET|POST) (/[a-z0-9/]+)"))
def test_an_address_exists(document: str, address: str) -> None:
    try:
        resolve(address)
    except Resolver404:
        pytest.fail(f"{document} names {address}, which is none")


def test_the_table_of_settings_is_what_the_code_reads() -> None:
    table = set(re.findall(r"^\| `([A-Z_]+)`", WORDS[PROJECT / "docs/settings.md"], re.MULTILINE))
    assert table == settings_read()


@pytest.mark.parametrize(("document", "target"), each(r"\]\(([^)#:]+)\)"))
def test_a_link_leads_to_a_file(document: str, target: str) -> None:
    homes = [path.parent for path in WORDS if path.name == document]
    assert any((home / target).exists() for home in homes), f"{document} links to {target}, which is not there"


def test_every_command_of_ours_is_in_the_documents() -> None:
    # bootstrap_local is a step of `make run`, and nobody else's.
    ours = {name for name, app in get_commands().items() if app == "fallbacks"} - {"bootstrap_local"}
    named = {command for _, command in each(r"manage\.py ([a-z_]+)")}
    assert ours - named == set()


def test_nothing_names_a_registry_or_a_folder_of_a_machine() -> None:
    pattern = re.compile(r"//[a-z.]*(?:py[p]i|python[h]osted|registry[.][n]pm|[n]pmjs)|/(?:home|root)/[a-z]")
    listed = [PROJECT / "package-lock.json", *(PROJECT / "requirements").glob("*.lock"), *DOCUMENTS]
    assert [path.name for path in listed if pattern.search(Path(path).read_text())] == []
