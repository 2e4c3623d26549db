"""What differs between machines, read from the environment and checked. All that is wrong is said at once.

    given = Environment(os.environ)
    KEY_RATE = given.number("KEY_RATE", 50_000)
    ...
    given.refuse()

Whatever is read stands in the table of docs/operations.md, with the default that is named here: a test compares them.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

# What Django's own deployment check asks for.
SHORTEST_SECRET, FEWEST_CHARACTERS = 50, 5
LONGEST_DAYS = 36_500
MOST_PROXIES = 10
MOST_NUMBER = 1_000_000_000


class Environment:
    """Settings read from `given`. What is missing or wrong gets a stand-in, and `refuse` names all of it."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self.given = given
        # By name, as the table says them; "" where there is none.
        self.defaults: dict[str, str] = {}
        self.wrong: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        """Return the value of `name`. An empty one is none."""
        self.defaults[name] = default
        return self.given.get(name) or default

    def required(self, name: str, what: str) -> str:
        """Return the value of `name`: a secret or a server that is guessed is worse than none. `what` is what to set
        it to."""
        value = self.text(name)
        if not value:
            self.wrong.append(f"{name} is not set: it is {what}.")
        return value

    def words(self, name: str) -> list[str]:
        """Return the words of `name`, which stand there with commas between."""
        return [word.strip() for word in self.text(name).split(",") if word.strip()]

    def switch(self, name: str, default: bool) -> bool:
        """Return whether `name` is on."""
        value = self.text(name, str(int(default)))
        if value not in ("0", "1"):
            self.wrong.append(f"{name} is {value!r}: write 1 for on, or 0.")
        return value == "1"

    def number(self, name: str, default: int, least: int = 0, most: int = MOST_NUMBER) -> int:
        """Return the whole number `name`, from `least` to `most`."""
        limits = "a number" if most == MOST_NUMBER else f"a number up to {most}"
        return self._number(name, self.text(name, str(default)), limits, least, most)

    def days(self, name: str, default: int, least: int) -> int:
        """Return the number of days of `name`."""
        return self._number(name, self.text(name, str(default)), "a number of days", least, LONGEST_DAYS)

    def rollup_days(self, name: str, default: str) -> dict[Literal["minute", "hour"], int]:
        """Return how long each rollup is kept. What is not named keeps its default; hours outlive their minutes."""
        text = self.text(name, default)
        named = dict(word.split("=") for word in default.split(","))
        for word in filter(None, text.split(",")):
            step, _, number = word.partition("=")
            if step.strip() not in named:
                self.wrong.append(f"{name} is {text!r}: write it as {default}.")
                return {"minute": 2, "hour": 2}
            named[step.strip()] = number.strip()
        minute, hour = (
            self._number(name, number, "a number of days", 2, LONGEST_DAYS)
            for number in (named["minute"], named["hour"])
        )
        if hour < minute:
            self.wrong.append(f"{name} is {text!r}: hours must be kept as long as minutes, or longer.")
        return {"minute": minute, "hour": hour}

    def secret(self, name: str) -> str:
        """Return a secret that nobody guesses."""
        value = self.required(name, "a long random text (openssl rand -hex 48)")
        if value and (len(value) < SHORTEST_SECRET or len(set(value)) < FEWEST_CHARACTERS):
            self.wrong.append(
                f"{name} is too easy to guess: it takes {SHORTEST_SECRET} characters or more (openssl rand -hex 48)."
            )
        return value

    def database(self, name: str) -> dict[str, Any]:
        """Return Django's settings of the PostgreSQL that the URL names. The URL is never said: it holds a password."""
        form = "postgresql://user:password@host:5432/name"
        url = self.required(name, f"the PostgreSQL, as {form}")
        if not url:
            return {}
        try:
            found: dict[str, Any] = {**dj_database_url.parse(url)}
        except ValueError:
            found = {}
        if found.get("ENGINE") != "django.db.backends.postgresql" or not found.get("NAME"):
            self.wrong.append(f"{name} does not name a PostgreSQL and a database: write it as {form}.")
        return found

    def redis(self, name: str, what: str) -> str:
        """Return the URL of a Redis."""
        url = self.required(name, f"the Redis {what}, as redis://:password@host:6379/0")
        if url and not re.match(r"(rediss?|unix|redis\+socket)://.", url):
            self.wrong.append(f"{name} does not name a Redis: write it as redis://:password@host:6379/0.")
        return url

    def hosts(self, name: str) -> list[str]:
        """Return the names that the product answers to. Links in invitations are made of them, so `*` is none."""
        hosts = self.words(name)
        if not hosts:
            self.wrong.append(f"{name} is not set: it is the name under which people open the product.")
        if wide := next((host for host in hosts if host.startswith(".") and host.count(".") < 2), None):
            self.wrong.append(f"{name} has {wide!r}, which is everybody's: write the names.")
        if "*" in hosts:
            self.wrong.append(f"{name} is '*', so that anybody could say what our name is: write the names.")
        return hosts

    def origins(self, name: str) -> list[str]:
        """Return origins, such as https://observatory.example."""
        origins = self.words(name)
        for origin in origins:
            parts = urlsplit(origin)
            if parts.scheme not in ("https", "http") or not parts.netloc or parts.path:
                self.wrong.append(f"{name} has {origin!r}: write it as https://observatory.example.")
        return origins

    def file(self, name: str, default: Path) -> Path:
        """Return the path `name`. `default` lies in the product's folder."""
        path = self.text(name)
        self.defaults[name] = "/".join(default.parts[-2:])
        return Path(path) if path else default

    def proxies(self, name: str, https: bool) -> int:
        """Return how many proxies stand in front. TLS has to end somewhere: at one of them, or in the server itself."""
        hops = self.number(name, 0, most=MOST_PROXIES)
        own = [self.text(part) for part in ("GRANIAN_SSL_CERTIFICATE", "GRANIAN_SSL_KEYFILE")]
        if https and not hops and not all(own):
            self.wrong.append(
                f"HTTPS is on, and nothing says where TLS ends: set {name} to the number of proxies in front (1 for "
                "one nginx), or GRANIAN_SSL_CERTIFICATE and GRANIAN_SSL_KEYFILE where our own server does it, or "
                "HTTPS=0 where people open the product without TLS."
            )
        return hops

    def refuse(self) -> None:
        """Raise ImproperlyConfigured if anything is missing or wrong, and say all of it."""
        if self.wrong:
            raise ImproperlyConfigured(
                "\n".join(
                    [
                        "The product does not start like this:",
                        *(f"- {sentence}" for sentence in self.wrong),
                        "docs/operations.md lists every setting; on a machine of your own, `make run` sets them.",
                    ]
                )
            )

    def _number(self, name: str, text: str, what: str, least: int, most: int) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            self.wrong.append(f"{name} is {text!r}: write {what}, {least} or more.")
            return least
        return int(text)
