"""Addresses that people and machines read."""

from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LogoutView
from django.urls import path, re_path
from drf_spectacular.views import SpectacularJSONAPIView

from dashboard.views import api
from dashboard.views.documentation import documentation
from dashboard.views.operations import again, discard, operations
from dashboard.views.overview import overview
from dashboard.views.sign_in import SignIn
from dashboard.views.workload import workload

urlpatterns = [
    path("", overview, name="overview"),
    re_path(r"^workloads/(?P<slug>[a-z0-9._-]{1,64})$", workload, name="workload"),
    path("operations", operations, name="operations"),
    path("operations/kept-aside/<int:number>/again", again, name="try-again"),
    path("operations/kept-aside/<int:number>/discard", discard, name="discard"),
    path("login", SignIn.as_view(), name="login"),
    path("logout", LogoutView.as_view(), name="logout"),
    path("api/v1/rates", api.RatesView.as_view(), name="rates"),
    path("api/v1/events", api.EventsView.as_view(), name="events"),
    # DRF opens its views to the signed out, for keys to decide; this one has no key.
    path("api/schema", login_required(SpectacularJSONAPIView.as_view()), name="schema"),
    path("api/docs", documentation, name="api"),
]
