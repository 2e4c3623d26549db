"""Django's entry for the domain."""

from django.apps import AppConfig


class FallbacksConfig(AppConfig):
    """Wires Celery in, so that `shared_task` of any process finds the broker."""

    name = "fallbacks"

    def ready(self) -> None:
        from fallbacks import celery  # noqa: F401  the import makes it the current application
