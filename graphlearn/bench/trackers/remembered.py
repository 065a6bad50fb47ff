"""What a seed's folder remembers of its trackers, so that a resumed seed goes on in its run."""

from __future__ import annotations

import json
from typing import Any

from graphlearn.bench.trackers.protocol import TrackedSeed
from graphlearn.files import atomic_write_text, make_folder

TRACKED_NAME = "tracked.json"
"""The file in the seed's folder."""


def recall(seed: TrackedSeed, service: str) -> dict[str, Any]:
    """Return what :func:`remember` kept for a service; nothing of another seed, recipe or version.

    A file that cannot be read is nothing too: all that is lost is that curves go on in a new run.

    Args:
        seed: The seed.
        service: A tracker's name.
    """
    found = _read(seed).get(service, {})
    return dict(found) if isinstance(found, dict) else {}


def remember(seed: TrackedSeed, service: str, **values: Any) -> None:
    """Keep a service's values in the seed's folder.

    Args:
        seed: The seed.
        service: A tracker's name.
        values: Plain values, in place of those that were there.

    Raises:
        OutputError: If it cannot be written.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     seed = TrackedSeed("cn on cora, seed 0", "cn/seed-0", {}, Path(folder), "ab")
        ...     remember(seed, "wandb", id="x1")
        ...     recall(seed, "wandb"), recall(seed, "mlflow")
        ({'id': 'x1'}, {})
    """
    kept = {**_read(seed), "key": seed.key, service: values}
    make_folder(seed.folder)
    atomic_write_text(seed.folder / TRACKED_NAME, json.dumps(kept, indent=1) + "\n")


def _read(seed: TrackedSeed) -> dict[str, Any]:
    try:
        found = json.loads((seed.folder / TRACKED_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and found.get("key") == seed.key else {}
