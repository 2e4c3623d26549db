"""`manage.py bootstrap_local`: what `make run` needs of the database and the files before web starts."""

import hashlib
import json
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from fallbacks.local import demo_logins, demo_rulebook
from fallbacks.local.environment import home
from fallbacks.models import Event


class Command(BaseCommand):
    """Migrations and static files where they are behind, the demo's logins and key, and var/demo.json."""

    requires_system_checks: list[str] = []
    help = "Prepares the database and static files for `make run`, which calls it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--address", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        migrate()
        collect_static(Path(settings.STATIC_ROOT))
        demo_logins.make(home() / "var" / "demo.json", options["address"])
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
