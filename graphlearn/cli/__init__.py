"""The command line: words to calls, nothing else.

Whatever a person can get wrong ends in one line on standard error and exit code 2; ``--debug``
shows where it came from. Heavy imports happen inside the commands, so that ``--help`` is quick.
"""

from graphlearn.cli.commands import app
from graphlearn.cli.entry import main
from graphlearn.cli.torchrun import together

__all__ = ["app", "main", "together"]
