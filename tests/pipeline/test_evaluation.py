from __future__ import annotations

import torch

from graphlearn.pipeline import Layout
from graphlearn.pipeline.evaluation import spread_rows, whole_pass


def test_a_whole_pass_has_nothing_old_in_it(workers) -> None:
    trainer = workers.make_trainer("mixed", chunks=5, refresh=100)
    for _ in range(3):
        trainer.train_epoch()
    history = [rows.history.clone() for rows in map(trainer.layer_rows, range(1, 5))]
    trainer.layers.eval()
    outputs = whole_pass(trainer._stage, trainer._borders, trainer.epoch)
    found, known = spread_rows(outputs, trainer._chunks, workers.NODES)
    assert bool(known.all())
    data, whole = workers.make_data(), workers.make_stack("mixed")
    whole.load_state_dict(trainer.state_dict())
    graph = Layout(data.edge_index, workers.NODES, 1, normalization="gcn", dtype=torch.float64)
    with torch.no_grad():
        wanted = workers.run_layers(whole.eval(), data.x, graph.chunk(0))
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-12)
    for number, rows in enumerate(history, start=1):  # they are kept for the next epoch
        assert torch.equal(trainer.layer_rows(number).history, rows)


def test_rows_that_another_process_has_are_zero_and_unknown() -> None:
    layout = Layout(
        torch.tensor([[0], [1]]),
        3,
        1,
        2,
        way_of=torch.tensor([0, 1, 0]),
        chunk_of=torch.zeros(3).long(),
    )
    rows, known = spread_rows([torch.tensor([[1.0], [2.0]])], [layout.chunk(0, 0)], 3)
    assert rows.flatten().tolist() == [1.0, 0.0, 2.0]
    assert known.tolist() == [True, False, True]
