"""Addresses that people and machines read."""

from django.contrib.auth.views import LogoutView
from django.urls import path, re_path

from dashboard.views import api
from dashboard.views.overview import overview
from dashboard.views.sign_in import SignIn
from dashboard.views.workload import workload

urlpatterns = [
    path("", overview, name="overview"),
    re_path(r"^workloads/(?P<slug>[a-z0-9._-]{1,64})$", workload, name="workload"),
    path("login", SignIn.as_view(), name="login"),
    path("logout", LogoutView.as_view(), name="logout"),
    path("api/v1/rates", api.RatesView.as_view(), name="rates"),
    path("api/v1/events", api.EventsView.as_view(), name="events"),
]
