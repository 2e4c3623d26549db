"""Slugs: what workloads, environments, tiers, payload classes and request shapes may be called. Pure."""

import re
from typing import Final

PATTERN: Final = "[a-z0-9._-]{1,64}"


def is_slug(text: str) -> bool:
    """Tell whether a text is one."""
    return re.fullmatch(PATTERN, text) is not None
