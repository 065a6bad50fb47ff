from __future__ import annotations

import numpy as np
import pytest

from graphlearn.kernels.best_heap import push, replace_root, worse


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("keep", [1, 2, 7, 30])
def test_the_best_are_kept_whatever_the_order_with_smaller_ids_first(keep: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 5, 60).astype(np.float32)  # many are equal
    wanted = sorted(zip(-values, range(60), strict=True))[:keep]
    kept, idents = np.empty(keep, np.float32), np.empty(keep, np.int64)
    for size, ident in enumerate(rng.permutation(60)):
        if size < keep:
            push(kept, idents, size, values[ident], ident)
        elif worse(kept[0], idents[0], values[ident], ident):
            replace_root(kept, idents, values[ident], ident)
    assert sorted(zip(-kept, idents, strict=True)) == wanted
    assert (-kept[0], idents[0]) == wanted[-1]  # the root is the worst of them
