"""Bytes that devices send each other in an epoch, exactly: by layers, by graph, or by both.

GNNPipe (arXiv 2308.10087) cuts a network by layers because this "reduces the communication volume
by a factor of the number of GNN layers" against cutting the graph. In its terms: N nodes, H
channels between layers, L layers, S stages of consecutive layers, and alpha, the replicas a vertex:
on how many other devices a node is read, on average. Each number that one device sends another is
counted once; half of them are representations on their way forward, half gradients on theirs back.
"""

from __future__ import annotations

from graphlearn.validate import check_flag, check_num_nodes, check_size


def pipeline_bytes(
    num_nodes: int, channels: int, stages: int, *, itemsize: int = 4, carried: bool = False
) -> int:
    """Bytes of pipelining by layers: ``2 (S - 1) N H itemsize``.

    Every node's row crosses each border between two stages once, and its gradient once back, in
    however many chunks. Neither the number of layers nor what the chunks cut matters.

    Args:
        num_nodes: N.
        channels: H.
        stages: S.
        itemsize: Bytes of a number.
        carried: Whether a second tensor of the same width goes along, as the first representation
            does in GCNII: twice the bytes.

    Raises:
        InputTypeError: If an argument is of a wrong type.
        InputError: If one is out of range.

    Example:
        >>> pipeline_bytes(1000, 64, 4)
        1536000
        >>> pipeline_bytes(1000, 64, 4, carried=True)
        3072000
    """
    rows = 2 * (check_size(stages, name="stages") - 1) * check_num_nodes(num_nodes)
    tensors = 1 + check_flag(carried, name="carried")
    return tensors * rows * check_size(channels, name="channels") * _itemsize(itemsize)


def graph_parallel_bytes(
    num_replicas: int, channels: int, layers: int, *, itemsize: int = 4
) -> int:
    """Bytes of cutting the graph: ``2 L alpha N H itemsize``.

    Before every layer each row goes to all other devices that read it, and the gradients of those
    replicas come back: the volume grows with depth.

    Args:
        num_replicas: alpha N, a whole number: ``Layout.num_replicas``.
        channels: H.
        layers: L.
        itemsize: Bytes of a number.

    Raises:
        InputTypeError: If an argument is no integer.
        InputError: If one is out of range.

    Example:
        >>> graph_parallel_bytes(1500, 64, 32)
        24576000
    """
    rows = check_num_nodes(num_replicas, name="num_replicas") * check_size(layers, name="layers")
    return 2 * rows * check_size(channels, name="channels") * _itemsize(itemsize)


def hybrid_bytes(
    num_nodes: int,
    num_replicas: int,
    channels: int,
    layers: int,
    stages: int,
    *,
    itemsize: int = 4,
    carried: bool = False,
) -> int:
    """Bytes of stages whose devices share the graph: the layer part and the graph part.

    The layer part is :func:`pipeline_bytes`: each way hands its own rows on to the same way of the
    next stage. The graph part is :func:`graph_parallel_bytes` inside each stage's group, summed:
    a stage of L' layers sends ``2 L' alpha N H itemsize``, where alpha is that of the cut among
    the ways, which are fewer than all devices. One way, or one stage, leaves the other part alone.

    Args:
        num_nodes: N.
        num_replicas: alpha N of the cut among ways: ``Layout.num_replicas``.
        channels: H.
        layers: L, of all stages together.
        stages: S.
        itemsize: Bytes of a number.
        carried: Whether a second tensor goes along between stages.

    Raises:
        InputTypeError: If an argument is of a wrong type.
        InputError: If one is out of range.

    Example:
        >>> hybrid_bytes(1000, 300, 64, layers=32, stages=4)
        6451200
        >>> pipeline_bytes(1000, 64, 4) + graph_parallel_bytes(300, 64, 32)
        6451200
    """
    between = pipeline_bytes(num_nodes, channels, stages, itemsize=itemsize, carried=carried)
    return between + graph_parallel_bytes(num_replicas, channels, layers, itemsize=itemsize)


def _itemsize(itemsize: int) -> int:
    return check_size(itemsize, name="itemsize")
