"""What the web server runs: the posts of services past Django, everything else through it."""

import os
from typing import Any

import django
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.http import parse_header_parameters
from django.utils.module_loading import import_string

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fallbacks.settings")
django.setup(set_prefix=False)


class Request(WSGIRequest):
    """A request whose text is UTF-8, whatever charset it names: Django falls over one that Python takes for no text."""

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))


class Handler(WSGIHandler):
    request_class = Request


application = import_string("ingest.direct.DirectPath")(Handler())

from fallbacks import bounded, logs  # noqa: E402 - Django sets up logging first

# A file that is exported takes longest: PostgreSQL gives its statements 60 s.
bounded.usual = 65.0
logs.started("web")
