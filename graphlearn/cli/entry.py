"""From words to an exit code: what a person can mend ends in one line and exit code 2."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence

import cyclopts

from graphlearn.allocator import keep_freed_memory
from graphlearn.cli.commands import app
from graphlearn.cli.show import one_line
from graphlearn.errors import GraphLearnError


def main(arguments: Sequence[str] | None = None, app: cyclopts.App = app) -> int:
    """Run the command line and return its exit code.

    Args:
        arguments: The words after the program's name; by default the process's own.
        app: Which commands; those of ``graphlearn`` by default.

    Returns:
        0, or 2 after an error that the person can mend, or 130 after Ctrl-C.
    """
    if arguments is None:  # the process is the command line's own
        keep_freed_memory()
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    try:
        app(words, exit_on_error=False, print_error=False, result_action="return_value")
    except (GraphLearnError, cyclopts.CycloptsError) as error:
        if debug:
            traceback.print_exc()
        print(f"graphlearn: {one_line(str(error))}", file=sys.stderr)
        return 2
    except (MemoryError, RuntimeError) as error:
        if debug or not (isinstance(error, MemoryError) or "allocate" in str(error)):
            raise
        print(
            f"graphlearn: out of memory ({one_line(str(error))[:200]}); use smaller layers or "
            "batches, or fewer workers",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt as error:
        folder = getattr(error, "folder", None)
        after = f"; go on with: graphlearn resume {folder}" if folder is not None else ""
        print(f"\ngraphlearn: stopped{after}", file=sys.stderr)
        return 130
    except BrokenPipeError:  # "graphlearn ls | head"
        sys.stderr.close()
        return 0
    return 0
