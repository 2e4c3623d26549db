"""The Celery application. Web processes send by it, workers and beat run it."""

import logging.config
import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fallbacks.settings")

app = Celery("fallbacks")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# Their signs of life.
app.autodiscover_tasks(related_name="pulse")


@setup_logging.connect
def log_as_the_settings_say(**_: Any) -> None:
    """Keep Celery from setting up logging of its own."""
    from django.conf import settings

    logging.config.dictConfig(settings.LOGGING)
