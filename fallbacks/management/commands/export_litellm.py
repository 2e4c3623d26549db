"""`manage.py export_litellm [FILE]`: a LiteLLM router's configuration with the fallbacks that are enabled."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from fallbacks import catalogue, routes, versions
from fallbacks.litellm import Route, configuration


class Command(BaseCommand):
    """Writes the fallbacks of enabled routes, and says in comments what it left out."""

    help = "Write a LiteLLM router configuration (YAML) with the fallbacks of enabled routes, and only those."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", default="-", help="where to; - or nothing: standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        policies = versions.latest_of()
        models = catalogue.models()
        states = routes.states(policies)
        known = [Route(stored.policy, states[stored.workload_id] == "enabled") for stored in policies]
        text = configuration((models[name] for name in sorted(models)), known)
        if options["file"] == "-":
            self.stdout.write(text, ending="")
            return
        try:
            Path(options["file"]).write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{options['file']} cannot be written: {error.strerror}.") from error
