"""The application, and what it hears of."""

from django.apps import AppConfig


class Dashboard(AppConfig):
    """The pages, and who may see them."""

    name = "dashboard"

    def ready(self) -> None:
        from dashboard import sessions

        sessions.connect()
