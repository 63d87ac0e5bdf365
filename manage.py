#!/usr/bin/env python
"""Django's command line."""

import os
import sys
from pathlib import Path


def main() -> None:
    root = Path(__file__).resolve().parent
    if (root / "platform" / "__init__.py").exists():
        sys.exit("platform/__init__.py must not exist: it hides Python's own module `platform`. Delete it.")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    for place in (root, root / "platform"):
        if str(place) not in sys.path:
            sys.path.insert(0, str(place))
    from django.core.management import execute_from_command_line

    from core.embedded import serve_command

    with serve_command(sys.argv):
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
