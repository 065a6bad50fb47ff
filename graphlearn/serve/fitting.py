"""From an edge list to a model: split, learn, choose on held-out links, calibrate, report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from graphlearn.data import sample_non_edges
from graphlearn.errors import InputError
from graphlearn.kernels import CSRGraph
from graphlearn.metrics import area_under_roc
from graphlearn.nn import LinkModel
from graphlearn.serve.calibration import calibrate, calibration_error, calibration_tenths
from graphlearn.serve.candidates import CandidateSizes
from graphlearn.serve.learnt import can_train, dense_note, learnt_scores, train_model
from graphlearn.serve.link_model import LinkRecommender
from graphlearn.serve.lists import list_order
from graphlearn.serve.mixing import EPOCHS, learn_mixer
from graphlearn.serve.model_folder import check_place
from graphlearn.serve.node_ids import NodeIds
from graphlearn.serve.order import LinkOrder, order_links
from graphlearn.serve.own_links import OwnLinks
from graphlearn.serve.pair_features import count_columns
from graphlearn.serve.quality import TOP, Examples, choose_scorer, make_examples, measure
from graphlearn.serve.scorer import HEURISTICS, Scorer
from graphlearn.serve.served import ServedLists, score_served, served_nodes
from graphlearn.serve.snapshot import late_note, link_graph, snapshot
from graphlearn.serve.sources import read_own_links
from graphlearn.serve.vectors import node_vectors, standardized
from graphlearn.serve.view import View
from graphlearn.time_left import Advance
from graphlearn.validate import check_num_nodes

Say = Callable[[str], None]

_LARGE = 200_000  # nodes
_MOST_PAIRS = 5_000  # for the area under ROC
_SEEDS = 2**64


@dataclass(frozen=True, kw_only=True)
class FitSizes:
    """What a fit takes upon itself, by the size of the graph.

    Args:
        dim: Columns of the nodes' vectors.
        most_sources: Nodes with held-out links whose lists are learnt from, and measured, for each
            part.
        most_without: Nodes without held-out links whose lists probabilities are fitted to, and
            measured on.
        learnt: Whether to train NCN and see if it helps.
        candidates: Sizes of the lists.

    Example:
        >>> FitSizes.of(OwnLinks(["a", "b", "c"], torch.tensor([[0], [1]]))).learnt
        True
    """

    dim: int = 64
    most_sources: int = 20_000
    most_without: int = 5_000
    learnt: bool = True
    candidates: CandidateSizes = field(default_factory=CandidateSizes)

    @classmethod
    def of(cls, own: OwnLinks) -> FitSizes:
        """Defaults for a graph."""
        if own.num_nodes <= _LARGE:
            return cls(learnt=can_train(own))
        return cls(dim=32, most_sources=2_000, most_without=2_000, learnt=False)


def fit(
    edges: Any,
    *,
    features: Path | str | Tensor | None = None,
    time: str | Sequence[float] | Tensor | None = None,
    source_column: str | None = None,
    target_column: str | None = None,
    id_column: str | None = None,
    text_ids: bool = False,
    out: Path | str | None = None,
    seed: int = 0,
    say: Say | None = None,
    advance: Advance | None = None,
) -> LinkRecommender:
    """Fit a recommender of new links to a graph of your own.

    A tenth of the links, at most 100,000, is held out to learn what predicts links, as many to
    choose by, as many to report quality on: the latest ones where there are times, else random
    ones. What is served knows all links. Chosen among are the heuristics as they are, learnt
    mixtures of them, and where the graph is small enough mixtures with a trained NCN: by hit rate
    at 10, whatever the area under ROC is. Probabilities are fitted to the links that were chosen by
    when their error is measured on the last part, then anew to that part.

    The training of NCN rounds differently with another number of torch's threads; nothing else
    depends on it.

    Args:
        edges: A file (csv, tsv, txt, these with .gz, parquet), a PyG ``Data``, a networkx graph,
            or pairs of ids. Read as undirected; repeated links are merged.
        features: A file with a table of node features keyed by id, or for a ``Data`` or pairs of
            integers ``[N, C]`` numbers. Nodes that are in the table alone have no links.
        time: The column of the edges' times in a file, by name or number; or the times themselves.
        source_column: The column of the first end, by name or number.
        target_column: The column of the second end.
        id_column: The column of ids in the table of features.
        text_ids: Take ids as text even where some are integers.
        out: Folder to write the model to.
        seed: Of all that is drawn.
        say: Called with a line about each step when it begins.
        advance: Told how much of a step that trains is done: ``(3, 30, "epochs")``.

    Raises:
        GraphLearnError: If something that was given cannot be used, said in one line.

    Example:
        >>> ring = [(i, (i + step) % 40) for i in range(40) for step in (1, 2)]
        >>> model = fit(ring)
        >>> sorted(model.quality["test"])[:3]
        ['aa', 'cn', 'degree-product']
    """
    tell = say or _silent
    seed = check_num_nodes(seed, name="seed")
    if seed >= _SEEDS:
        raise InputError(f"seed is {seed}", expected="an integer below 2**64")
    if out is not None:
        check_place(out)
    own = read_own_links(
        edges,
        features=features,
        time=time,
        source_column=source_column,
        target_column=target_column,
        id_column=id_column,
        text_ids=text_ids,
    )
    sizes = FitSizes.of(own)
    more = [late_note(own), dense_note(own)]
    own = replace(own, notes=(*own.notes, *(note for note in more if note is not None)))
    tell(_described(own))
    order = order_links(
        own.links.size(1), None if own.events is None else own.events.first, seed=seed
    )
    model = _Fit(own, order, sizes, seed, tell, advance or _still).model()
    if out is not None:
        model.save(out)
    return model


class _Fit:
    """The steps of one fit, which share the graph and its snapshots."""

    def __init__(
        self,
        own: OwnLinks,
        order: LinkOrder,
        sizes: FitSizes,
        seed: int,
        tell: Say,
        advance: Advance,
    ) -> None:
        self.own, self.order, self.sizes, self.seed = own, order, sizes, seed
        self.tell, self.advance = tell, advance
        self.graph: CSRGraph = link_graph(own.links, own.num_nodes)
        self.features = None if own.features is None else standardized(own.features)
        self.trained: LinkModel | None = None

    def view(self, cut: int | None, *, learnt: bool = True) -> View:
        """What is known at a cut; all of it if None."""
        known = None if cut is None else self.order.known(cut)
        state = snapshot(self.graph, known, self.own)
        vectors = node_vectors(self.graph, state, self.features, dim=self.sizes.dim, seed=self.seed)
        scores = None
        if learnt and self.trained is not None:
            scores = learnt_scores(self.trained, self.graph, state, self.features)
        return View(state, vectors, self.sizes.candidates, scores)

    def examples(self, view: View, links: Tensor) -> Examples:
        return make_examples(
            view, self.own.links[:, links], most_sources=self.sizes.most_sources, seed=self.seed
        )

    def served(self, best: Scorer, view: View, links: Tensor, examples: Examples) -> ServedLists:
        """The best scorer's lists of all nodes that would be served, or of a draw of them."""
        has_link = torch.zeros(self.own.num_nodes, dtype=torch.bool)
        has_link[self.own.links[:, links].flatten()] = True
        if not self._reads_learnt(best, view):
            view = View(view.state, view.vectors, view.sizes, None, view.nearest)
        return score_served(
            best,
            view,
            examples,
            has_link,
            served_nodes(view.state.degree, self.graph.rowptr.diff()),
            most=self.sizes.most_without,
            seed=self.seed,
        )

    def model(self) -> LinkRecommender:
        """Learn, choose, calibrate, and report."""
        if self.sizes.learnt:
            self.tell("training NCN")
            self.trained = train_model(
                self.own, self.order, self.features, seed=self.seed, advance=self.advance
            )
        self.tell("finding candidates")
        learn, choose, test = (
            (self.view(cut), self.order.part(name))
            for cut, name in zip(self.order.cuts, ("learn", "choose", "test"), strict=True)
        )
        to_learn = self.examples(*learn)
        # NCN was trained on the links of the earlier parts: of these it says nothing honest.
        earlier = [
            self.examples(self.view(cut, learnt=False), links)
            for cut, links in self.order.earlier_parts()
        ]
        to_choose = self.examples(*choose)
        self.tell("learning to mix scores")
        scorers = [Scorer(name) for name in HEURISTICS]
        scorers += self._mixtures(to_learn, earlier, to_choose)
        self.tell("choosing and measuring")
        valid = {scorer.name: measure(scorer, to_choose) for scorer in scorers}
        best = choose_scorer(scorers, valid, to_choose.total)
        before = self.served(best, *choose, to_choose)
        calibration_before = calibrate(before, choose[0].state)
        to_test = self.examples(*test)
        report = {scorer.name: measure(scorer, to_test) for scorer in scorers}
        areas = self._areas(test[0], test[1], scorers)
        served = self.served(best, *test, to_test)
        chance = calibration_before(served.lists, served.score, test[0].state)
        # A chance is for as many links as it was fitted to: by time, parts may differ in size.
        chance = (chance * test[1].numel() / choose[1].numel()).clamp(max=1.0)
        order, rank = list_order(served.lists.place, served.score)
        shown = order[rank < TOP]
        tenths = calibration_tenths(chance[shown], served.found[shown], served.weights[shown])
        quality = {
            "chosen": best.name,
            "valid": {name: found.as_dict() for name, found in valid.items()},
            "test": {name: {**report[name].as_dict(), "auc": areas[name]} for name in report},
            "calibration_error": calibration_error(tenths),
            "calibration": [list(pair) for pair in tenths],
            "split": "by time" if self.own.events is not None else "random",
            "test_links": test[1].numel(),
            "measured_links": to_test.links,
            "measured_sources": to_test.sources.numel(),
            "next_links": test[1].numel(),
        }
        # What is served is fitted to the part that its own graph comes next to, by the same way.
        calibration = calibrate(served, test[0].state)
        self.tell("reading the whole graph")
        view = self.view(None, learnt=self._reads_learnt(best, choose[0]))
        card = {
            "graph": {"nodes": self.own.num_nodes, "links": int(self.own.links.size(1))},
            "notes": list(self.own.notes),
            "quality": quality,
            "seed": self.seed,
        }
        return LinkRecommender(NodeIds(self.own.ids), view, best, calibration, card)

    def _reads_learnt(self, scorer: Scorer, view: View) -> bool:
        if scorer.mixer is None or view.learnt is None:
            return False
        timed = view.state.recency is not None
        return scorer.mixer.columns == count_columns(timed=timed, logit=True)

    def _plain_columns(self, examples: Examples) -> int:
        return examples.lists.features.size(1) - (self.trained is not None)

    def _mixtures(
        self, learn: Examples, earlier: Sequence[Examples], choose: Examples
    ) -> list[Scorer]:
        plain = self._plain_columns(learn)
        short = replace(learn, lists=replace(learn.lists, features=learn.lists.features[:, :plain]))
        wanted = [("linear mixture", 0, plain), ("mixture", 16, plain)]
        if self.trained is not None:
            wanted.append(("mixture with NCN", 16, plain + 1))
        found: list[Scorer] = []
        for name, hidden, columns in wanted:

            def tell(epoch: int, before: int = EPOCHS * len(found)) -> None:
                self.advance(before + epoch, EPOCHS * len(wanted), "epochs")

            lists = [*earlier, short] if columns == plain else [learn]
            mixer = learn_mixer(
                lists, choose, columns=columns, hidden=hidden, seed=self.seed, on_epoch=tell
            )
            found.append(Scorer(name, mixer))
        return found

    def _areas(self, view: View, links: Tensor, scorers: Sequence[Scorer]) -> dict[str, float]:
        """The area under ROC of held-out links against pairs that are drawn from the unlinked."""
        generator = torch.Generator().manual_seed(self.seed)
        chosen = links[torch.randperm(links.numel(), generator=generator)[:_MOST_PAIRS]]
        nodes = self.own.num_nodes
        room = nodes * (nodes - 1) // 2 - self.own.links.size(1)
        others = sample_non_edges(self.own.links, nodes, min(chosen.numel(), room), generator)
        true, false = view.pairs(self.own.links[:, chosen]), view.pairs(others)
        return {
            scorer.name: area_under_roc(scorer(true), scorer(false), ties="mean")
            for scorer in scorers
        }


def _described(own: OwnLinks) -> str:
    timed = ", with times" if own.events is not None else ""
    rest = "".join(f"; {note}" for note in own.notes)
    return f"{own.num_nodes:,} nodes, {own.links.size(1):,} links{timed}{rest}"


def _silent(line: str) -> None:
    del line


def _still(done: int, total: int, what: str) -> None:
    del done, total, what
