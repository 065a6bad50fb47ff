"""Two instructions that compiled loops have no words for: copy bytes, and bring bytes near.

Both take plain addresses, so that one compiled loop serves every dtype, and read-only arrays too.
Nothing here can check an address: the caller has.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

_BYTE_POINTER = ir.IntType(8).as_pointer()
_INT32 = ir.IntType(32)


def _copy_bytes(typing_context: Any, target: Any, source: Any, count: Any) -> Any:
    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        to = builder.inttoptr(args[0], _BYTE_POINTER)
        origin = builder.inttoptr(args[1], _BYTE_POINTER)
        cgutils.raw_memcpy(builder, to, origin, args[2], 1)  # type: ignore[no-untyped-call]
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp), emit


def _prefetch(typing_context: Any, address: Any) -> Any:
    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.FunctionType(ir.VoidType(), [_BYTE_POINTER, _INT32, _INT32, _INT32])
        name = "llvm.prefetch.p0"
        function = cgutils.get_or_insert_function(builder.module, kind, name)  # type: ignore[no-untyped-call]
        where = builder.inttoptr(args[0], _BYTE_POINTER)
        # For reading, kept in all caches, as data.
        builder.call(function, [where, _INT32(0), _INT32(3), _INT32(1)])
        return context.get_dummy_value()

    return types.void(types.intp), emit


copy_bytes: Any = intrinsic(_copy_bytes)
"""``copy_bytes(target, source, count)``: the C library's ``memcpy``.

It is faster than a loop over words where a row is short or of an odd length (the loop's tail runs
byte by byte), and as fast on long rows.
"""

prefetch: Any = intrinsic(_prefetch)
"""``prefetch(address)``: ask for the cache line of an address that will be read soon.

A wrong address does no harm: the processor drops what it may not read.
"""
