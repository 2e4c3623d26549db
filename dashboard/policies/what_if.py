"""What if: a failure that somebody makes up, and the decision that a gateway would get for it. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from fallbacks.boundary import BY_NAME, STATUSES, WORKLOAD_OWNER, classify
from fallbacks.deciding import decided
from fallbacks.decision import Action, Decision
from fallbacks.reading import whole_number
from fallbacks.rulebook import Rulebook
from fallbacks.verdict import Facts

MOST_TEXT = 128
MOST_ATTEMPTS = 100
VISIBLE: Mapping[str, bool | None] = {"": None, "yes": True, "no": False}
# By action: what to do, the state whose colour it has, its icon.
ACTIONS: Mapping[Action, tuple[str, str, str]] = {
    "fallback": ("Fall back to {fallback}", "normal", "git-branch"),
    "retry": ("Try again first, do not fall back yet", "degraded", "refresh"),
    "fail": ("Fail, do not fall back", "failing", "ban"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What stands in the form, as it was typed. Empty is not told."""

    workload: str = ""
    status: str = ""
    error_code: str = ""
    attempts: str = "1"
    tier: str = ""
    user_visible: str = ""
    payload_class: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The decision, and what people want to know besides. `version` is None where there is no policy."""

    decision: Decision
    version: int | None
    who_acts: str
    classified: str

    @property
    def head(self) -> str:
        return ACTIONS[self.decision.action][0].format(fallback=self.decision.fallback)

    @property
    def because(self) -> str:
        """The reasons alone: what to do stands before them."""
        return self.decision.because.partition(": ")[2]

    @property
    def kind(self) -> str:
        return ACTIONS[self.decision.action][1]

    @property
    def icon(self) -> str:
        return ACTIONS[self.decision.action][2]


def asked(query: Mapping[str, str]) -> Asked:
    """Read the form from an address."""
    return Asked(**{name: query.get(name, usual).strip() for name, usual in asdict(Asked()).items()})


def problems(asked: Asked) -> dict[str, str]:
    """Return what is wrong, by field: what to type instead."""
    found = {
        name: f"Use at most {MOST_TEXT} characters." for name, text in asdict(asked).items() if len(text) > MOST_TEXT
    }
    if not asked.workload:
        found["workload"] = "Choose a workload."
    if asked.status not in STATUSES:
        found["status"] = "Type a status from 100 to 599, or timeout, connection_error or unavailable."
    if not whole_number(asked.attempts, MOST_ATTEMPTS):
        found["attempts"] = "Type a number from 1 to 100."
    if asked.user_visible not in VISIBLE:
        found["user_visible"] = "Choose yes, no or as the policy says."
    return found


def answer(asked: Asked, book: Rulebook, now: datetime) -> Answer:
    """Decide by the policy that is in force. For what has no `problems`."""
    version = book.latest(asked.workload)
    policy = version.policy if version else None
    facts = Facts(
        primary=policy.primary if policy else "the primary",
        status=asked.status,
        error_code=asked.error_code or None,
        attempts=int(asked.attempts),
        tier=asked.tier or None,
        user_visible=VISIBLE[asked.user_visible],
        payload_class=asked.payload_class or None,
    )
    who = classify(facts.status, facts.error_code).who_acts
    if who == WORKLOAD_OWNER and policy is not None and policy.owner:
        who = policy.owner
    decision, number = decided(asked.workload, facts, book, now)
    return Answer(decision, number, who, _classified(asked, decision.error_class))


def _classified(asked: Asked, name: str) -> str:
    """Say which class it is and by what, for a code that is listed outdoes the status."""
    listed = asked.error_code.casefold() in BY_NAME[name].error_codes
    by = asked.error_code if listed else asked.status
    unlisted = f" ({asked.error_code} is not in the table)" if asked.error_code and not listed else ""
    return f"{by} is of class {name}{unlisted}."
