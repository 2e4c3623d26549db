"""What the web server runs: the posts of services past Django, everything else through it."""

import os

from django.core.wsgi import get_wsgi_application
from django.utils.module_loading import import_string

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fallbacks.settings")

_django = get_wsgi_application()
application = import_string("ingest.direct.DirectPath")(_django)

from fallbacks import logs  # noqa: E402 - Django sets up logging first

logs.started("web")
