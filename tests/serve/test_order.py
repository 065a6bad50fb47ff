"""The order of links: by time or drawn, and what stands on which side of a cut."""

from __future__ import annotations

import pytest
import torch

from graphlearn.errors import InputError
from graphlearn.serve.order import PARTS, LinkOrder, order_links


def test_a_random_order_is_a_permutation_of_the_seed() -> None:
    one, again, other = (order_links(200, None, seed=seed) for seed in (0, 0, 1))
    assert isinstance(one, LinkOrder)
    assert torch.equal(one.place.sort().values, torch.arange(200))
    assert torch.equal(one.place, again.place)
    assert not torch.equal(one.place, other.place)


def test_parts_and_what_is_known_make_up_the_links() -> None:
    order = order_links(205, None, seed=0)
    parts = [order.part(name) for name in PARTS]
    assert [part.numel() for part in parts] == [20, 20, 20]
    known = order.known(order.cuts[0]).nonzero().flatten()
    assert torch.equal(torch.cat([known, *parts]).sort().values, torch.arange(205))
    assert not order.known(order.cuts[2])[order.part("test")].any()


def test_by_time_no_known_link_is_as_late_as_one_to_predict() -> None:
    generator = torch.Generator().manual_seed(0)
    times = torch.randint(0, 25, (300,), generator=generator).double()
    order = order_links(300, times, seed=0)
    cuts = [*order.earlier, *order.cuts]
    assert cuts == sorted(set(cuts))
    for cut in cuts:
        known = order.known(cut)
        assert times[known].max() < times[~known].min()


def test_earlier_parts_end_where_the_first_begins() -> None:
    order = order_links(300, None, seed=0)
    links = torch.cat([part for _, part in order.earlier_parts()])
    first = order.known(order.earlier[0])
    assert torch.equal(order.known(order.cuts[0]).sum(), first.sum() + links.numel())
    assert not first[links].any()
    assert order_links(60_000, None, seed=0).earlier == ()


def test_parts_of_a_large_graph_have_an_end() -> None:
    order = order_links(2_000_000, None, seed=0)
    assert order.part("test").numel() == 100_000


def test_years_of_many_links_are_cut_where_they_end() -> None:
    """The last of 30 years holds 15% of the links, so the last cut has to go back."""
    years = torch.repeat_interleave(torch.arange(30), torch.tensor([44] * 29 + [224]))
    order = order_links(years.numel(), years, seed=0)
    sizes = [order.part(name).numel() for name in PARTS]
    assert sizes == [132, 132, 224]
    for cut in (*order.earlier, *order.cuts):
        assert years[order.known(cut)].max() < years[~order.known(cut)].min()
    four = order_links(100, torch.arange(100) // 25, seed=0)
    assert four.cuts == (25, 50, 75)


def test_distinct_times_are_cut_as_before() -> None:
    for count in (1000, 13_838, 60_000):
        order = order_links(count, torch.arange(count).double(), seed=0)
        size = int(count * 0.1)
        assert order.cuts == (count - 3 * size, count - 2 * size, count - size)


def test_no_part_is_tiny() -> None:
    for times in (None, torch.arange(30)):
        order = order_links(30, times, seed=0)
        assert [order.part(name).numel() for name in PARTS] == [5, 5, 5]
    # All but the last two links at one moment, and before it, many: three parts of five are left.
    times = torch.cat([torch.arange(88), torch.full((10,), 90), torch.tensor([95, 96])])
    sizes = [order_links(100, times, seed=0).part(name).numel() for name in PARTS]
    assert min(sizes) >= 5
    with pytest.raises(InputError, match="4 distinct values, one of them of 97 of 100 links"):
        order_links(100, torch.tensor([0] * 97 + [1, 2, 3]), seed=0)


def test_refusals() -> None:
    with pytest.raises(InputError, match="29 distinct links"):
        order_links(29, None, seed=0)
    with pytest.raises(InputError, match="2 distinct values"):
        order_links(100, torch.arange(100) // 50, seed=0)
    with pytest.raises(InputError, match="1 distinct values"):
        order_links(100, torch.zeros(100), seed=0)
