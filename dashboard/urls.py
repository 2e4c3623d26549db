"""Addresses that people and machines read."""

from django.urls import include, path, re_path, register_converter
from drf_spectacular.views import SpectacularJSONAPIView

from dashboard.path_names import AnyText, AnyWorkload, Workload
from dashboard.views import (
    api,
    audit,
    exports,
    invitations,
    keys,
    models,
    people,
    policies,
    policy_editing,
    resets,
    review_desk,
    reviews,
    routes,
    violations,
)
from dashboard.views.boundary import boundary
from dashboard.views.came_in import came_in
from dashboard.views.decisions_api import DecisionsView
from dashboard.views.documentation import documentation
from dashboard.views.events import events
from dashboard.views.first_run import arrived, first_run
from dashboard.views.keys_api import KeyRotationView, KeysView, KeyView
from dashboard.views.lookup import lookup
from dashboard.views.models_api import ModelsView, ModelView
from dashboard.views.operations import again, discard, operations
from dashboard.views.overview import overview
from dashboard.views.policies_api import PoliciesView, PolicyView
from dashboard.views.review_results import results as review_results
from dashboard.views.saved_views import view, view_menu, views
from dashboard.views.verifications_api import VerificationsView
from dashboard.views.workload import workload
from fallbacks import slugs

register_converter(AnyText, "text")
register_converter(Workload, "workload")
register_converter(AnyWorkload, "any_workload")
SLUG = f"(?P<slug>{slugs.PATTERN})"
urlpatterns = [
    path("", overview, name="overview"),
    path("workloads/<workload:slug>", workload, name="workload"),
    path("events", events, name="event-list"),
    path("lookup", lookup, name="lookup"),
    path("violations", violations.overall, name="violations"),
    path("violations/events", violations.events, name="broken-events"),
    path("reviews", reviews.listing, name="reviews"),
    path("reviews/claim", reviews.claim, name="review-claim"),
    path("reviews/hand-back", reviews.hand_back, name="review-hand-back"),
    path("reviews/renew", reviews.renew, name="review-renew"),
    path("reviews/samples/<int:number>", review_desk.sample, name="review-sample"),
    path("reviews/samples/<int:number>/score", review_desk.score, name="review-score"),
    path("reviews/samples/<int:number>/skip", review_desk.skip, name="review-skip"),
    path("reviews/results", review_results, name="review-results"),
    path("first-run", first_run, name="first-run"),
    path("first-run/arrived", arrived, name="arrived"),
    path("came-in", came_in, name="came-in"),
    path("events/export", exports.events, name="event-export"),
    path("exports", exports.listing, name="exports"),
    re_path(rf"^exports/{SLUG}$", exports.one, name="export"),
    re_path(rf"^exports/figures/{SLUG}$", exports.figures, name="figure-export"),
    path("views", views, name="views"),
    path("views/menu", view_menu, name="view-menu"),
    path("views/<int:number>", view, name="view"),
    path("boundary", boundary, name="boundary"),
    path("policies", policies.listing, name="policies"),
    path("new-policy", policy_editing.new, name="policy-new"),
    path("policies/<workload:slug>", policies.one, name="policy"),
    path("policies/<workload:slug>/edit", policy_editing.edit, name="policy-edit"),
    path("policies/<workload:slug>/route", routes.route, name="route"),
    *(
        path(f"policies/<workload:slug>/route/{step}", routes.step, {"step": step}, name=f"route-{step}")
        for step in routes.STEPS
    ),
    path("audit", audit.entries, name="audit"),
    path("audit/export", audit.export, name="audit-export"),
    path("models", models.listing, name="models"),
    path("models/edit", models.edit, name="model-edit"),
    path("operations", operations, name="operations"),
    path("operations/kept-aside/<int:number>/again", again, name="try-again"),
    path("operations/kept-aside/<int:number>/discard", discard, name="discard"),
    path("people", people.listing, name="people"),
    path("people/invite", invitations.invite, name="invite"),
    path("people/invite/<int:number>/withdraw", invitations.withdraw, name="invitation-withdraw"),
    path("people/<int:number>", people.one, name="person"),
    path("people/<int:number>/roles", people.change_roles, name="person-roles"),
    path("people/<int:number>/deactivate", people.deactivate, name="person-deactivate"),
    path("people/<int:number>/reactivate", people.reactivate, name="person-reactivate"),
    path("people/<int:number>/reset", resets.make, name="person-reset"),
    path("people/<int:number>/reset/withdraw", resets.withdraw, name="person-reset-withdraw"),
    path("invited/<text:token>", invitations.invited, name="invited"),
    path("reset/<text:token>", resets.opened, name="reset"),
    path("keys", keys.listing, name="keys"),
    path("keys/new", keys.new, name="key-new"),
    re_path(rf"^keys/{SLUG}$", keys.one, name="key"),
    re_path(rf"^keys/{SLUG}/rotate$", keys.rotate, name="key-rotate"),
    re_path(rf"^keys/{SLUG}/revoke$", keys.revoke, name="key-revoke"),
    path("", include("dashboard.account_urls")),
    path("api/v1/rates", api.RatesView.as_view(), name="rates"),
    path("api/v1/states", api.StatesView.as_view(), name="states"),
    path("api/v1/events", api.EventsView.as_view(), name="events"),
    path("api/v1/keys", KeysView.as_view(), name="api-keys"),
    path("api/v1/keys/<text:prefix>/rotate", KeyRotationView.as_view(), name="api-key-rotate"),
    path("api/v1/keys/<text:prefix>", KeyView.as_view(), name="api-key"),
    path("api/v1/models", ModelsView.as_view(), name="api-models"),
    path("api/v1/models/<text:name>", ModelView.as_view(), name="api-model"),
    path("api/v1/policies", PoliciesView.as_view(), name="api-policies"),
    path("api/v1/policies/<any_workload:workload>", PolicyView.as_view(), name="api-policy"),
    path("api/v1/decisions", DecisionsView.as_view(), name="decisions"),
    path("api/v1/verifications", VerificationsView.as_view(), name="verifications"),
    path("api/schema", SpectacularJSONAPIView.as_view(), name="schema"),
    path("api/docs", documentation, name="api"),
]
