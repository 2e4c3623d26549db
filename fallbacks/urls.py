"""Every address of the product: what machines send is in `ingest`, what people and machines read is in `dashboard`."""

from django.urls import include, path

urlpatterns = [
    path("", include("ingest.urls")),
    path("", include("dashboard.urls")),
]
handler400 = "dashboard.errors.bad_request"
handler403 = "dashboard.errors.forbidden"
handler404 = "dashboard.errors.not_found"
handler500 = "dashboard.errors.server_error"
# allauth looks for it, for whoever tries too often.
handler429 = "dashboard.errors.too_many"
