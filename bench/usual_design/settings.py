"""The product's settings with the usual design in its place: same servers, same pool, same Celery."""

from fallbacks.settings import *  # noqa: F403
from fallbacks.settings import INSTALLED_APPS as PRODUCT

INSTALLED_APPS = [*PRODUCT, "bench.usual_design"]
ROOT_URLCONF = "bench.usual_design.views"
# As most have them for an API: no pages' middleware in the way, so that only the design is compared.
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"]
