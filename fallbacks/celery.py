"""The Celery application. Web processes send by it, workers and beat run it."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fallbacks.settings")

app = Celery("fallbacks")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
