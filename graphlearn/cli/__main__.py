"""``python -m graphlearn.cli``, where no ``graphlearn`` is on the path."""

from __future__ import annotations

import sys

from graphlearn.cli.entry import main

if __name__ == "__main__":
    sys.exit(main())
