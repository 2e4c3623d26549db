"""A fresh product has its demo: a week of events, a queue to work through, and an audit log that is sound."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg

from fallbacks.local.environment import PROJECT
from tests.local import runs


def test_a_fresh_run_has_a_queue_and_reviews_and_its_audit_log_is_sound(home: Path) -> None:
    with runs.running(home, DEMO="1") as run:
        run.wait_for("The demo is loaded.", 120)
        values = dict(line.split("=", 1) for line in (home / "var" / "local.env").read_text().splitlines())
        with psycopg.connect(values["DATABASE_URL"]) as connection:
            waiting, overdue, settled, held = connection.execute(
                "SELECT count(*) FILTER (WHERE scored_at IS NULL),"
                " count(*) FILTER (WHERE scored_at IS NULL AND due_at < now()),"
                " count(*) FILTER (WHERE scored_at IS NOT NULL), count(held_by_id) FROM sample"
            ).fetchone() or (0, 0, 0, 0)
        assert waiting > 20
        assert overdue > 0
        assert settled > 100
        assert held == 0
        kept = {name: os.environ[name] for name in runs.KEPT if name in os.environ}
        told = subprocess.run(
            [sys.executable, "manage.py", "verify_audit"],
            cwd=PROJECT,
            env=kept | {"FALLBACKS_HOME": str(home)},
            capture_output=True,
            text=True,
        )
        assert told.returncode == 0, told.stderr
        # The end of the log is kept beside this product's own data.
        assert f"its end agrees with {home}/var/audit-head.json" in told.stdout
