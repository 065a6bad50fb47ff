"""What every encoder starts from: features through a linear map, or a learned vector a node."""

from __future__ import annotations

import weakref

import torch
from torch import Tensor, nn

from graphlearn.errors import InputError
from graphlearn.nn.dropout import Dropout, dropout
from graphlearn.nn.linear import SparseLinear, check_feature_matrix
from graphlearn.validate import check_flag, check_num_nodes, check_probability, check_size


def normalize_rows(x: Tensor) -> Tensor:
    r"""Divide each row by the sum of its absolute values; rows of zeros stay.

    For features that are not negative this is PyG's ``NormalizeFeatures``, but sparse features stay
    sparse. Cost: O(nnz), or O(N C) for dense ones.

    Shapes:
        - **x**, **output**: ``[N, C]``, dense or sparse CSR

    Example:
        >>> normalize_rows(torch.tensor([[1.0, 3.0], [0.0, 0.0]])).tolist()
        [[0.25, 0.75], [0.0, 0.0]]
    """
    if x.layout == torch.strided:
        total = x.abs().sum(1, keepdim=True)
        return x / total.masked_fill(total == 0, 1.0)
    rowptr, values = x.crow_indices(), x.values()
    total = values.new_zeros(x.size(0))
    row = torch.repeat_interleave(torch.arange(x.size(0), device=x.device), rowptr.diff().long())
    total.index_add_(0, row, values.abs())
    total.masked_fill_(total == 0, 1.0)
    return torch.sparse_csr_tensor(
        rowptr, x.col_indices(), values / total[row], x.shape, check_invariants=False
    )


class NodeInput(nn.Module):
    r"""First representation of the nodes: (mapped) features, or an embedding by node id.

    Args:
        in_channels (int, optional): Number of features; None for a graph without features.
        out_channels (int): Size of the representation, where features are mapped.
        num_embeddings (int, optional): Number of nodes, where each has a learned vector: in place
            of features, or beside them. The vectors start orthogonal.
        embedding_channels (int): Size of the learned vectors beside features, which are mapped by
            a linear map of their own and added; 0 for none. Without features their size is
            ``out_channels``. (default: :obj:`0`)
        feature_dropout (float): Dropout on the features. (default: :obj:`0.0`)
        dropout (float): Dropout after the map. (default: :obj:`0.0`)
        linear (bool): Map the features; otherwise they are the first representation, sparse where
            they were. (default: :obj:`True`)
        normalize_features (bool): Divide each node's features by their sum, see
            :func:`normalize_rows`; done once a feature matrix and kept, unless it has a gradient.
            Changes that torch does not count, such as through ``x.numpy()``, go unnoticed.
            (default: :obj:`False`)

    Shapes:
        - **x**: ``[N, in_channels]`` dense or sparse CSR, or None
        - **output**: ``[N, out_channels]``, or ``[N, in_channels]`` without the map

    Raises:
        InputError: If neither features nor embeddings are asked for, or both without
            ``embedding_channels``, or ``x`` does not fit what was.

    Example:
        >>> NodeInput(None, 4, num_embeddings=3)(None).shape
        torch.Size([3, 4])
    """

    def __init__(
        self,
        in_channels: int | None,
        out_channels: int,
        *,
        num_embeddings: int | None = None,
        embedding_channels: int = 0,
        feature_dropout: float = 0.0,
        dropout: float = 0.0,
        linear: bool = True,
        normalize_features: bool = False,
    ) -> None:
        super().__init__()
        check_num_nodes(embedding_channels, name="embedding_channels")
        beside = embedding_channels > 0
        if beside and in_channels is None:
            raise InputError(
                f"embedding_channels is {embedding_channels} and there are no features",
                expected="features for the learned vectors to be beside",
                mend="leave it out: without features the vectors have the encoder's own size",
            )
        if beside and num_embeddings is None:
            raise InputError(
                f"embedding_channels is {embedding_channels} and num_embeddings is None",
                expected="the number of nodes",
                mend="pass num_embeddings=data.num_nodes",
            )
        if not beside and (in_channels is None) == (num_embeddings is None):
            raise InputError(
                f"in_channels is {in_channels} and num_embeddings is {num_embeddings}",
                expected="one of them, and the other None",
                mend="pass num_embeddings=data.num_nodes for a graph without features, or "
                "embedding_channels for learned vectors beside the features",
            )
        if beside and not linear:
            raise InputError(
                f"embedding_channels is {embedding_channels} and linear is off",
                expected="a linear map of the features, to which the vectors are added",
            )
        for name, size in (("in_channels", in_channels), ("num_embeddings", num_embeddings)):
            if size is not None:
                check_size(size, name=name)
        check_probability(feature_dropout, name="feature_dropout")
        check_flag(linear, name="linear")
        check_flag(normalize_features, name="normalize_features")
        self.in_channels = in_channels
        self.feature_dropout = feature_dropout
        self.normalize_features = normalize_features
        self.linear: SparseLinear | None = None
        self.embedding: nn.Embedding | None = None
        self.embedding_map: nn.Linear | None = None
        self._normalized: tuple[weakref.ref[Tensor], int, Tensor] | None = None
        if in_channels is not None and linear:
            self.linear = SparseLinear(in_channels, out_channels, input_dropout=feature_dropout)
        if num_embeddings is not None:
            size = embedding_channels if beside else out_channels
            self.embedding = nn.Embedding(num_embeddings, size)
        if beside:
            self.embedding_map = nn.Linear(embedding_channels, out_channels, bias=False)
        self.dropout = Dropout(dropout)
        self.reset_parameters()

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_normalized": None}  # a weak reference cannot be pickled

    def reset_parameters(self) -> None:
        """Draw new weights; embeddings are orthogonal."""
        if self.linear is not None:
            self.linear.reset_parameters()
        if self.embedding is not None:
            nn.init.orthogonal_(self.embedding.weight)
        if self.embedding_map is not None:
            self.embedding_map.reset_parameters()

    def forward(self, x: Tensor | None) -> Tensor:
        """Return the first representation of every node."""
        if self.embedding is not None and self.embedding_map is None:
            if x is not None:
                raise InputError(
                    f"x has shape {list(x.shape)}",
                    expected="None, because the encoder was built with num_embeddings",
                )
            weight: Tensor = self.embedding.weight
            return self._dropped(weight)
        if x is None:
            raise InputError("x is None", expected="features, as the encoder was built for them")
        assert self.in_channels is not None
        x = check_feature_matrix(x, self.in_channels)
        if self.normalize_features:
            x = self._normalize(x)
        if self.linear is not None:
            out: Tensor = self.linear(x)
            if self.embedding_map is not None and self.embedding is not None:
                self._check_rows(x, self.embedding)
                out = out + self.embedding_map(self.embedding.weight)
            return self._dropped(out)
        x = _drop(x, self.feature_dropout, training=self.training)
        return _drop(x, self.dropout.p, training=self.training)

    def _dropped(self, h: Tensor) -> Tensor:
        dropped: Tensor = self.dropout(h)
        return dropped

    @staticmethod
    def _check_rows(x: Tensor, embedding: nn.Embedding) -> None:
        if x.size(0) != embedding.num_embeddings:
            raise InputError(
                f"x has {x.size(0)} rows",
                expected=f"{embedding.num_embeddings}, one for each learned vector",
            )

    def _normalize(self, x: Tensor) -> Tensor:
        # What has a gradient, or is made without one for good, serves the call that made it alone.
        if x.requires_grad or x.is_inference() or torch.is_inference_mode_enabled():
            return normalize_rows(x)
        # The same tensor each time: what follows keeps the transpose of sparse features by it.
        kept = self._normalized
        if kept is None or kept[0]() is not x or kept[1] != x._version:
            kept = self._normalized = (weakref.ref(x), x._version, normalize_rows(x))
        return kept[2]

    def extra_repr(self) -> str:
        """Options for ``repr``."""
        return f"{self.in_channels}, normalize_features={self.normalize_features}"


