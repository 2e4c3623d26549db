"""Tests of the example for LiteLLM. Its files are made to be copied and are no package: their folder is the path."""

import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
EXAMPLE = PROJECT / "examples" / "litellm"

sys.path.insert(0, str(EXAMPLE))
