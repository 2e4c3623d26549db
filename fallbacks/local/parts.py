"""What a part of the product is: a program that is kept running."""

from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGTERM, Signals


@dataclass(frozen=True)
class Part:
    """A program to be kept running, as this user or another, and how to end it cleanly."""

    name: str
    command: tuple[str, ...]
    stop_by: Signals = SIGTERM
    stop_within: int = 20
    user: str | None = None
    data: Path | None = None
    environment: dict[str, str] = field(default_factory=dict)

    def launch(self, python: str) -> list[str]:
        """Return the command that starts it by fallbacks.local.part."""
        words = [python, "-m", "fallbacks.local.part", "--at-end", self.stop_by.name]
        if self.user:
            words += ["--user", self.user]
        if self.data:
            words += ["--data", str(self.data)]
        return [*words, "--", *self.command]
