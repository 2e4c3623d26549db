"""The environment of the product that `make run` started from this folder.

`make run` writes it to `var/local.env` (mode 600), so that `manage.py` in another terminal finds the
same servers. What is already in the environment wins.
"""

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def home() -> Path:
    """Return the folder in which `var/` lies: FALLBACKS_HOME, else the project's."""
    return Path(os.environ.get("FALLBACKS_HOME") or PROJECT).resolve()


def file() -> Path:
    """Return where the environment is kept."""
    return home() / "var" / "local.env"


def load() -> None:
    """Take over what `make run` wrote, unless a DATABASE_URL says that another product is meant."""
    if not file().exists():
        return
    values = dict(line.partition("=")[::2] for line in file().read_text().splitlines())
    if os.environ.get("DATABASE_URL", values.get("DATABASE_URL")) != values.get("DATABASE_URL"):
        return
    for name, value in values.items():
        os.environ.setdefault(name, value)


def save(values: dict[str, str]) -> None:
    """Write `values`, one NAME=value a line, readable by the owner alone."""
    write_private(file(), "".join(f"{name}={value}\n" for name, value in values.items()))


def write_private(target: Path, text: str) -> None:
    """Replace `target` by `text` in one step, readable by the owner alone."""
    draft = target.with_name(f"{target.name}.new")
    # A draft that others may read must not lend its mode to the new one.
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(text)
    draft.replace(target)
