"""`manage.py bootstrap_local`: what `make run` needs of the database and the files before web starts."""

import hashlib
import json
import os
import secrets
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, TypedDict

from django.conf import settings
from django.contrib.auth.models import Group
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from fallbacks import audit, key_ring, keys
from fallbacks.local import demo_rulebook
from fallbacks.local.environment import home, write_private
from fallbacks.models import ApiKey, Event, User
from fallbacks.scopes import OF_NOBODY

# One login a role; two reviewers, for nobody approves what they asked for.
LOGINS = {
    "viewer": ["viewer"],
    "engineer": ["engineer"],
    "reviewer": ["reviewer"],
    "reviewer2": ["reviewer"],
    "admin": ["admin"],
}


class Login(TypedDict):
    username: str
    password: str
    roles: list[str]


class Command(BaseCommand):
    """Migrations and static files where they are behind, the demo's logins and key, and var/demo.json."""

    requires_system_checks: list[str] = []
    help = "Prepares the database and static files for `make run`, which calls it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--address", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        migrate()
        collect_static(Path(settings.STATIC_ROOT))
        make_demo(home() / "var" / "demo.json", options["address"])
        empty = not Event.objects.exists()
        if empty and os.environ.get("DEMO") != "0" and demo_rulebook.is_empty():
            # Before the first event of the demo comes: events are judged when they are recorded.
            demo_rulebook.load(timezone.now())
        self.stdout.write(json.dumps({"empty": empty}))


def migrate() -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", verbosity=0, interactive=False)


def collect_static(target: Path) -> None:
    """Collect the static files unless none has changed since: compressing them takes seconds."""
    mark = target / ".collected"
    state = state_of_static_files()
    if not mark.exists() or mark.read_text() != state:
        call_command("collectstatic", verbosity=0, interactive=False, clear=target.exists())
        mark.write_text(state)


def state_of_static_files() -> str:
    """Return a digest that changes with any static file."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            found = Path(storage.path(name)).stat()
            digest.update(f"{name}\0{getattr(storage, 'prefix', '')}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def make_demo(file: Path, address: str) -> None:
    """Make the logins and the key that are missing, and write `file`, the only place where they stand in plain."""
    told = read(file)
    key = str(told.get("api_key", ""))
    # The key tells whether the passwords told are of this database or of an earlier one.
    same_database = ApiKey.objects.filter(digest=keys.digest(key), revoked_at=None).exists()
    passwords = {login["username"]: login["password"] for login in told.get("logins", [])}
    with transaction.atomic():
        logins = [
            make_login(username, roles, passwords.get(username), same_database) for username, roles in LOGINS.items()
        ]
        if not same_database:
            key = key_ring.make("demo", OF_NOBODY)
    write_private(file, json.dumps({"address": address, "logins": logins, "api_key": key}, indent=2) + "\n")


def read(file: Path) -> dict[str, Any]:
    """Return what an earlier run told, or nothing where that cannot be read."""
    try:
        told = json.loads(file.read_text())
        [(login["username"], login["password"]) for login in told["logins"]]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return dict(told)


def make_login(username: str, roles: list[str], password: str | None, same_database: bool) -> Login:
    """Return the demo's login `username`; its password stays where it was told before and still fits."""
    user = User.objects.filter(username=username).first()
    known = user is not None and password is not None and (same_database or user.check_password(password))
    if not known:
        user = user or User(username=username)
        password = password or secrets.token_urlsafe(12)
        user.set_password(password)
        user.save()
        user.groups.set(Group.objects.filter(name__in=roles))
        audit.append("roles changed", "make run", subject=username, roles=sorted(roles))
    assert password is not None
    return {"username": username, "password": password, "roles": roles}
