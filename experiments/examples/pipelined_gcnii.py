"""A GCNII of 32 layers on a whole graph, its layers on several processes.

    python experiments/examples/pipelined_gcnii.py
    torchrun --nproc-per-node 2 experiments/examples/pipelined_gcnii.py

Alone it runs the same algorithm in one process, with the same losses. Needs no data: handwritten
digits come with scikit-learn, joined to their nearest neighbors.
"""

from __future__ import annotations

import os

import torch
import torch.distributed as dist

from graphlearn.data import load_dataset
from graphlearn.nn import deep_stack
from graphlearn.pipeline import PipelineTrainer, train


def main(epochs: int = 30) -> float:
    stages = int(os.environ.get("WORLD_SIZE", "1"))  # torchrun says how many there are
    if stages > 1:
        dist.init_process_group("gloo")
    data = load_dataset("digits-knn").data
    known = torch.rand(data.num_nodes, generator=torch.Generator().manual_seed(0)) < 0.1
    data.train_mask = known

    torch.manual_seed(0)  # the same weights everywhere; each process keeps its stage's layers
    stack = deep_stack("gcnii", data.num_features, 64, int(data.y.max()) + 1, 32, dropout=0.2)
    trainer = PipelineTrainer(
        stack, data, stages=stages, chunks=4, normalization="gcn", recompute=False
    )
    records = train(trainer, epochs)  # folder="checkpoints": a killed run goes on from there
    accuracy = trainer.accuracy(~known)
    if trainer.place.rank == 0:
        print(trainer)
        for last in records[-1:]:  # none if a folder's checkpoint was of all epochs
            print(f"loss {last.loss:.6f}, {last.sent_bytes[0]:,} bytes sent an epoch")
        print(f"accuracy on the other nodes: {accuracy:.3f}")
    if stages > 1:
        dist.destroy_process_group()
    return accuracy


if __name__ == "__main__":
    main()
