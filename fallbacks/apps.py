"""Django's entry for the domain."""

from django.apps import AppConfig


class FallbacksConfig(AppConfig):
    """Wires Celery in, so that `shared_task` of any process finds the broker, and the log to what it hears of."""

    name = "fallbacks"

    def ready(self) -> None:
        from django.db.backends.signals import connection_created

        from fallbacks import celery, logs  # noqa: F401  the import makes celery's the current application

        connection_created.connect(logs.connected, dispatch_uid="fallbacks.logs")
