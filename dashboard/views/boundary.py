"""The error boundary: which errors may fall back, what was seen of each, and a box to try what would be decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard import breakdowns, rule_words
from dashboard.policies import what_if
from dashboard.queries import Scope
from dashboard.views.controls import Asked, answer, asked
from fallbacks import rulebook
from fallbacks.boundary import CLASSES, STATUS_WORDS, ErrorClass
from fallbacks.rulebook import Rulebook

CODES_SHOWN = 2


@dataclass(frozen=True)
class Row:
    """One class of the table, and what was seen of it."""

    error: ErrorClass
    seen: breakdowns.Broken

    @property
    def mark(self) -> rule_words.MarkWords:
        return rule_words.MARKS[self.error.fallback]

    @property
    def statuses(self) -> str:
        return rule_words.statuses(self.error)

    @property
    def codes(self) -> tuple[str, ...]:
        return self.error.error_codes[:CODES_SHOWN]

    @property
    def more_codes(self) -> tuple[str, ...]:
        return self.error.error_codes[CODES_SHOWN:]

    @property
    def why(self) -> str:
        return rule_words.sentence(self.error.why)


@never_cache
@require_safe
def boundary(request: HttpRequest) -> HttpResponse:
    """Show every error class over a span, in one environment, and answer what somebody makes up."""
    ask = asked(request)
    cells = breakdowns.totals(ask.span.window, Scope(environment=ask.environment), ["workload", "error_class"])
    seen: dict[str, breakdowns.Broken] = {}
    for (_, name), broken in cells.items():
        seen[name] = seen.get(name, breakdowns.Broken()) + broken
    rows = listed(seen)
    context = {
        "ask": ask,
        "rows": rows,
        "seen": sum((row.seen.events for row in rows), 0),
        "classes": sum(1 for row in rows if row.seen.events),
        "rules": rule_words.MEANING.items(),
        **box(request, ask, rulebook.recent(), {slug for slug, _ in cells}),
    }
    return answer(request, "boundary", None, context)


def listed(seen: Mapping[str, breakdowns.Broken]) -> list[Row]:
    """Return all classes: what often falls back first, then what was seen most."""
    rows = [Row(error, seen.get(error.name, breakdowns.Broken())) for error in CLASSES]
    return sorted(rows, key=lambda row: (rule_words.MARK_ORDER[row.error.fallback], -row.seen.events))


def box(request: HttpRequest, ask: Asked, book: Rulebook, workloads: set[str]) -> dict[str, Any]:
    """Return what the box shows: its choices, what was asked, and the answer or what is wrong with the question."""
    typed = what_if.asked(request.GET)
    sent = "status" in request.GET
    problems = what_if.problems(typed) if sent else {}
    policies = [versions[-1].policy for versions in book.versions.values()]
    return {
        "what_if": typed,
        "problems": problems,
        "what_if_answer": what_if.answer(typed, book, ask.now) if sent and not problems else None,
        "workloads": sorted(workloads | set(book.versions)),
        "with_policy": book.versions,
        "status_words": STATUS_WORDS,
        "tiers": sorted({tier for policy in policies for tier in policy.paid_tiers}),
        "shapes": sorted({shape for policy in policies for shape in policy.payload_classes}),
    }
