"""What the web server runs."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fallbacks.settings")

application = get_wsgi_application()

from fallbacks import logs  # noqa: E402 - Django sets up logging first

logs.started("web")
