"""Readers, generators, dataset cards, splits, and the audit that refuses a leaking one.

The way of a dataset: card -> files, fetched and checked -> reader -> split -> audit. Every reader
gives a PyG ``Data`` and every split is a :class:`LinkSplit`, so each step works alone too. Many
small graphs, or sets, are a :class:`GraphCollection`, and their parts a :class:`GraphSplit`; a
graph whose nodes are to be classified is a :class:`NodeSplit`.
"""

from graphlearn.data.audit import Finding, SplitAudit, audit_split
from graphlearn.data.brec import GraphPair, read_brec
from graphlearn.data.card import (
    DatasetCard,
    Download,
    NodeSplitRule,
    SplitRule,
    dataset_names,
    load_card,
    read_card,
)
from graphlearn.data.counting import read_counting
from graphlearn.data.csl import csl_split
from graphlearn.data.dataset import Dataset, load_dataset, make_split
from graphlearn.data.digits import digits_knn
from graphlearn.data.edge_list import read_edge_list
from graphlearn.data.exp import read_exp
from graphlearn.data.features import compact_features
from graphlearn.data.graph6 import parse_graph6, read_graph6
from graphlearn.data.graph_collection import GraphCollection
from graphlearn.data.graph_dataset import load_graph_split
from graphlearn.data.graph_file import read_graph, write_graph
from graphlearn.data.graph_split import GraphSplit
from graphlearn.data.heterophily import read_heterophily
from graphlearn.data.molecules import read_molecules
from graphlearn.data.multitask import multitask_split
from graphlearn.data.negatives import sample_non_edges
from graphlearn.data.networkx_graph import from_networkx
from graphlearn.data.node_dataset import load_node_split, make_node_split
from graphlearn.data.node_protocols import class_labels, node_split_from_pyg, random_node_split
from graphlearn.data.node_split import NodeSplit
from graphlearn.data.ogb import read_ogb_link, read_ogb_split
from graphlearn.data.ogb_graphs import read_ogb_graphs
from graphlearn.data.ogb_molecules import read_ogb_molecules
from graphlearn.data.ogb_nodes import ogb_feature_blocks, read_ogb_nodes
from graphlearn.data.pair_dataset import load_graph_pairs
from graphlearn.data.planetoid import read_planetoid
from graphlearn.data.protocols import ncn_planetoid_split, ogb_official_split, split_from_pyg
from graphlearn.data.pyg import from_pyg
from graphlearn.data.root import find_data_root
from graphlearn.data.seal import read_seal_mat
from graphlearn.data.second_minimum import second_minimum_sets, second_minimum_split
from graphlearn.data.split import LinkSplit, random_link_split
from graphlearn.data.tu import read_tu

__all__ = [
    "Dataset",
    "DatasetCard",
    "Download",
    "Finding",
    "GraphCollection",
    "GraphPair",
    "GraphSplit",
    "LinkSplit",
    "NodeSplit",
    "NodeSplitRule",
    "SplitAudit",
    "SplitRule",
    "audit_split",
    "class_labels",
    "compact_features",
    "csl_split",
    "dataset_names",
    "digits_knn",
    "find_data_root",
    "from_networkx",
    "from_pyg",
    "load_card",
    "load_dataset",
    "load_graph_pairs",
    "load_graph_split",
    "load_node_split",
    "make_node_split",
    "make_split",
    "multitask_split",
    "ncn_planetoid_split",
    "node_split_from_pyg",
    "ogb_feature_blocks",
    "ogb_official_split",
    "parse_graph6",
    "random_link_split",
    "random_node_split",
    "read_brec",
    "read_card",
    "read_counting",
    "read_edge_list",
    "read_exp",
    "read_graph",
    "read_graph6",
    "read_heterophily",
    "read_molecules",
    "read_ogb_graphs",
    "read_ogb_link",
    "read_ogb_molecules",
    "read_ogb_nodes",
    "read_ogb_split",
    "read_planetoid",
    "read_seal_mat",
    "read_tu",
    "sample_non_edges",
    "second_minimum_sets",
    "second_minimum_split",
    "split_from_pyg",
    "write_graph",
]
