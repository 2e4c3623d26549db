"""What all pages of figures have in common: what was asked for, and how the answer goes out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone

from dashboard import forms, queries
from dashboard import timezone as viewer
from dashboard.charts import Chart


@dataclass(frozen=True, slots=True)
class Asked:
    """The span and environment to show, what to compare with, and who looks when and from where.

    `problems` say what of the address was not understood, and what is shown instead.
    """

    span: forms.Span
    compare: forms.Comparison
    environment: str
    environments: list[str]
    problems: tuple[str, ...]
    now: datetime
    zone: ZoneInfo

    @property
    def live(self) -> bool:
        """Whether the figures can still change by what comes in."""
        return self.span.goes_on(self.now)

    @property
    def ranges(self) -> list[tuple[str, str]]:
        """The ranges to choose from: key and word."""
        return [(key, word) for key, (_, word, _) in forms.RANGES.items()]

    @property
    def shown_from(self) -> str:
        """The start as an input of date and time has it."""
        return f"{self.span.window.start.astimezone(self.zone):%Y-%m-%dT%H:%M}"

    @property
    def shown_to(self) -> str:
        """The end as an input of date and time has it."""
        return f"{self.span.window.end.astimezone(self.zone):%Y-%m-%dT%H:%M}"


def asked(request: HttpRequest, usual: str = forms.USUAL_RANGE) -> Asked:
    """Read the controls from the address; `usual` is the range where none is asked for. One query."""
    now = timezone.now()
    environments = queries.environments()
    span = forms.asked_span(request.GET, now, usual)
    compare, no_comparison = forms.asked_comparison(request.GET, span)
    environment, no_environment = forms.asked_environment(request.GET, environments)
    no_span = f"{span.problem} The {span.words} are shown instead." if span.problem else ""
    return Asked(
        span=span,
        compare=compare,
        environment=environment,
        environments=environments,
        problems=tuple(filter(None, (no_span, no_comparison, no_environment))),
        now=now,
        zone=viewer.current(),
    )


def refused(problems: Iterable[str]) -> JsonResponse:
    """Answer a program that something in the address was not understood."""
    return JsonResponse({"error": {"code": "unknown_parameter", "message": " ".join(problems)}}, status=400)


def answer(request: HttpRequest, page: str, chart: Chart | None, context: dict[str, Any]) -> HttpResponse:
    """Answer with the page, with its main part alone for a refresh, or with the chart's figures as JSON."""
    if request.GET.get("format") == "json":
        # A page says what was not understood and shows something else; a program would not notice.
        problems = (*context["ask"].problems, *context.get("problems", ())) if "ask" in context else ()
        if problems:
            return refused(problems)
        return JsonResponse({"sentence": chart.sentence, **chart.spec} if chart else {})
    folder = "partials" if "HX-Request" in request.headers else "pages"
    return render(request, f"{folder}/{page}.html", {**context, "chart": chart})
