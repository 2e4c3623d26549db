#!/usr/bin/env python
"""Django's command line. Beside a running `make run` it works on that product's data."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fallbacks.settings")
    from fallbacks.local import environment

    environment.load()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
