"""Saved views as people meet them: the menu on pages of figures, and the page where they are kept in order."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard import query_words, saved_views
from dashboard import timezone as viewer
from dashboard.saved_views import NameForm, Refused, ViewForm
from dashboard.views.who_asks import who_asks
from fallbacks.models import SavedView
from fallbacks.permissions import OPERATE


@dataclass(frozen=True)
class Shown:
    """A view in the table: its page, its filters, and what the person may do with it."""

    view: SavedView
    page: str
    filters: Sequence[str]
    own: bool
    removable: bool


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def views(request: HttpRequest) -> HttpResponse:
    """List the views that the person sees; a POST saves another."""
    if request.method == "POST":
        return save(request)
    who = who_asks(request)
    own, others = saved_views.halves(who)
    context = {
        "own": [shown(view, own=True, removable=True) for view in own],
        "others": [shown(view, own=False, removable=who.may(OPERATE)) for view in others],
        "most": saved_views.MOST,
    }
    return render(request, "pages/views.html", context)


def shown(view: SavedView, *, own: bool, removable: bool) -> Shown:
    filters = query_words.said(view.query, viewer.current(), timezone.now())
    return Shown(view, saved_views.page_of(view), filters, own, removable)


def save(request: HttpRequest) -> HttpResponse:
    """Save a view; the menu asks for itself again, a form without scripts goes to the list."""
    form = ViewForm(request.POST)
    problem = ""
    if form.is_valid():
        path, query = form.cleaned_data["address"]
        name = form.cleaned_data["name"]
        try:
            saved_views.save(who_asks(request), name, path, query, shared=form.cleaned_data["shared"])
        except Refused as refused:
            problem = str(refused)
    else:
        problem = " ".join(str(text) for texts in form.errors.values() for text in texts)
    if "HX-Request" in request.headers:
        saved = "" if problem else form.cleaned_data["name"]
        return render(request, "partials/view_menu.html", menu(request) | {"problem": problem, "saved": saved})
    if problem:
        messages.error(request, f"Not saved: {problem}")
    else:
        messages.success(request, f"Saved as “{name}”.")
    return redirect("views")


@never_cache
@require_safe
def view_menu(request: HttpRequest) -> HttpResponse:
    """List the views for the menu, which asks when it is opened."""
    return render(request, "partials/view_menu.html", menu(request))


def menu(request: HttpRequest) -> dict[str, object]:
    own, others = saved_views.halves(who_asks(request))
    return {"own": own, "others": others}


@require_POST
def view(request: HttpRequest, number: int) -> HttpResponse:
    """Rename, share, stop sharing or delete a view: one's own; an admin may delete what others share."""
    who = who_asks(request)
    found = get_object_or_404(saved_views.seen_by(who), pk=number)
    wanted = request.POST.get("do")
    if found.owner_id != who.pk and not (wanted == "delete" and who.may(OPERATE)):
        raise Http404
    if wanted == "rename":
        rename(request, found)
    elif wanted in ("share", "unshare"):
        SavedView.objects.filter(pk=found.pk).update(shared=wanted == "share")
        said = "Everybody sees" if wanted == "share" else "Nobody but you sees"
        messages.success(request, f"{said} “{found.name}” now.")
    elif wanted == "delete":
        SavedView.objects.filter(pk=found.pk).delete()
        messages.success(request, f"“{found.name}” is deleted.")
    return redirect("views")


def rename(request: HttpRequest, found: SavedView) -> None:
    form = NameForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(str(text) for text in form.errors["name"]))
        return
    try:
        saved_views.rename(found, form.cleaned_data["name"])
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"“{found.name}” is called “{form.cleaned_data['name']}” now.")
