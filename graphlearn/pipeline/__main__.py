"""``torchrun --nproc-per-node STAGES -m graphlearn.pipeline RECIPE``: words to calls, nothing else.

The one file of this room that looks up: the recipes, ledgers and reports of a run are of the floors
above, and ``-m`` wants a name that says what is run.
"""

from __future__ import annotations

import sys

from graphlearn.cli import main, together

if __name__ == "__main__":
    sys.exit(main(app=together))
