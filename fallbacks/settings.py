"""Settings of every process. All that differs between machines comes from the environment (docs/settings.md)."""

import os
from pathlib import Path
from typing import Literal

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent


def required(name: str) -> str:
    """Return the environment's `name`: a secret or a server that is guessed is worse than none."""
    value = os.environ.get(name)
    if not value:
        raise ImproperlyConfigured(
            f"{name} is not set. Start the product by `make run`, or set what docs/settings.md lists."
        )
    return value


def days(name: str, text: str, least: int) -> int:
    """Return the number of days that `text`, the value of `name`, says."""
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= 36_500:
        raise ImproperlyConfigured(f"{name} is {text!r}: write a number of days, {least} or more.")
    return int(text)


def rollup_days(text: str) -> dict[Literal["minute", "hour"], int]:
    """Return how long each rollup is kept. What is not named keeps its default; hours outlive their minutes."""
    named = {"minute": "30", "hour": "400"}
    for word in filter(None, text.split(",")):
        step, _, number = word.partition("=")
        if step.strip() not in named:
            raise ImproperlyConfigured(f"ROLLUP_RETENTION_DAYS is {text!r}: write it as minute=30,hour=400.")
        named[step.strip()] = number.strip()
    minute, hour = (days("ROLLUP_RETENTION_DAYS", number, least=2) for number in named.values())
    if hour < minute:
        raise ImproperlyConfigured(
            f"ROLLUP_RETENTION_DAYS is {text!r}: hours must be kept as long as minutes, or longer."
        )
    return {"minute": minute, "hour": hour}


SECRET_KEY = required("SECRET_KEY")
DEBUG = False
ALLOWED_HOSTS = [host for host in os.environ.get("ALLOWED_HOSTS", "").split(",") if host]
HTTPS = os.environ.get("HTTPS", "1") != "0"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "dashboard.statics.StaticFiles",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "axes",
    "csp",
    "fallbacks",
    "ingest",
    "dashboard",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    # POSTs of services leave here, if `wsgi` has not answered them: sessions, CSRF and pages are nothing to them.
    "ingest.direct.DirectMiddleware",
    # Above whatever may refuse a request: a refusal carries their headers, too.
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "dashboard.patience.Patience",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "dashboard.timezone.ViewerTimezone",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "fallbacks.urls"
WSGI_APPLICATION = "fallbacks.wsgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "dashboard.navigation.navigation",
            ],
            "libraries": {"observatory": "dashboard.templatetags.observatory"},
        },
    }
]

# --- PostgreSQL: what was understood -----------------------------------------------------------------
DATABASES = {
    "default": {
        **dj_database_url.parse(required("DATABASE_URL")),
        # A pool a process: Django closes connections after each request, the pool keeps them.
        "CONN_MAX_AGE": 0,
        # What the pool hands out is asked first whether it lives: a restart of PostgreSQL costs no request.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            # More connections than a process has threads, so nobody waits for one but while PostgreSQL is away: then
            # it gives up quickly, and what comes next tries anew instead of waiting out a backoff. The pool pauses for
            # a second after a failed try: who waits a little longer is served as soon as PostgreSQL is back.
            "pool": {"min_size": 0, "max_size": 8, "timeout": 1.5, "reconnect_timeout": 1, "max_idle": 60},
            "connect_timeout": 3,
            # Who is stopped in the middle of a transaction must not hold its rows for long: other workers wait for
            # them, and with its lease they have to be on their way again within 10 seconds.
            "options": "-c idle_in_transaction_session_timeout=6000",
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis: what is on its way -----------------------------------------------------------------------
REDIS_URL = required("REDIS_URL")
# Shards of the stream, by hash of the workload: each is drained by one worker at a time.
STREAM_SHARDS = max(1, int(os.environ.get("STREAM_SHARDS", "4")))
# Items that a key without a rate of its own may send a second, with ten seconds' worth at once; 0: no limit.
KEY_RATE = int(os.environ.get("KEY_RATE", "50000"))

# --- Celery ------------------------------------------------------------------------------------------
CELERY_BROKER_URL = required("BROKER_URL")
# A publish that cannot go through must not hold up the request that rang the bell: beat rings again.
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 2, "socket_connect_timeout": 1, "visibility_timeout": 60}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    # `expires`: a bell that nobody heard in time is rung again anyway.
    "ring": {"task": "ingest.tasks.ring", "schedule": 1.0, "options": {"expires": 2}},
    "shorten-log": {"task": "ingest.tasks.shorten_log", "schedule": 10.0, "options": {"expires": 10}},
    "make-partitions": {"task": "ingest.tasks.make_partitions", "schedule": 3600.0, "options": {"expires": 3600}},
    # Decisions know by themselves when an enablement is over: this writes it down.
    "tend-routes": {"task": "ingest.tasks.tend_routes", "schedule": 60.0, "options": {"expires": 60}},
    "seal-days": {"task": "ingest.tasks.seal_days", "schedule": 3600.0, "options": {"expires": 3600}},
    # What is too old changes at midnight, in UTC. The other turns try again what a long reader held up, and find the
    # day's work on a machine that is off at night.
    "apply-retention": {"task": "ingest.tasks.apply_retention", "schedule": 3600.0, "options": {"expires": 3600}},
}

