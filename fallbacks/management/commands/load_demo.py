"""`manage.py load_demo`: send the demo's week through the API of a running product, as services would."""

import json
import time
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from fallbacks import tally
from fallbacks.local import demo, demo_reviews, environment

ITEMS_A_POST = 1_000
# Seconds, and as many tries: long enough for a restart of the web server or of Redis.
TRIES = 60


class Command(BaseCommand):
    """Sends a week of events and traffic. Sent again after an interruption, it goes on where nothing counts twice.

    To an address of its own choice it sends, and no more: whose reviewers score there is not known here.
    """

    help = "Send the demo's week of events and traffic through the API of the running product."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--address", help="default: that of var/demo.json")
        parser.add_argument("--key", help="a key with events:write and traffic:write; default: that of var/demo.json")
        parser.add_argument("--seed", type=int, default=1, help="another seed is another week")

    def handle(self, *args: Any, **options: Any) -> None:
        target = environment.home() / "var" / "demo.json"
        if not (options["address"] and options["key"]) and not target.exists():
            raise CommandError("Start the product by `make run` first, or give --address and --key.")
        known = json.loads(target.read_text()) if target.exists() else {}
        key = options["key"] or known["api_key"]
        if key is None:
            raise CommandError("The demo's key is no longer good: make another on the page Keys, and give it by --key.")
        anchor = Anchor(environment.home() / "var" / "demo-anchor")
        parts = list(demo.week(anchor.take(), options["seed"]))
        sender = Sender(options["address"] or known["address"], key)
        total = sum(len(part.events) + len(part.counts) for part in parts)
        with sender.client, tqdm(total=total, desc="Demo: a week of events", unit="", ascii=" =", ncols=80) as bar:
            for path, body, count in posts(parts):
                sender.post(path, body)
                bar.update(count)
        if not options["address"]:
            review()
        anchor.done()


def review() -> None:
    """Let the demo's reviewers work through what was sampled, once all of it is recorded. Raises CommandError."""
    deadline = time.monotonic() + TRIES
    while time.monotonic() < deadline:
        if not tally.door().in_stream:
            demo_reviews.work_through_the_week(datetime.now(UTC))
            return
        time.sleep(0.1)
    raise CommandError("The demo's events are still waiting. Run `manage.py load_demo` to go on.")


def posts(parts: Iterable[demo.Part]) -> Iterator[tuple[str, dict[str, Any], int]]:
    """Yield what is posted: the path, the body and how many items are in it.

    Traffic comes first: without it a rate would be of too few requests for a moment.
    """
    for part in parts:
        for name, items in (("counts", part.counts), ("events", part.events)):
            path = "/api/v1/events" if name == "events" else "/api/v1/traffic"
            for start in range(0, len(items), ITEMS_A_POST):
                batch = items[start : start + ITEMS_A_POST]
                yield path, {name: batch}, len(batch)


class Anchor:
    """The end of the week that is being sent: in a file until all of it is, so that a second try sends the same."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def take(self) -> datetime:
        if self.file.exists():
            return datetime.fromisoformat(self.file.read_text())
        now = datetime.now(UTC)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(now.isoformat())
        return now

    def done(self) -> None:
        self.file.unlink(missing_ok=True)


class Sender:
    """Posts, and posts again what was not taken: ids make that harmless."""

    def __init__(self, address: str, key: str) -> None:
        self.client = httpx.Client(base_url=address, headers={"Authorization": f"Bearer {key}"}, timeout=30)

    def post(self, path: str, body: dict[str, Any]) -> None:
        """Raises CommandError where the product refuses the body, or takes nothing for long."""
        problem = "nothing was tried"
        for _ in range(TRIES):
            try:
                answer = self.client.post(path, json=body)
            except httpx.TransportError as error:
                problem = str(error)
                time.sleep(1)
                continue
            if answer.status_code == 202 and not answer.json()["rejected"]:
                return
            problem = f"{answer.status_code} {answer.text[:300]}"
            if answer.status_code not in (429, 503):
                break
            time.sleep(float(answer.headers.get("Retry-After", 1)))
        raise CommandError(f"The product did not take the demo ({problem}). Run `manage.py load_demo` to go on.")
