"""The GPU kernel, run by Triton's interpreter: slow, and a wrong store would corrupt the heap."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from graphlearn.errors import MissingExtraError
from graphlearn.kernels.gather import triton_rows

WIDTHS = [1, 7, 16, 32, 100, 128, 257]
DTYPES = [torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool]


def draw(count: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-99, 99, (count,), generator=generator).to(dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("offset", [0, 3])
def test_rows_come_out_bit_for_bit_and_nothing_beside_them(
    interpreted: ModuleType, width: int, dtype: torch.dtype, offset: int
) -> None:
    """With an offset the table starts inside a line of the bus, and its words are shorter."""
    table = draw(20 * width + offset, dtype)[offset:].view(20, width)
    index = draw(13, torch.int64, seed=1) % 20
    around = torch.zeros(15, width, dtype=dtype)
    interpreted.gather(table, index, around[1:-1])
    assert torch.equal(around[1:-1], table[index])
    assert not around[[0, -1]].any()


@pytest.mark.parametrize("index_dtype", [torch.int32, torch.int64])
def test_rows_asked_for_in_their_own_order_come_out_in_another(
    interpreted: ModuleType, index_dtype: torch.dtype
) -> None:
    table, index = draw(20 * 9).view(20, 9), draw(17, torch.int64, seed=1) % 20
    rows, order = index.sort()
    out = torch.zeros(17, 9)
    interpreted.gather(table, rows.to(index_dtype), out, order=order)
    assert torch.equal(out, table[index])


def test_places_beyond_31_bits(interpreted: ModuleType, tmp_path: Path) -> None:
    rows = 2**31 // 7 + 5  # of a file that is a hole but for its last row
    table = torch.from_numpy(np.memmap(tmp_path / "rows", np.uint8, "w+", shape=(rows, 7)))
    table[-1] = torch.arange(7)
    out = torch.full((3, 7), 9, dtype=torch.uint8)
    interpreted.gather(table, torch.tensor([rows - 1, 0, rows - 2], dtype=torch.int32), out)
    assert out.tolist() == [[0, 1, 2, 3, 4, 5, 6], [0] * 7, [0] * 7]


def test_few_programs_take_several_blocks_each(interpreted: ModuleType) -> None:
    table, index = draw(5 * 300).view(5, 300), draw(23, torch.int64, seed=1) % 5
    out = torch.zeros(23, 300)
    launched = note_launches(interpreted, lambda: interpreted.gather(table, index, out))
    assert launched == [((6,), 4, 256)]  # all at once: four rows, in two blocks of words
    out.zero_()
    launched = note_launches(
        interpreted, lambda: interpreted.gather(table, index, out, max_threads=256)
    )
    assert launched == [((2,), 4, 256)]
    assert torch.equal(out, table[index])


def note_launches(module: ModuleType, call: Any) -> list[tuple[tuple[int, ...], int, int]]:
    """Grid, rows and words of a tile of each launch."""
    kernel, launched = module._kernel, []

    class Noted:
        def __getitem__(self, grid: tuple[int, ...]) -> Any:
            def launch(*args: Any, **sizes: Any) -> None:
                launched.append((grid, sizes["ROWS"], sizes["BLOCK"]))
                kernel[grid](*args, **sizes)

            return launch

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_kernel", Noted())
        call()
    return launched


def test_nothing_to_copy(interpreted: ModuleType) -> None:
    none = torch.empty(0, dtype=torch.int64)
    interpreted.gather(torch.empty(0, 4), none, torch.empty(0, 4))
    interpreted.gather(torch.ones(3, 4), none, torch.empty(0, 4))
    interpreted.gather(torch.empty(3, 0), torch.tensor([1]), torch.empty(1, 0))


def test_rows_of_several_axes_and_of_none(interpreted: ModuleType) -> None:
    index = torch.tensor([4, 0])
    for shape in [(5, 2, 3), (5,)]:
        table = draw(5 * 6)[: 5 * (6 if len(shape) > 1 else 1)].view(shape)
        out = torch.zeros(2, *shape[1:])
        interpreted.gather(table, index, out)
        assert torch.equal(out, table[index])


@pytest.mark.parametrize("word", ["i64", "i32", "i16", "i8"])
@pytest.mark.parametrize("starts_line", [True, False])
def test_it_compiles_for_a_gpu_that_is_not_here(
    word: str, starts_line: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The interpreter takes things that the compiler refuses."""
    triton = pytest.importorskip("triton", reason="Triton has no wheel for this platform")
    compiler = pytest.importorskip("triton.compiler")
    backends = pytest.importorskip("triton.backends.compiler")
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    constants = {"HAS_ORDER": True, "STARTS_LINE": starts_line, "LINE": 16, "ROWS": 4, "BLOCK": 256}
    types = {"table": f"*{word}", "index": "*i32", "order": "*i64", "out": f"*{word}"}
    types |= {"count": "i32", "width": "i32", "before": "i32"}
    types |= dict.fromkeys(constants, "constexpr")
    source = compiler.ASTSource(triton_rows._kernel, types, constants, {})
    target = backends.GPUTarget("cuda", 80, 32)
    built = triton.compile(source, target=target, options={"enable_fp_fusion": False})
    assert "st.global" in built.asm["ptx"]


def test_without_triton(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triton_rows, "_kernel", None)
    with pytest.raises(MissingExtraError, match=r"triton is not installed.*method='view'"):
        triton_rows.gather(torch.ones(1), torch.tensor([0]), torch.ones(1))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("width", WIDTHS)
def test_on_a_gpu_from_page_locked_memory(width: int, dtype: torch.dtype) -> None:
    table = draw(5000 * width, dtype).view(5000, width).pin_memory()
    index = draw(3000, torch.int64, seed=1) % 5000
    rows, order = index.sort()
    out = torch.zeros(3000, width, dtype=dtype, device="cuda")
    with torch.cuda.device(out.device):
        triton_rows.gather(table, rows.cuda(), out, order=order.cuda())
    assert torch.equal(out.cpu(), table[index])
