from __future__ import annotations

import pytest
import torch

from graphlearn.pipeline import Layout
from graphlearn.pipeline.held_rows import HaloReading, HeldRows


@pytest.mark.parametrize(("chunks", "ways"), [(1, 1), (4, 1), (40, 1), (3, 2), (8, 3)])
def test_every_chunk_finds_its_rows_and_its_halos(workers, chunks, ways) -> None:
    layout = Layout(workers.make_data().edge_index, workers.NODES, chunks, ways)
    met = []
    for way in range(ways):
        parts = [layout.chunk(number, way) for number in range(chunks)]
        sent = [i for number in range(chunks) for i in layout.sends(way, number).values()]
        held = HeldRows(parts, layout.chunk_of, torch.cat(sent) if sent else None)
        assert held.num_chunks == chunks
        assert held.num_rows == held.nodes.unique().numel() <= workers.NODES
        for number, part in enumerate(parts):
            border = held.border(number)
            mine = part.nodes if border is None else part.nodes[border]
            assert torch.equal(held.nodes[held.own(number)], mine)
            assert torch.equal(held.nodes[held.halo(number)], part.halo)
            assert torch.equal(held.halo_chunk(number), layout.chunk_of[part.halo])
            for ids in (layout.sends(way, number), layout.receives(way, number)):
                for nodes in ids.values():  # what ways bring each other is held on both
                    assert torch.equal(held.nodes[held.find(nodes)], nodes)
            met.append(part.nodes)
        # Those alone that another chunk or way reads; chunk after chunk, then those of other ways.
        wanted = torch.cat([*(part.halo for part in parts), *sent])
        assert sorted(held.nodes.tolist()) == sorted(set(wanted.tolist()))
        own = torch.cat(met[-chunks:])
        mine = own[torch.isin(own, wanted)]
        assert torch.equal(held.nodes[: mine.numel()], mine)
    assert sorted(torch.cat(met).tolist()) == list(range(workers.NODES))


def test_a_reading_says_what_is_fresh_in_an_order(workers) -> None:
    layout = Layout(workers.make_data().edge_index, workers.NODES, 4, 2)
    parts = [layout.chunk(number, 0) for number in range(4)]
    held = HeldRows(parts, layout.chunk_of)
    for order in ((0, 1, 2, 3), (2, 0, 3, 1)):
        for chunk in order:
            reading = held.reading(chunk, order)
            assert isinstance(reading, HaloReading)
            assert held.reading(chunk, order) is reading  # all layers share it
            done = order[: order.index(chunk) + 1]
            of, where = held.halo_chunk(chunk).tolist(), held.halo(chunk).tolist()
            fresh = [place for place, number in enumerate(of) if number in done]
            assert reading.fresh.tolist() == fresh
            assert reading.held.tolist() == [where[place] for place in fresh]
            old = [held.num_rows * (number not in done) for number in of]
            assert reading.source.tolist() == [w + o for w, o in zip(where, old, strict=True)]
            same = [of[place] == chunk for place in fresh]
            assert same == (
                reading.same.tolist() if reading.same is not None else [False] * len(same)
            )
