"""`manage.py export_policies`: all models and policies as YAML, on stdout."""

from typing import Any

from django.core.management.base import BaseCommand

from fallbacks import catalogue, versions
from fallbacks.canonical import model_json, policy_json
from fallbacks.exporting import written


class Command(BaseCommand):
    """Writes what apply_policies reads."""

    help = "Write all models and policies as YAML to stdout; comments say what each field is for."

    def handle(self, *args: Any, **options: Any) -> None:
        models = sorted(catalogue.models().values(), key=lambda model: model.name)
        text = written(map(model_json, models), (policy_json(stored.policy) for stored in versions.latest_of()))
        self.stdout.write(text, ending="")
