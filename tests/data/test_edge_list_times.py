"""Numbers and dates, a block at a time as one at a time."""

from __future__ import annotations

import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlearn.data.edge_list_times import TimeColumn, parse_time, times_of_values
from graphlearn.errors import InputError

where = "a.csv, line {}".format


def read(*texts: str) -> list[float]:
    return TimeColumn(where)(np.array(texts), np.arange(len(texts))).tolist()


def test_one_at_a_time() -> None:
    assert parse_time("1970-01-01T00:01:00+00:00") == (60.0, True)
    assert parse_time("1970-01-01 01:00:00+01:00") == (0.0, True)
    assert parse_time("20100101") == (20100101.0, False)
    for text in ("nan", "inf", "1e400", "1_0", "１", "soon", "12:30"):
        with pytest.raises(ValueError):
            parse_time(text)


@given(
    st.lists(st.datetimes(), min_size=1, max_size=5),
    st.sampled_from(["date", "minutes", "seconds", "milliseconds", "microseconds"]),
    st.sampled_from(["T", " "]),
    st.sampled_from(["", "Z", "+00:00"]),
)
def test_dates_of_every_layout(times, precision, mark, zone) -> None:
    if precision == "date":
        texts = [f"{time:%Y-%m-%d}".rjust(10, "0") for time in times]
    else:
        texts = [time.isoformat(sep=mark, timespec=precision) + zone for time in times]
    expected = [parse_time(text)[0] for text in texts]
    assert np.allclose(read(*texts), expected, rtol=0, atol=1e-5)


def test_layouts_may_differ_from_row_to_row() -> None:
    assert read("1970-01-01", "1970-01-01T00:00:01Z", "1970-W01-5") == [0.0, 1.0, 86400.0]
    assert read("1", "2.5", "1e3", "+4") == [1.0, 2.5, 1000.0, 4.0]
    assert read() == []


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1", ""], "line 1, has no time"),
        (["", ""], "line 0, has no time"),
        (["1", "-4"], "line 1, has the negative time -4"),
        (["1", "nan"], "line 1, has the time 'nan'"),
        (["1", "1_0"], "line 1, has the time '1_0'"),
        (["1", "１"], "line 1, has the time '１'"),
        (["2010-01-01", "2010-02-30"], "line 1, has the time '2010-02-30'"),
        (["2010-01-01", "2010-02"], "line 1, has the time '2010-02'"),
        (["20100101", "2010-02-01"], "line 1, has the date '2010-02-01' and line 0 the number"),
        (["2010-02-01", "20100101"], "line 1, has the number '20100101' and line 0 the date"),
    ],
)
def test_refusals(texts: list[str], expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        read(*texts)


def test_the_kind_is_kept_from_block_to_block() -> None:
    column = TimeColumn(where)
    column(np.array([b"1950-01-01"]), np.array([2]))
    with pytest.raises(InputError, match="line 9, has the number '5' and line 2 the date"):
        column(np.array([b"5"]), np.array([9]))


def test_values_in_memory() -> None:
    day = datetime.date(1970, 1, 2)
    for values in (
        np.array([86400]),
        np.array([day], dtype="datetime64[D]"),
        np.array([day, None], dtype=object)[:1],
        np.array(["1970-01-02"], dtype=object),
    ):
        assert times_of_values(values, where).tolist() == [86400.0]
    assert times_of_values(np.array(["1969-12-31"], dtype="datetime64[ns]"), where)[0] == -86400


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([1.0, np.nan]), "line 1, has no time"),
        (np.array([1.0, np.inf]), "line 1, has an infinite time"),
        (np.array([1, -4]), "line 1, has the negative time -4"),
        (np.array(["2010-01-01", "NaT"], dtype="datetime64[s]"), "line 1, has no time"),
        (np.array([1, None], dtype=object), "line 1, has no time"),
        (np.array([True]), "line 0, has the time 'True'"),
        (np.array([5], dtype="timedelta64[s]"), "line 0, has the time"),
    ],
)
def test_refused_values(values: np.ndarray, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        times_of_values(values, where)
