"""What a reviewer marks: the fields of the desk, what was typed into them, and what is missing.

Fields are named by the side of the screen, `a` and `b`: which of the two is the fallback is told when both are scored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from dashboard.reviews import words
from fallbacks.models import Review, Sample
from fallbacks.reading import with_line_feeds
from fallbacks.refusals import Problem
from fallbacks.scoring import MARKS, Score

Role = Literal["fallback", "primary"]
ROLES: Sequence[Role] = ("fallback", "primary")
# Of an answer of which nothing is marked yet.
NOTHING = Score({}, None)
OVERALL: Mapping[str, bool] = {"pass": True, "fail": False}
# So many criteria have a key.
KEYS = 9


@dataclass(frozen=True, slots=True)
class Field:
    """One group of marks: of a criterion, or overall, and a side."""

    side: str
    name: str
    value: str
    problem: str

    @property
    def letter(self) -> str:
        return self.side.upper()


@dataclass(frozen=True, slots=True)
class Row:
    """A criterion with what it asks and one field a side. `key` cycles the mark of the side that is scored."""

    key: str
    criterion: str
    asks: str
    fields: Sequence[Field]


@dataclass(frozen=True, slots=True)
class Typed:
    """What is marked so far, by role, and what is wrong with it."""

    scores: Mapping[Role, Score] = field(default_factory=dict)
    comment: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)

    def refused(self, problems: Sequence[Problem]) -> "Typed":
        """Return the same with what is wrong."""
        return Typed(self.scores, self.comment, {each.field: each.message for each in problems})


def sides(sample: Sample) -> Mapping[str, Role]:
    """Return whose answer is on which side; there is one side where there is no answer by the primary."""
    if sample.primary_output is None:
        return {"a": "fallback"}
    return {"a": "primary", "b": "fallback"} if sample.swapped else {"a": "fallback", "b": "primary"}


def typed(sample: Sample, sent: Mapping[str, str]) -> Typed:
    """Read what was marked from a form."""
    scores = {role: _score(sample, sent, side) for side, role in sides(sample).items()}
    return Typed(scores, with_line_feeds(sent.get("comment", "")))


def said(review: Review) -> Typed:
    """Return what a review says."""
    scores: dict[Role, Score] = {"fallback": Score(review.marks, review.passed)}
    if review.primary_marks is not None:
        scores["primary"] = Score(review.primary_marks, review.primary_passed)
    return Typed(scores, review.comment)


def _score(sample: Sample, sent: Mapping[str, str], side: str) -> Score:
    marks = {
        criterion: value
        for number, criterion in enumerate(sample.criteria)
        if (value := sent.get(f"{side}-{number}", "")) in MARKS
    }
    return Score(marks, OVERALL.get(sent.get(f"{side}-overall", "")))


def rows(sample: Sample, marked: Typed) -> list[Row]:
    """Return a row for each criterion."""
    found = []
    for number, criterion in enumerate(sample.criteria):
        fields = [
            Field(
                side,
                f"{side}-{number}",
                _of(marked, role).marks.get(criterion, ""),
                marked.problems.get(f"{role}.{criterion}", ""),
            )
            for side, role in sides(sample).items()
        ]
        key = str(number + 1) if number < KEYS else ""
        found.append(Row(key, criterion, words.ASKS.get(criterion, ""), fields))
    return found


def overall(sample: Sample, marked: Typed) -> list[Field]:
    """Return the field of each side that says whether the answer is good enough."""
    values: Mapping[Any, str] = {True: "pass", False: "fail", None: ""}
    return [
        Field(
            side,
            f"{side}-overall",
            values[_of(marked, role).passed],
            marked.problems.get(f"{role}.overall", ""),
        )
        for side, role in sides(sample).items()
    ]


def missing(sample: Sample, marked: Typed) -> int:
    """Return how many marks are missing."""
    every = (len(sample.criteria) + 1) * len(sides(sample))
    scores = [_of(marked, role) for role in sides(sample).values()]
    return every - sum(len(each.marks) + (each.passed is not None) for each in scores)


def _of(marked: Typed, role: Role) -> Score:
    return marked.scores.get(role, NOTHING)
