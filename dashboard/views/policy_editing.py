"""Writing a policy, for engineers and admins: checking a draft, and saving it unless somebody else was quicker."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from dashboard.policies import drafting, fields, typed
from dashboard.policies import form as policy_form
from dashboard.policies.drafting import Draft
from dashboard.policies.fields import Section
from dashboard.views.who_asks import who_asks
from fallbacks import catalogue, policies, versions
from fallbacks.canonical import policy_json
from fallbacks.reading import Refused, whole_number
from fallbacks.versions import Stored

# Of a version that a form was made from: more than there will be, and an integer of PostgreSQL takes it.
HIGHEST_VERSION = 10**9 - 1


class Outdated(Exception):
    """Somebody saved since the form was made. `stored` is what is there now."""

    def __init__(self, stored: Stored | None) -> None:
        super().__init__()
        self.stored = stored


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Write the first policy of a workload, whose name is typed too."""
    slug = str((request.POST or request.GET).get("workload", "")).strip()
    return written(request, slug, None, is_new=True)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Write the next version of a workload's policy."""
    stored = versions.latest(slug)
    if stored is None and request.method != "POST":
        return redirect(f"{reverse('policy-new')}?workload={slug}")
    return written(request, slug, stored, is_new=False)


def written(request: HttpRequest, slug: str, stored: Stored | None, *, is_new: bool) -> HttpResponse:
    """Show the form, check what was typed, or save it."""
    draft = made(request, slug, stored)
    if request.method == "POST":
        try:
            if request.POST.get("do") == "save":
                return saved(request, draft)
            drafting.check(draft, timezone.now())
        except Refused as refused:
            draft.refuse(refused.problems)
        except Outdated as outdated:
            drafting.take_over(draft, outdated.stored)
    return shown(request, draft, is_new)


def made(request: HttpRequest, slug: str, stored: Stored | None) -> Draft:
    """Return the draft with what was typed; at first with what is there, and what the address fills in."""
    models = catalogue.models()
    sections = policy_form.sections(models)
    names = policy_form.fields(sections)
    if request.method == "POST":
        made_from = whole_number(request.POST.get("made_from", ""), HIGHEST_VERSION) or 0
        return Draft(slug, made_from, models, sections, typed.sent(names, request.POST), stored)
    filled = typed.typed_of(names, policy_json(stored.policy) if stored else policy_form.USUAL)
    filled |= {each.name: request.GET.getlist(each.name) for each in names if each.name in request.GET}
    return Draft(slug, stored.version if stored else 0, models, sections, filled, stored)


def saved(request: HttpRequest, draft: Draft) -> HttpResponse:
    """Store the draft, unless somebody else was quicker. Raises Refused and Outdated."""

    def unchanged(stored: Stored | None) -> None:
        if (stored.version if stored else 0) != draft.made_from:
            raise Outdated(stored)

    change = policies.put(draft.slug, draft.body, who_asks(request).username, unchanged)
    if change.before is change.after:
        messages.info(request, f"Nothing was changed: version {change.after.version} says the same.")
    else:
        closed = " Its route was closed to users, because it is another one now." if change.closed else ""
        messages.success(request, f"Version {change.after.version} is saved, and in force from now on.{closed}")
    return redirect("policy", draft.slug)


def shown(request: HttpRequest, draft: Draft, is_new: bool) -> HttpResponse:
    """Render the form. What is wrong is said once above, and beside each field."""
    sections = [
        Section(each.id, each.title, each.hint, fields.bound(each.fields, draft.typed, draft.problems))
        for each in draft.sections
    ]
    listed = {each.name: each for each in policy_form.fields(sections)}
    apart = {"workload": draft.problems.get("workload", [])} if is_new else {}
    context = {
        "form": draft,
        "is_new": is_new,
        "sections": sections,
        "wrong": [each for each in listed.values() if each.problems],
        "workload_problems": apart.get("workload", []),
        "wrong_elsewhere": [
            text for name, found in draft.problems.items() if name not in {**listed, **apart} for text in found
        ],
        "catalogue_is_empty": not draft.models,
        **draft.said,
    }
    return render(request, "pages/policy_edit.html", context)
