"""Keeps the parts running, by supervisor: its configuration, its start, and what it says put in plain words."""

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Any
from xmlrpc.client import Error, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from fallbacks.local import leftovers
from fallbacks.local.environment import PROJECT, write_private
from fallbacks.local.parts import Part
from fallbacks.local.places import Places

DIED = re.compile(r"exited: (?P<part>[\w-]+) \((?P<how>.*); (?:not )?expected\)")
UP = re.compile(r"success: (?P<part>[\w-]+) entered RUNNING")
GAVE_UP = re.compile(r"gave up: (?P<part>[\w-]+) entered FATAL")
TRY_AGAIN_AFTER = 10.0  # seconds

HEAD = """\
[supervisord]
nodaemon = true
logfile = {log}/supervisor.log
logfile_maxbytes = 5MB
logfile_backups = 2
pidfile = {run}/supervisor.pid
{user}
[unix_http_server]
file = {socket}
chmod = 0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""
# Supervisor ends the group with the higher priority first: those who write before those who keep.
GROUP = """
[group:{name}]
programs = {programs}
priority = {priority}
"""
PROGRAM = """
[program:{name}]
command = {command}
directory = {directory}
environment = {environment}
autostart = {autostart}
autorestart = true
startsecs = 3
startretries = 5
stopsignal = {signal}
stopwaitsecs = {patience}
killasgroup = true
redirect_stderr = true
stdout_logfile = {log}/{name}.log
stdout_logfile_maxbytes = 10MB
stdout_logfile_backups = 3
"""


class Supervisor:
    """The running supervisor of one instance. `say` gets a sentence for each part that dies or comes back."""

    def __init__(self, where: Places, environment: dict[str, str], say: Callable[[str], None]) -> None:
        self.where = where
        self.environment = environment
        self.say = say
        self.socket = where.socket("supervisor.sock")
        self.deaths: Counter[str] = Counter()
        self.given_up: dict[str, float] = {}
        self.down: set[str] = set()
        self.ending = False
        self.application: list[str] = []
        self.process: subprocess.Popen[str] | None = None
        self.listener: threading.Thread | None = None

    def start(self, keepers: Sequence[Part], application: Sequence[Part]) -> None:
        """Start it with `keepers` running; `application` waits for start_application."""
        self.application = [part.name for part in application]
        file = self.where.var / "supervisord.conf"
        write_private(file, self.configuration(keepers, application))
        self.process = subprocess.Popen(
            Part("supervisor", (sys.executable, "-m", "supervisor.supervisord", "-c", str(file))).launch(
                sys.executable
            ),
            cwd=PROJECT,
            env=self.environment | {"FALLBACKS_PART": "supervisor"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # Ctrl-C goes to run.py alone, which ends everything in order.
            start_new_session=True,
        )
        self.listener = threading.Thread(target=self.listen, args=(self.process,), daemon=True)
        self.listener.start()

    def configuration(self, keepers: Sequence[Part], application: Sequence[Part]) -> str:
        user = "user = root\n" if os.getuid() == 0 else ""
        text = HEAD.format(log=self.where.log, run=self.where.run, socket=self.socket, user=user)
        for name, parts, priority in (("keepers", keepers, 1), ("application", application, 2)):
            if parts:
                text += GROUP.format(name=name, programs=",".join(part.name for part in parts), priority=priority)
                text += "".join(self.program(part, autostart=name == "keepers") for part in parts)
        return text

    def program(self, part: Part, autostart: bool) -> str:
        marked = {"FALLBACKS_PART": part.name} | part.environment
        return PROGRAM.format(
            name=part.name,
            command=shlex.join(part.launch(sys.executable)).replace("%", "%%"),
            directory=str(PROJECT).replace("%", "%%"),
            environment=",".join(f'{name}="{value}"' for name, value in marked.items()).replace("%", "%%"),
            autostart=str(autostart).lower(),
            signal=part.stop_by.name.removeprefix("SIG"),
            patience=part.stop_within,
            log=str(self.where.log).replace("%", "%%"),
        )

    def listen(self, process: subprocess.Popen[str]) -> None:
        """Put what it logs into plain words, until it ends."""
        assert process.stdout is not None
        for line in process.stdout:
            self.hear(line)

    def hear(self, line: str) -> None:
        if self.ending:
            return
        if found := DIED.search(line):
            part, how = found["part"], plain(found["how"])
            self.deaths[part] += 1
            # A part that falls over again and again is said once, until it is up or given up.
            if part not in self.down:
                self.say(f"{part} died ({how}): starting it again. Its log: {self.log_of(part)}")
            self.down.add(part)
        elif (found := UP.search(line)) and found["part"] in self.down:
            self.down.discard(found["part"])
            self.say(f"{found['part']} is up again.")
        elif found := GAVE_UP.search(line):
            self.given_up.setdefault(found["part"], time.monotonic())
            self.say(
                f"{found['part']} does not stay up: trying again every {TRY_AGAIN_AFTER:.0f} s. "
                f"It said: {self.last_words(found['part'])}"
            )

    def log_of(self, part: str) -> Path:
        return self.where.log / f"{part}.log"

    def last_words(self, part: str) -> str:
        """Return the line of the part's log that says best why it ended."""
        try:
            with self.log_of(part).open("rb") as log:
                log.seek(max(0, self.log_of(part).stat().st_size - 20_000))
                lines = [line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()]
        except OSError:
            lines = []
        telling = [line for line in lines if re.search(r"FATAL|PANIC|[Ee]rror|# ", line)]
        return (telling or lines or ["nothing"])[-1]

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start_application(self) -> None:
        """Start web, worker and beat."""
        self.call("startProcessGroup", "application", False)

    def try_again(self) -> None:
        """Start what was given up, so that no part stays down for good."""
        for part, since in list(self.given_up.items()):
            if time.monotonic() - since > TRY_AGAIN_AFTER:
                del self.given_up[part]
                group = "application" if part in self.application else "keepers"
                self.call("startProcess", f"{group}:{part}", False)

    def call(self, method: str, *given: Any, patience: float = 10) -> None:
        """Call supervisor's XML-RPC `method`; it answers from when its socket is there."""
        deadline = time.monotonic() + patience
        while True:
            proxy = ServerProxy("http://127.0.0.1", transport=SupervisorTransport(None, None, f"unix://{self.socket}"))
            try:
                getattr(proxy.supervisor, method)(*given)
                return
            except (OSError, HTTPException, Error):
                if time.monotonic() > deadline or not self.is_running():
                    raise
                time.sleep(0.05)

    def stop(self) -> None:
        """End all parts in order, then supervisor; at the end no process of the instance is left."""
        self.ending = True
        if self.process is not None and self.process.poll() is None:
            # Asked by call it ends at once; the signal it sees at its next round.
            with contextlib.suppress(OSError, HTTPException, Error):
                self.call("shutdown", patience=0)
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=120)
        leftovers.stop_all(self.environment["FALLBACKS_INSTANCE"])


def plain(how: str) -> str:
    """Put supervisor's words for an end into plain ones."""
    if found := re.match(r"terminated by SIG(\w+)", how):
        number = getattr(signal, f"SIG{found[1]}", None)
        return f"killed by signal {int(number)}" if number else how
    return how.replace("exit status", "exit code")
