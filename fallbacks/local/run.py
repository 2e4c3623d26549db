"""`make run`: starts the whole product on this machine, says where it is, and stops it at Ctrl-C."""

import contextlib
import fcntl
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator

from fallbacks.local import environment, leftovers, part, places
from fallbacks.local.places import Places
from fallbacks.local.problem import Problem
from fallbacks.local.product import HOST, Product


def main() -> int:
    """Run until told to stop; return the exit code."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # A second Ctrl-C changes nothing: all is being stopped in order, and within bounds.
        signal.signal(number, lambda *_: stop.set())
    if "MAKELEVEL" in os.environ:
        part.follow_parent(signal.SIGTERM)
    try:
        port = wanted_port(os.environ.get("PORT") or "8000")
        where = places.prepare(environment.home())
        product = Product(where, port, stop, say)
        with only_one(where, product.address):
            if leftovers.of_instance(where.instance):
                say("Stopping what an earlier run, ended by force, has left running ...")
                leftovers.stop_all(where.instance)
            check_port(port)
            product.run()
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def say(text: str) -> None:
    """Print at once. A terminal that was closed must not keep the product from stopping in order."""
    with contextlib.suppress(OSError):
        print(text, flush=True)


def wanted_port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise Problem(f"PORT is {text!r}, which is no port: name one from 1 to 65535, such as `PORT=8001 make run`.")
    return int(text)


def check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError as error:
            raise Problem(f"Port {port} is for root alone: name another one, such as `PORT=8001 make run`.") from error
        except OSError as error:
            other = port + 1 if port < 65535 else 8001
            raise Problem(
                f"Port {port} of {HOST} is taken by another program: "
                f"stop that one, or name another port, such as `PORT={other} make run`."
            ) from error


@contextlib.contextmanager
def only_one(where: Places, address: str) -> Iterator[None]:
    """Hold the instance's lock, which the system releases however this process ends."""
    with (where.var / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            raise Problem(
                f"The product runs already from {where.var}, on {lock.read().strip() or 'another port'}: "
                "open that, stop it by Ctrl-C where it runs, or name another folder by FALLBACKS_HOME."
            ) from error
        lock.truncate(0)
        lock.write(address)
        lock.flush()
        yield


if __name__ == "__main__":
    sys.exit(main())
