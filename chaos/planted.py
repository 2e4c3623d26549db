"""What the processes of a run with a seeded bug start in place of the product's own applications."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fallbacks.settings")

from chaos import mutants

mutants.plant(os.environ["CHAOS_MUTANT"])

from fallbacks.celery import app  # noqa: E402
from fallbacks.wsgi import application  # noqa: E402

__all__ = ["app", "application"]
