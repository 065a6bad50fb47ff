"""What was sampled, in the form of PyG's samplers."""

from __future__ import annotations

import torch
from torch import Tensor
from torch_geometric.sampler import HeteroSamplerOutput, SamplerOutput

from graphlearn.kernels.sample import SampledHops
from graphlearn.loader.sampled_graph import SampledGraph


def sampler_output(hops: SampledHops, graph: SampledGraph) -> SamplerOutput | HeteroSamplerOutput:
    """Return PyG's output; by type where the graph has types. Shares the memory of ``hops``.

    Args:
        hops: What was sampled.
        graph: What it was sampled from.

    Example:
        >>> from torch_geometric.data import Data
        >>> from graphlearn.loader.sampled_graph import sampled_graph
        >>> import numpy as np
        >>> edge_index = torch.tensor([[1, 2], [0, 0]])
        >>> graph = sampled_graph(Data(edge_index=edge_index, num_nodes=3))
        >>> hops = graph.hop_sampler().sample({0: np.array([0])}, [[-1]], key=0)
        >>> output = sampler_output(hops, graph)
        >>> output.node.tolist(), output.row.tolist(), output.col.tolist()
        ([0, 1, 2], [1, 2], [0, 0])
    """
    ends = [_ends(hops, number, graph.backward) for number in range(len(graph.edge_types))]
    counted = hops.edges_per_hop
    if not graph.is_hetero:
        return SamplerOutput(
            node=torch.from_numpy(hops.node[0]),
            row=ends[0][0],
            col=ends[0][1],
            edge=torch.from_numpy(hops.entry[0]),
            batch=None if hops.tree is None else torch.from_numpy(hops.tree[0]),
            num_sampled_nodes=None if counted is None else hops.nodes_per_hop[0],
            num_sampled_edges=None if counted is None else counted[0],
        )
    nodes, edges = graph.node_types, graph.edge_types
    trees = hops.tree
    return HeteroSamplerOutput(
        node=dict(zip(nodes, map(torch.from_numpy, hops.node), strict=True)),
        row={kind: pair[0] for kind, pair in zip(edges, ends, strict=True)},
        col={kind: pair[1] for kind, pair in zip(edges, ends, strict=True)},
        edge=dict(zip(edges, map(torch.from_numpy, hops.entry), strict=True)),
        batch=None
        if trees is None
        else dict(zip(nodes, map(torch.from_numpy, trees), strict=True)),
        num_sampled_nodes=None
        if counted is None
        else dict(zip(nodes, hops.nodes_per_hop, strict=True)),
        num_sampled_edges=None if counted is None else dict(zip(edges, counted, strict=True)),
    )


def _ends(hops: SampledHops, number: int, backward: bool) -> tuple[Tensor, Tensor]:
    source, target = (torch.from_numpy(part[number]) for part in (hops.source, hops.target))
    return (target, source) if backward else (source, target)