def _drop(x: Tensor, probability: float, *, training: bool) -> Tensor:
    """Dropout of dense or sparse CSR features; of the latter the stored values alone."""
    if not training or probability == 0.0:
        return x
    if x.layout == torch.strided:
        return dropout(x, probability, training=True)
    values = dropout(x.values(), probability, training=True)
    return torch.sparse_csr_tensor(
        x.crow_indices(), x.col_indices(), values, x.shape, check_invariants=False
    )


class JumpingKnowledge(nn.Module):
    r"""Weighted sum of all layers' outputs, with one learned scalar a layer.

    NCN's reference starts the scalars from a normal distribution, so a one-layer encoder begins
    with a random scale and sign; here they start at 1 unless ``initial="normal"``.

    Args:
        num_layers (int): Number of layers.
        initial (str): ``"ones"`` or ``"normal"``. (default: :obj:`"ones"`)

    Shapes:
        - **layers**: a list of ``[N, C]``; **output**: ``[N, C]``

    Example:
        >>> import torch
        >>> JumpingKnowledge(2)([torch.ones(1, 1), torch.ones(1, 1)]).tolist()
        [[2.0]]
    """

    def __init__(self, num_layers: int, initial: str = "ones") -> None:
        super().__init__()
        if initial not in ("ones", "normal"):
            raise InputError(f"initial is {initial!r}", expected="'ones' or 'normal'")
        self.initial = initial
        self.weight = nn.Parameter(torch.empty(num_layers))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the scalars to their initial values."""
        if self.initial == "ones":
            nn.init.ones_(self.weight)
        else:
            nn.init.normal_(self.weight)

    def forward(self, layers: list[Tensor]) -> Tensor:
        """Return the weighted sum."""
        total = layers[0] * self.weight[0]
        for index, layer in enumerate(layers[1:], start=1):
            total = total + layer * self.weight[index]
        return total
