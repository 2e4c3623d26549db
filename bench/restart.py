"""Row 13: from telling `make run` to stop until the next one serves, with its data kept."""

import shutil
import signal
import tempfile
import time
from pathlib import Path

from bench.figures import Figure
from bench.rig import Rig
from bench.sizes import Sizes
from tests.local import runs


def measure(rig: Rig, sizes: Sizes) -> list[Figure]:
    figure = Figure("13", "full stop to serving again, data kept", 10, 5, "less", " s")
    home = Path(tempfile.mkdtemp(prefix="fo-bench-"))
    home.chmod(0o755)  # open to the user that PostgreSQL runs as: its data then lies in it
    run = runs.launch(home)
    try:
        run.serve()
        for _ in range(sizes.rounds):
            event = run.acknowledged()
            started = time.monotonic()
            run.stop(signal.SIGINT)
            stopped = time.monotonic()
            run = runs.launch(home, run.port)
            run.serve()
            figure.runs.append(time.monotonic() - started)
            figure.detail = {"s to stop": stopped - started, "s to start": figure.runs[-1] - (stopped - started)}
            run.stored(event)
    finally:
        runs.clean(run)
        shutil.rmtree(home, ignore_errors=True)
    return [figure]
