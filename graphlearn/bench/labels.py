"""What a recipe of a sweep is called: its name, and the values that tell it from the others."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any


def shown_name(name: str, values: Mapping[str, Any], among: Iterable[str] = ()) -> str:
    """Return the name with the values of a sweep, each key in as few words as tell it apart.

    Args:
        name: The recipe's name.
        values: Dotted key to value.
        among: Further keys that it must not be mistaken for.

    Example:
        >>> shown_name("ncn", {"train.batch_size": 512, "predictor.dropout": 0.05})
        'ncn (batch_size=512, dropout=0.05)'
        >>> shown_name("ncn", {"encoder.dropout": 0.3}, among=["predictor.dropout"])
        'ncn (encoder.dropout=0.3)'
        >>> shown_name("ncn", {})
        'ncn'
    """
    if not values:
        return name
    last = Counter(key.rpartition(".")[2] for key in {*values, *among})
    parts = []
    for key, value in values.items():
        short = key.rpartition(".")[2]
        # "name" alone says of nothing whose name it is.
        word = short if last[short] == 1 and short != "name" else key
        parts.append(f"{word}={shown_setting(value)}")
    return f"{name} ({', '.join(parts)})"


def shown_setting(value: Any) -> str:
    """Return a value as ``--set`` takes it.

    Example:
        >>> [shown_setting(v) for v in (0.05, None, "lcm", [15, 10], {"name": "lcm"})]
        ['0.05', 'null', 'lcm', '[15,10]', '{"name":"lcm"}']
    """
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
