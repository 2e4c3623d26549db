"""Settings of every process. All that differs between machines comes from the environment (docs/operations.md)."""

import os
from pathlib import Path

from celery.schedules import crontab
from csp.constants import NONE, SELF

from fallbacks import bounded, provider
from fallbacks.environment import Environment

BASE_DIR = Path(__file__).resolve().parent.parent


given = Environment(os.environ)

SECRET_KEY = given.secret("SECRET_KEY")
DEBUG = False
ALLOWED_HOSTS = given.hosts("ALLOWED_HOSTS")
# Whether people open the product by TLS, and how many proxies stand in front: the end of what they tell of a client is
# believed, and of 0 nothing. Where TLS ends in no proxy, our own server does it.
HTTPS = given.switch("HTTPS", default=True)
TRUSTED_PROXIES = given.proxies("TRUSTED_PROXIES", HTTPS)

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
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "fallbacks",
    "ingest",
    "dashboard",
]

MIDDLEWARE = [
    # First: all that follows sees who really asks, and whether by TLS.
    "fallbacks.proxies.TrustedProxies",
    # Above whatever may refuse a request or lead it to TLS: these answers carry their headers, too.
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.security.SecurityMiddleware",
    # POSTs of services leave here, if `wsgi` has not answered them: sessions, CSRF and pages are nothing to them.
    "ingest.direct.DirectMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "dashboard.patience.Patience",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "dashboard.doors.Doors",
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
        **given.database("DATABASE_URL"),
        # A pool a process: Django closes connections after each request, the pool keeps them.
        "CONN_MAX_AGE": 0,
        # What the pool hands out is asked first whether it lives: a restart of PostgreSQL costs no request.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            # More connections than a process has threads, which are 8, so nobody waits for one but while PostgreSQL is
            # away: then it gives up quickly, and what comes next tries anew instead of waiting out a backoff. The pool
            # pauses for a second after a failed try: who waits a little longer is served as soon as PostgreSQL is back.
            "pool": {
                "connection_class": bounded.Connection,
                "min_size": 0,
                "max_size": 10,
                "timeout": 1.5,
                "reconnect_timeout": 1,
                "max_idle": 60,
            },
            "connect_timeout": 3,
            # Who is stopped in the middle of a transaction must not hold its rows for long: other workers wait for
            # them, and with its lease they have to be on their way again within 10 seconds.
            "options": "-c idle_in_transaction_session_timeout=6000",
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis: what is on its way -----------------------------------------------------------------------
REDIS_URL = given.redis("REDIS_URL", "of the stream")
# Shards of the stream, by hash of the workload: each is drained by one worker at a time.
STREAM_SHARDS = given.number("STREAM_SHARDS", 4, least=1)
# Items that a key without a rate of its own may send a second, with ten seconds' worth at once; 0: no limit.
KEY_RATE = given.number("KEY_RATE", 50_000)

# --- Celery ------------------------------------------------------------------------------------------
CELERY_BROKER_URL = given.redis("BROKER_URL", "of Celery's messages")
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
    # The next two take minutes, once a day: not at one time, since each takes a process that drains. What is over, and
    # what is too old, changes at midnight, in UTC. The other turns try again what a long reader held up, and find the
    # day's work on a machine that is off at night.
    "seal-days": {"task": "ingest.tasks.seal_days", "schedule": crontab(minute=10), "options": {"expires": 1800}},
    "apply-retention": {
        "task": "ingest.tasks.apply_retention",
        "schedule": crontab(minute=40),
        "options": {"expires": 1800},
    },
}

# --- Retention ---------------------------------------------------------------------------------------
# How long events and counts of traffic are kept, in days. Below two days nothing that comes late could be taken.
EVENT_RETENTION_DAYS = given.days("EVENT_RETENTION_DAYS", 90, least=2)
# How long the rollups that tell minutes and hours are kept; days are kept for ever.
ROLLUP_RETENTION_DAYS = given.rollup_days("ROLLUP_RETENTION_DAYS", "minute=30,hour=400")
# How long the texts of samples are kept; what reviewers said of them stays.
SAMPLE_RETENTION_DAYS = given.days("SAMPLE_RETENTION_DAYS", 30, least=1)

# --- People ------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "fallbacks.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "fallbacks.people.WithRoles"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
# The first is that of new passwords; whoever signs in with an older one gets a new hash.
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "login"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
# Nobody reads its table of sign-ins, which would hold the addresses of invitations, and grow for ever.
AXES_DISABLE_ACCESS_LOG = True
AXES_CLIENT_IP_CALLABLE = "fallbacks.proxies.counted_address"
AXES_LOCKOUT_CALLABLE = "dashboard.views.sign_in.locked_out"
# What allauth counts, and that a code was used, every process must know, also after a restart. Signing in needs
# PostgreSQL anyway, and no more than that: the broker may be away, and the stream's Redis may be full.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "shared_cache",
        # Far more than there are: whoever fills it pushes out what was counted.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
ACCOUNT_ADAPTER = "dashboard.adapters.Accounts"
ACCOUNT_EMAIL_VERIFICATION = "none"
# Beside allauth's own. Whoever tries many names is at one address; an office that shares one mistypes far less.
ACCOUNT_RATE_LIMITS = {
    "sign_in_failed": "60/15m/ip",
    # Codes and passkeys, for the person they are tried for: by the address, one would stop all who share it.
    "login_failed": "5/5m/key",
    # The old password, by whoever changes theirs: an open desk is no place to guess it at.
    "old_password_failed": "5/15m/user",
}
# How long ago somebody may have signed in, in seconds, for what `Door.fresh` is asked of.
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
MFA_ADAPTER = "dashboard.adapters.Factors"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
# People are invited, or come by the provider: nobody else could have made the account.
MFA_ALLOW_UNVERIFIED_EMAIL = True
# The provider of OpenID Connect, if there is one. No other provider is installed, and none comes from the database.
SOCIALACCOUNT_ADAPTER = "dashboard.adapters.Comers"
OIDC = provider.read(given)

# --- Safety ------------------------------------------------------------------------------------------
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
CSRF_TRUSTED_ORIGINS = given.origins("CSRF_TRUSTED_ORIGINS")
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
AUDIT_HEAD_FILE = given.file("AUDIT_HEAD_FILE", BASE_DIR / "var" / "audit-head.json")

STATIC_ROOT = given.file("STATIC_ROOT", BASE_DIR / "var" / "static")
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
        "django.security.csrf": {"filters": ["of_requests"]},
        # Whoever finds the port can say any name.
        "django.security.DisallowedHost": {"handlers": [], "propagate": False, "level": "CRITICAL"},
        # Says at every try what we say once.
        "psycopg.pool": {"level": "ERROR"},
    },
}

given.refuse()