# --- Retention ---------------------------------------------------------------------------------------
# How long events and counts of traffic are kept, in days. Below two days nothing that comes late could be taken.
EVENT_RETENTION_DAYS = days("EVENT_RETENTION_DAYS", os.environ.get("EVENT_RETENTION_DAYS", "90"), least=2)
# How long the rollups that tell minutes and hours are kept; days are kept for ever.
ROLLUP_RETENTION_DAYS = rollup_days(os.environ.get("ROLLUP_RETENTION_DAYS", "minute=30,hour=400"))
# How long the texts of samples are kept; what reviewers said of them stays.
SAMPLE_RETENTION_DAYS = days("SAMPLE_RETENTION_DAYS", os.environ.get("SAMPLE_RETENTION_DAYS", "30"), least=1)

# --- People ------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "fallbacks.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "fallbacks.people.WithRoles"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "login"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_LOCKOUT_CALLABLE = "dashboard.views.sign_in.locked_out"

# --- Safety ------------------------------------------------------------------------------------------
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
CSRF_TRUSTED_ORIGINS = [origin for origin in os.environ.get("CSRF_TRUSTED_ORIGINS", "").split(",") if origin]
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "dashboard.errors.form_expired"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# --- API ---------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["dashboard.authentication.KeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["dashboard.authentication.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "EXCEPTION_HANDLER": "dashboard.errors.handle",
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Fallback observatory",
    "DESCRIPTION": "Services send events and counts, and read rates. Every error says what to do.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    # The login in front of every page is in front of the schema, too.
    "SERVE_AUTHENTICATION": [],
    "SERVE_INCLUDE_SCHEMA": False,
    "POSTPROCESSING_HOOKS": ["ingest.openapi.add"],
}

# --- Words, time, files ------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "static/"
# The newest entry of the audit log, beside the database: without it nobody could tell that the log's end was cut off.
AUDIT_HEAD_FILE = Path(os.environ.get("AUDIT_HEAD_FILE") or BASE_DIR / "var" / "audit-head.json")

STATIC_ROOT = Path(os.environ.get("STATIC_ROOT") or BASE_DIR / "var" / "static")
NODE_MODULES = BASE_DIR / "node_modules"
STATICFILES_DIRS = [
    BASE_DIR / "static",
    ("inter", NODE_MODULES / "@fontsource-variable" / "inter"),
    ("tabler", NODE_MODULES / "@tabler" / "core" / "dist" / "css"),
    ("chartjs", NODE_MODULES / "chart.js" / "dist"),
    ("chartjs-annotation", NODE_MODULES / "chartjs-plugin-annotation" / "dist"),
    ("idiomorph", NODE_MODULES / "idiomorph" / "dist"),
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "fallbacks.logs.Lines"}},
    "filters": {"of_requests": {"()": "fallbacks.logs.OfRequests"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "fallbacks": {"level": "INFO"},
        "ingest": {"level": "INFO"},
        "dashboard": {"level": "INFO"},
        "django.request": {"filters": ["of_requests"]},
        # Says at every try what we say once.
        "psycopg.pool": {"level": "ERROR"},
    },
}
