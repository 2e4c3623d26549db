"""Addresses that machines post to, and those that tell whether the product is well."""

from django.urls import path

from ingest import health, metrics, views

urlpatterns = [
    # POST /api/v1/events never comes here: `direct` answers it. GET is the dashboard's.
    path("api/v1/traffic", views.traffic, name="traffic"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
]
