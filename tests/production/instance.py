"""An instance on a server: brought up by the commands of docs/operations.md, as they stand there.

What differs is the first block, which is the reader's own anyway, and the step that installs packages: those of the
tests are used. TLS ends at a proxy of the tests' own.
"""

import contextlib
import html
import http.client
import http.server
import os
import re
import shlex
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import psutil
import psycopg
import requests

from fallbacks.local import postgres
from fallbacks.local.environment import PROJECT
from tests.accounts import issuer as issuers
from tests.local.runs import free_port
from tests.servers import Servers

DOCUMENT = PROJECT / "docs" / "operations.md"
PASSWORD = "a-password-of-letters-and-digits"
NAME = "observatory.example"
PRODUCT = (
    "manage.py",
    "fallbacks",
    "ingest",
    "dashboard",
    "templates",
    "static",
    "node_modules",
    ".venv",
    "requirements",
)
STOP_WITHIN = 30  # seconds


@dataclass(frozen=True, slots=True)
class Block:
    """A block of the document. The marks before it say what a test does about it."""

    kind: str
    text: str
    mark: str


def blocks(section: str) -> list[Block]:
    """Return the blocks of the section with this heading, in their order."""
    text = re.split(r"^## ", DOCUMENT.read_text(), flags=re.MULTILINE)
    [found] = [part for part in text if part.startswith(f"{section}\n")]
    pattern = r"(?:<!-- step: (?P<mark>\w+) -->\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$"
    return [
        Block(each["kind"], each["text"], each["mark"] or "")
        for each in re.finditer(pattern, found, re.MULTILINE | re.DOTALL)
    ]


