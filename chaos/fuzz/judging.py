"""Every answer is looked at: its status, its shape, its sums. What must not be is noted with its request."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from chaos.fuzz.answers import Answer
from chaos.fuzz.book import Book
from chaos.fuzz.headers import Keys
from chaos.fuzz.requests import Request, to_line
from chaos.report import MOST_EXAMPLES, Findings

# A body beyond this may be refused before all of it was read, and the answer lost with the connection.
LARGE = 5 * 1024 * 1024


@dataclass
class Judge:
    """Judges answers one after the other."""

    book: Book
    findings: Findings
    keys: Keys
    # By how a request was made, and by what it was answered.
    seen: dict[str, Counter[int]] = field(default_factory=dict)
    offending: list[str] = field(default_factory=list)

    def hear(self, request: Request, answer: Answer) -> None:
        """Judge one answer."""
        self.seen.setdefault(request.kind, Counter())[answer.status] += 1
        if not answer.status:
            if not request.broken and len(request.raw) <= LARGE:
                self.find("unanswered", request, answer)
        elif answer.status >= 500:
            self.find("failed", request, answer)
        elif answer.status in (202, 400) or not request.broken:
            if wrong := self.wrong(request, answer):
                self.find("shape", request, answer, wrong)
            if answer.status not in request.may:
                self.find("answers", request, answer)

    def wrong(self, request: Request, answer: Answer) -> str:
        """Return what is wrong with an answer whose status is right, or nothing."""
        body = answer.json()
        if answer.headers.get("content-type") != "application/json" or not isinstance(body, dict):
            # The HTTP server refuses in words of its own what is no HTTP.
            return "" if request.broken and answer.status == 400 else "no JSON"
        if "error" in body:
            return wrong_error(answer, body)
        if answer.status not in (202, 400) or body.keys() != {"accepted", "rejected"}:
            return "neither an error nor a count of items"
        accepted, rejected = body["accepted"], body["rejected"]
        if not isinstance(accepted, int) or not all(map(is_rejection, rejected)):
            return "not the shape of a count of items"
        if (answer.status == 202) != (accepted > 0):
            return f"{answer.status} for {accepted} accepted items"
        indices = frozenset(item["index"] for item in rejected)
        if len(indices) != len(rejected):
            return "an item is rejected twice"
        return self.book.acknowledge(request, accepted, indices)

    def find(self, column: str, request: Request, answer: Answer, wrong: str = "") -> None:
        """Note what must not be."""
        said = wrong or answer.said or f"{answer.status} {answer.body[:200]!r}"
        self.offend(column, f"{request.kind}: {said}", request)

    def offend(self, column: str, words: str, request: Request) -> None:
        """Note it with the request, by which it can be done again."""
        if self.findings.counts[column] < MOST_EXAMPLES:
            self.offending.append(to_line(request, self.keys))
            words = f"{words} (request {len(self.offending)} below)"
        self.findings.add(column, words)


def wrong_error(answer: Answer, body: dict[str, Any]) -> str:
    error = body["error"]
    if body.keys() != {"error"} or not isinstance(error, dict) or error.keys() != {"code", "message"}:
        return "not the one shape of errors"
    if not all(isinstance(text, str) and text for text in error.values()):
        return "an error without words"
    if answer.status == 429 and not answer.headers.get("retry-after", "").isdigit():
        return "429 without Retry-After"
    return "202 with an error" if answer.status == 202 else ""


def is_rejection(item: Any) -> bool:
    """Whether it is as the contract says: {"index", "field", "error"}."""
    return (
        isinstance(item, dict)
        and item.keys() == {"index", "field", "error"}
        and isinstance(item["index"], int)
        and isinstance(item["field"], str | None)
        and isinstance(item["error"], str)
    )
