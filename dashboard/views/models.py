"""The catalogue of models: what there is, and writing one, for engineers and admins."""

import json
from collections import defaultdict
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from dashboard import who_may
from dashboard.policies import fields, typed
from dashboard.policies.model_form import FIELDS
from dashboard.views.who_asks import who_asks
from dashboard.words import both
from fallbacks import catalogue, rulebook, versions
from fallbacks.canonical import Difference, differences, model_json
from fallbacks.drafts import model_draft
from fallbacks.models import CatalogueModel
from fallbacks.policy import Model
from fallbacks.reading import Refused


class Outdated(Exception):
    """Somebody saved since the form was made. `model` is what is there now."""

    def __init__(self, model: Model | None) -> None:
        super().__init__()
        self.model = model


@never_cache
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """Show the catalogue, and which policies name each model."""
    named: dict[str, list[str]] = defaultdict(list)
    for stored in versions.latest_of():
        for name in {stored.policy.primary, stored.policy.fallback}:
            if name is not None:
                named[name].append(stored.workload)
    rows = [(row, rulebook.typed(row), named[row.name]) for row in CatalogueModel.objects.order_by("name")]
    unknown = sorted(set(named) - {row.name for row, *_ in rows})
    context = {
        "rows": rows,
        "unused": sum(1 for *_, workloads in rows if not workloads),
        "unknown": unknown,
        "whom_to_ask": who_may.whom_to_ask(),
    }
    return render(request, "pages/models.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest) -> HttpResponse:
    """Write a model: the one that the address names, or a new one."""
    if request.method == "POST":
        return posted(request)
    name = request.GET.get("name", "").replace("\0", "")
    found = catalogue.find(name) if name else None
    if name and found is None and "new" not in request.GET:
        raise Http404
    body = model_json(found) if found else {}
    return shown(request, name, found is None, typed.typed_of(FIELDS, body), json.dumps(body))


def posted(request: HttpRequest) -> HttpResponse:
    """Save what was typed, or say why not."""
    name = request.POST.get("name", "").strip()
    base = request.POST.get("made_from", "")
    sent = typed.sent(FIELDS, request.POST)
    is_new = "is_new" in request.POST
    problems: dict[str, list[str]] = defaultdict(list)
    try:
        return saved(request, name, typed.body(FIELDS, sent), base)
    except Refused as refused:
        for problem in refused.problems:
            problems[problem.field].append(problem.message)
    except Outdated as outdated:
        now = model_json(outdated.model) if outdated.model else {}
        said = explained(read(base), now, model_json(model_draft(typed.body(FIELDS, sent), name)))
        return shown(request, name, is_new, sent, json.dumps(now), problems, **said)
    return shown(request, name, is_new, sent, base, problems)


def saved(request: HttpRequest, name: str, body: dict[str, Any], base: str) -> HttpResponse:
    """Store the model, unless somebody else was quicker. Raises Refused and Outdated."""

    def unchanged(model: Model | None) -> None:
        if (model_json(model) if model else {}) != read(base):
            raise Outdated(model)

    change = catalogue.put(name, body, who_asks(request).username, unchanged)
    if change.before == change.after:
        messages.info(request, f"Nothing was changed: {name} is in the catalogue like that.")
    else:
        closed = f" The routes of {both(change.closed)} were closed to users." if change.closed else ""
        messages.success(request, f"{name} is saved. Policies and verdicts go by it from now on.{closed}")
    return redirect("models")


def read(base: str) -> dict[str, Any]:
    """Read what the form was made from."""
    try:
        found = json.loads(base)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}


def explained(base: dict[str, Any], now: dict[str, Any], own: dict[str, Any]) -> dict[str, list[Difference] | bool]:
    """Return what somebody else changed meanwhile, and what this draft would change of that."""
    return {"newer": True, "newer_changes": differences(base, now), "changes": differences(now, own)}


def shown(
    request: HttpRequest,
    name: str,
    is_new: bool,
    written: fields.Typed,
    base: str,
    problems: dict[str, list[str]] | None = None,
    **said: Any,
) -> HttpResponse:
    """Render the form."""
    found = problems or {}
    own = fields.bound(FIELDS, written, found)
    context = {
        "name": name,
        "is_new": is_new,
        "made_from": base,
        "fields": own,
        "wrong": [each for each in own if each.problems],
        "name_problems": found.get("name", []),
        "wrong_elsewhere": [
            text for key, each in found.items() if key not in written and key != "name" for text in each
        ],
        **said,
    }
    return render(request, "pages/model_edit.html", context)