@dataclass
class Instance:
    """The instance in `folder`, on the tests' servers."""

    folder: Path
    servers: Servers
    issuer: issuers.Issuer
    port: int = field(default_factory=free_port)
    proxy_port: int = field(default_factory=free_port)
    said: str = ""

    @property
    def place(self) -> Path:
        return self.folder / "etc"

    @property
    def cluster(self) -> postgres.Cluster:
        found = self.servers.servers.embedded["postgres"]
        assert isinstance(found, postgres.Cluster)
        return found

    def url(self, role: str, database: str = "observatory") -> str:
        """The database as one of the roles for a process, or as the owner of the tables."""
        if role == "owner":
            host = f"{quote(str(self.cluster.sockets), safe='')}:{postgres.PORT}"
            return f"postgresql://observatory:{PASSWORD}@{host}/{database}"
        return self.settings(role)["DATABASE_URL"]

    def settings(self, file: str) -> dict[str, str]:
        """What one of the files says."""
        words = [shlex.split(line) for line in (self.place / f"{file}.env").read_text().splitlines()]
        return dict(" ".join(each).split("=", 1) for each in words)

    def own_values(self) -> dict[str, str]:
        """What the first block asks for."""
        given = self.servers.environment
        return {
            "PRODUCT": str(self.folder / "product"),
            "PLACE": str(self.place),
            "STATE": str(self.folder / "state"),
            "BACKUP": str(self.folder / "backup"),
            "HOST": NAME,
            "ADDRESS": f"http://127.0.0.1:{self.proxy_port}",
            "PORT": str(self.port),
            "DATABASE": self.url("owner"),
            "RESTORED": self.url("owner", "restored"),
            "STREAM": given["REDIS_URL"],
            "BROKER": given["BROKER_URL"],
            "PROVIDER": self.issuer.address,
            "CLIENT": issuers.CLIENT,
            "CLIENT_SECRET": issuers.SECRET,
            "DOMAIN": "company.example",
        }

    def follow(self, section: str, seconds: int = 120) -> str:
        """Do what a section says, and return what the terminal showed."""
        for block in blocks(section):
            if block.kind == "sql":
                for statement in filter(str.strip, block.text.split(";\n")):
                    self.as_superuser(statement)
        shell = [block.text for block in blocks(section) if block.kind == "sh" and block.mark != "install"]
        own = "".join(f"{name}='{value}'\n" for name, value in self.own_values().items())
        first = blocks("Bring it up on a server")[0]
        asked = set(re.findall(r"^(\w+)=", first.text, re.MULTILINE))
        assert asked == set(self.own_values()), "the first block is what is the reader's own"
        return self.shell(own + "".join(text for text in shell if text != first.text), seconds)

    def shell(self, script: str, seconds: int = 60) -> str:
        """Run a script as somebody at a terminal of this server would."""
        path = f"{self.cluster.programs}:{os.environ['PATH']}"
        log = self.folder / "terminal.log"
        with log.open("w+") as out:
            done = subprocess.run(
                ["bash", "-e"],
                input=script,
                text=True,
                cwd=self.folder / "product",
                env={"PATH": path, "HOME": str(self.folder), "LANG": "C.UTF-8"},
                stdout=out,
                stderr=out,
                timeout=seconds,
            )
        assert done.returncode == 0, log.read_text() + self.logs()
        return log.read_text()

    def logs(self) -> str:
        return "".join(f"\n{path.name}:\n{path.read_text()[-2000:]}" for path in (self.folder / "state").glob("*.log"))

    def as_superuser(self, statement: str, database: str = "fallbacks") -> list[Any]:
        base = self.servers.superuser_url.rpartition("/")[0]
        with psycopg.connect(f"{base}/{database}", autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def manage(self, role: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of manage.py with a role's DATABASE_URL."""
        given: dict[str, str] = {}
        for file in ("observatory", role):
            given |= self.settings(file)
        return subprocess.run(
            [".venv/bin/python", "manage.py", *words],
            cwd=self.folder / "product",
            env={"PATH": os.environ["PATH"]} | given,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def let_in(self) -> None:
        """Let PostgreSQL ask for passwords, as it does on a server."""
        rules = self.cluster.data / "pg_hba.conf"
        with rules.open("a") as out:
            out.write("local all all scram-sha-256\n")
        self.as_superuser("SELECT pg_reload_conf()")

    def end(self) -> None:
        processes = []
        for file in (self.folder / "state").glob("*.pid"):
            with contextlib.suppress(psutil.NoSuchProcess, ValueError):
                process = psutil.Process(int(file.read_text()))
                processes += [process, *process.children(recursive=True)]
                process.send_signal(signal.SIGTERM)
        _, left = psutil.wait_procs(processes, timeout=STOP_WITHIN)
        for process in left:
            process.kill()
        for database in ("observatory", "restored"):
            self.as_superuser(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        for role in ("observatory_web", "observatory_worker", "observatory_reporting", "observatory"):
            self.as_superuser(f"DROP ROLE IF EXISTS {role}")


@contextlib.contextmanager
def on_a_server(folder: Path, servers: Servers) -> Iterator[Instance]:
    """Bring one up, and leave nothing of it."""
    (folder / "product").mkdir()
    for name in PRODUCT:
        (folder / "product" / name).symlink_to(PROJECT / name)
    with issuers.running() as issuer:
        instance = Instance(folder, servers, issuer)
        instance.let_in()
        try:
            with proxy(instance.proxy_port, instance.port):
                instance.said = instance.follow("Bring it up on a server")
                yield instance
        finally:
            instance.end()


# --- What stands in front, and who comes -------------------------------------------------------------


@contextlib.contextmanager
def proxy(port: int, to: int) -> Iterator[None]:
    """A proxy in which TLS would end: it says so, and who asked."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = dict(self.headers) | {
                "X-Forwarded-For": f"{self.headers.get('X-Forwarded-For', '')}, {self.client_address[0]}".lstrip(", "),
                "X-Forwarded-Proto": "https",
            }
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", to, timeout=20)) as connection:
                connection.request(self.command, self.path, body, headers)
                answer = connection.getresponse()
                told = answer.read()
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(told)))
            for name, value in answer.getheaders():
                if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(told)

        do_GET = do_POST = pass_on  # noqa: N815 - their names

        def log_message(self, *_: Any) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Person:
    """Somebody with a browser, behind the proxy."""

    port: int
    cookies: SimpleCookie = field(default_factory=SimpleCookie)

    def ask(self, method: str, path: str, form: Sequence[tuple[str, str]] = ()) -> tuple[int, str, str]:
        """Return status, text and where it leads."""
        cookies = "; ".join(f"{name}={one.value}" for name, one in self.cookies.items())
        headers = {"Host": NAME, "Origin": f"https://{NAME}", "Cookie": cookies}
        body = None
        if method == "POST":
            token = self.cookies["csrftoken"].value if "csrftoken" in self.cookies else ""
            body = urlencode([*form, ("csrfmiddlewaretoken", token)])
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        for line in answer.headers.get_all("Set-Cookie", []):
            self.cookies.load(line)
        return answer.status, text, urlsplit(answer.headers.get("Location", "")).path

    def sign_in(self, name: str, password: str) -> None:
        self.ask("GET", "/login")
        status, text, where = self.ask("POST", "/login", [("username", name), ("password", password)])
        assert (status, where) == (302, "/"), text[:2000]

    def sign_in_at_the_provider(self) -> None:
        """Press the button, be known there, and come back."""
        self.ask("GET", "/login")
        page = self.ask("POST", "/login/provider", [("next", "")])[1]
        [there] = re.findall(r'content="0;url=([^"]+)"', page)
        answer = requests.get(html.unescape(there), allow_redirects=False, timeout=10)
        back = urlsplit(answer.headers["Location"])
        assert (back.scheme, back.netloc) == ("https", NAME)
        status, text, where = self.ask("GET", f"{back.path}?{back.query}")
        assert (status, where) == (302, "/"), text[:2000]
