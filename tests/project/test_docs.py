"""The documents say what is so: each command, setting and address that they name exists, and the other way round."""

import ast
import re
from pathlib import Path

import pytest
from django.core.management import get_commands
from django.urls import Resolver404, resolve

from fallbacks import settings
from fallbacks.local.environment import PROJECT

SETTINGS_DOCUMENT = "docs/operations.md"
DOCUMENTS = [
    PROJECT / name
    for name in ("README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md", "examples/litellm/README.md")
]
DOCUMENTS += sorted((PROJECT / "docs").glob("*.md"))
WORDS = {path: path.read_text() for path in DOCUMENTS}
# Ours to set on processes of ours; nobody else does.
INTERNAL = {"FALLBACKS_INSTANCE", "FALLBACKS_PART", "DJANGO_SETTINGS_MODULE", "PATH", "HOME", "TMPDIR"}


def each(pattern: str) -> list[tuple[str, str]]:
    return sorted({(path.name, found) for path, text in WORDS.items() for found in re.findall(pattern, text)})


def targets() -> set[str]:
    makefiles = (PROJECT / "Makefile").read_text() + (PROJECT / "examples/litellm/litellm.mk").read_text()
    return set(re.findall(r"^([a-z-]+):", makefiles, re.MULTILINE))


def asked_of_the_environment(path: Path) -> set[str]:
    """The names that a module asks the environment for itself: os.environ, or the mapping that it was given."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        where, name = "", None
        if isinstance(node, ast.Subscript):
            where, name = ast.unparse(node.value), node.slice
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            where, name = ast.unparse(node.func).removesuffix(".get"), node.args[0]
        if (
            where in ("os.environ", "os.getenv", "given")
            and isinstance(name, ast.Constant)
            and str(name.value).isupper()
        ):
            found.add(str(name.value))
    return found - INTERNAL


def settings_read() -> set[str]:
    """The variables that our code asks the environment for."""
    modules = [path for folder in ("fallbacks", "ingest", "dashboard") for path in (PROJECT / folder).rglob("*.py")]
    return set(settings.given.defaults).union(*(asked_of_the_environment(path) for path in modules))


def table_of_settings() -> dict[str, str]:
    """The table in the document: names, and what it says of the default."""
    rows = re.findall(r"^\| `([A-Z_]+)` \| ([^|]*) \|", WORDS[PROJECT / SETTINGS_DOCUMENT], re.MULTILINE)
    return dict(rows)


@pytest.mark.parametrize(("document", "target"), each(r"(?m)(?:`|^)make ([a-z-]+)"))
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
    assert set(table_of_settings()) == settings_read()


def test_the_settings_stand_in_one_table_alone() -> None:
    names = [name for text in WORDS.values() for name in re.findall(r"^\| `([A-Z_]+)` \|", text, re.MULTILINE)]
    twice = {name for name in table_of_settings() if names.count(name) > 1}
    # What `make run` reads besides is told where `make run` is.
    assert twice <= {"PORT", "FALLBACKS_HOME", "DEMO", "STREAM_MAXMEMORY"}


@pytest.mark.parametrize(("name", "default"), settings.given.defaults.items())
def test_the_table_says_the_default_of_a_setting(name: str, default: str) -> None:
    said = table_of_settings()[name]
    assert f"`{default}`" in said.partition(";")[0] if default else not said.startswith("`")


# Of the examples, and one that Docker Compose alone understands.
OTHERS = re.compile(r"OBSERVATORY_(?:URL|KEY|ENVIRONMENT)|MERIDIAN_API_(?:BASE|KEY)|WEB_WORKERS")


@pytest.mark.parametrize(("document", "name"), each(r"`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`"))
def test_a_setting_that_a_document_speaks_of_exists(document: str, name: str) -> None:
    assert name in table_of_settings() or OTHERS.fullmatch(name), document


def own_defaults() -> dict[str, str]:
    """What `make run` takes where the environment says nothing: `os.environ.get("NAME") or "this"`."""
    found = {}
    for path in (PROJECT / "fallbacks" / "local").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.BoolOp)
                and isinstance(node.op, ast.Or)
                and isinstance(node.values[-1], ast.Constant)
            ):
                asked = re.fullmatch(r"os\.environ\.get\('([A-Z_]+)'\)", ast.unparse(node.values[0]))
                if asked:
                    found[asked[1]] = str(node.values[-1].value)
    return found


def test_the_table_says_the_defaults_of_make_run() -> None:
    assert {"PORT", "STREAM_MAXMEMORY"} <= set(own_defaults())
    assert {name: table_of_settings()[name] for name in own_defaults()} == {
        name: f"`{default}`" for name, default in own_defaults().items()
    }
    # Anything but `0` loads the demo.
    assert table_of_settings()["DEMO"] == "`1`"


def test_settings_are_read_where_they_are_counted() -> None:
    # The settings' own reader counts; `make run` and the crash points stand for themselves; and names are literal.
    readers = {
        path.relative_to(PROJECT)
        for folder in ("fallbacks", "ingest", "dashboard")
        for path in (PROJECT / folder).rglob("*.py")
        if re.search(r"os\.(?:environ\b(?!\.setdefault|/)|getenv)", path.read_text())
    }
    allowed = {
        "fallbacks/settings.py",
        "fallbacks/environment.py",
        "ingest/crashpoints.py",
        "fallbacks/management/commands/bootstrap_local.py",
        "fallbacks/management/commands/grant_roles.py",
    }
    assert {str(path) for path in readers if path.parent != Path("fallbacks/local")} <= allowed


@pytest.mark.parametrize(("document", "target"), each(r"\]\(([^)#:]+)\)"))
def test_a_link_leads_to_a_file(document: str, target: str) -> None:
    homes = [path.parent for path in WORDS if path.name == document]
    assert any((home / target).exists() for home in homes), f"{document} links to {target}, which is not there"


def headings(path: Path) -> set[str]:
    """What links call the headings of a document: in small letters, without signs, with - for each blank."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    found = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", re.sub(r"\[(.+?)\]\(.+?\)", r"\1", words).lower()).replace(" ", "-") for words in found
    }


@pytest.mark.parametrize(("document", "target"), each(r"\]\(([^):]*#[^)]+)\)"))
def test_a_link_leads_to_a_heading(document: str, target: str) -> None:
    file, _, heading = target.partition("#")
    places = [path.parent / file if file else path for path in WORDS if path.name == document]
    found = [place for place in places if place.exists() and heading in headings(place)]
    assert found, f"{document} links to {target}, which is not there"


def test_every_command_of_ours_is_in_the_documents() -> None:
    # bootstrap_local is a step of `make run`, and nobody else's.
    ours = {name for name, app in get_commands().items() if app == "fallbacks"} - {"bootstrap_local"}
    named = {command for _, command in each(r"manage\.py ([a-z_]+)")}
    assert ours - named == set()


def test_nothing_names_a_registry_or_a_folder_of_a_machine() -> None:
    pattern = re.compile(r"//[a-z.]*(?:py[p]i|python[h]osted|registry[.][n]pm|[n]pmjs)|/(?:home|root)/[a-z]")
    listed = [PROJECT / "package-lock.json", *(PROJECT / "requirements").glob("*.lock"), *DOCUMENTS]
    assert [path.name for path in listed if pattern.search(Path(path).read_text())] == []
