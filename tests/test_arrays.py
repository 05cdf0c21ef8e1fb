"""Parts of different lengths, against plain Python."""

from __future__ import annotations

import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from qa.arrays import Affine, FileRows, append, mapped, max_in_parts, offsets, parts_of, ranges, shifted, unit

_LENGTHS = st.lists(st.integers(0, 5), max_size=8)
_NUMBERS = st.floats(-100, 100, width=32)


def _parts(lengths: list[int]) -> list[slice]:
    return [slice(a, b) for a, b in pairwise([0, *accumulate(lengths)])]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 6)), max_size=8))
def test_ranges_follow_one_another(pairs: list[tuple[int, int]]) -> None:
    starts = np.array([start for start, _ in pairs], np.int64)
    ends = starts + np.array([length for _, length in pairs], np.int64)
    assert ranges(starts, ends).tolist() == [
        row for start, length in pairs for row in range(start, start + length)
    ]


@given(_LENGTHS)
def test_offsets_are_where_each_part_begins_and_the_last_ends(lengths: list[int]) -> None:
    assert offsets(np.array(lengths, np.int64)).tolist() == [0, *accumulate(lengths)]


@given(st.lists(st.integers(0, 5), min_size=1))
def test_each_place_is_in_the_part_that_holds_it(lengths: list[int]) -> None:
    bounds = offsets(np.array(lengths))
    owners = [part for part, length in enumerate(lengths) for _ in range(length)]
    assert parts_of(bounds, np.arange(bounds[-1])).tolist() == owners


@given(st.sampled_from([1.0, 0.5, -2.0]), st.sampled_from([0.0, 0.25]))
def test_a_map_scales_and_shifts(scale: float, shift: float) -> None:
    mapped_values = Affine(scale, shift)(np.array([-1, 0.5], np.float32))
    assert mapped_values.dtype == np.float32
    assert mapped_values.tolist() == [-scale + shift, 0.5 * scale + shift]


@given(_LENGTHS, st.sampled_from([(), (1,), (3,)]), _NUMBERS, st.data())
def test_max_in_parts_is_pythons(
    lengths: list[int], rest: tuple[int, ...], empty: float, data: st.DataObject
) -> None:
    values = data.draw(arrays.arrays(np.float32, (sum(lengths), *rest), elements=_NUMBERS))
    maxima = max_in_parts(values, offsets(np.array(lengths, np.int64)), empty)
    assert maxima.shape == (len(lengths), *rest)
    for place in np.ndindex(rest):
        column = values[(slice(None), *place)]
        expected = [max(column[part].tolist(), default=empty) for part in _parts(lengths)]
        assert maxima[(slice(None), *place)].tolist() == expected


@given(st.lists(_NUMBERS, max_size=6), _NUMBERS)
def test_shifted_moves_each_value_one_place_on(values: list[float], first: float) -> None:
    assert shifted(np.array(values, np.float32), first).tolist() == [first, *values][: len(values)]


@given(arrays.arrays(np.float32, st.tuples(st.integers(0, 5), st.integers(1, 5)), elements=_NUMBERS))
def test_unit_keeps_the_direction_and_makes_the_length_1(vectors: np.ndarray) -> None:
    units = unit(vectors)
    assert units.dtype == np.float32
    for row, made in zip(vectors.tolist(), units.tolist(), strict=True):
        length = sum(number**2 for number in row) ** 0.5
        if length > 1e-6:
            assert made == pytest.approx([number / length for number in row], abs=1e-5)
        if length == 0:
            assert made == row


def test_one_vector_is_scaled_to_length_1_as_several_are() -> None:
    assert unit([3, 4]).tolist() == pytest.approx([0.6, 0.8])
    assert unit(np.array([[[0, 2], [3, 4]]])).tolist() == [[pytest.approx([0, 1]), pytest.approx([0.6, 0.8])]]


@given(st.lists(st.lists(st.integers(-9, 9), max_size=20), min_size=1, max_size=8))
def test_appended_values_are_the_same_as_values_saved_at_once(parts: list[list[int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, whole = Path(folder) / "parts.npy", np.array([n for part in parts for n in part], np.int32)
        for part in parts:
            append(path, np.array(part, np.int32))
        np.testing.assert_array_equal(np.load(path), whole)
        np.testing.assert_array_equal(mapped(path, np.int32), whole)
        np.save(Path(folder) / "whole.npy", whole)
        assert path.read_bytes() == (Path(folder) / "whole.npy").read_bytes()


@pytest.mark.parametrize("values", [np.zeros((2, 2), np.int32), np.zeros(2, np.int64), np.float32(1)])
def test_only_one_axis_of_the_right_type_is_mapped(tmp_path: Path, values: object) -> None:
    np.save(tmp_path / "values.npy", values)
    with pytest.raises(ValueError, match=r"values\.npy has . axes of"):
        mapped(tmp_path / "values.npy", np.int32)


_ROWS = st.lists(st.integers(0, 4999), max_size=60)


@given(_ROWS | _ROWS.map(sorted) | st.builds(lambda first: [*range(first, first + 9)], st.integers(0, 4990)))
def test_rows_of_a_file_are_those_that_were_written_whether_it_is_mapped_or_read(rows: list[int]) -> None:
    values = np.arange(40_000, dtype=np.int16).reshape(-1, 8)
    wanted = np.array(rows, np.int64)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as monkeypatch:
        values.tofile(Path(folder) / "rows")
        for most in (2**20, 1000):
            monkeypatch.setattr("qa.arrays._MAPPED", most)
            taken = FileRows(Path(folder) / "rows", np.int16, 8).take(wanted)
            np.testing.assert_array_equal(taken, values[wanted])


def test_rows_of_a_file_are_whole_or_refused(tmp_path: Path) -> None:
    (tmp_path / "rows").write_bytes(b"")
    assert FileRows(tmp_path / "rows", np.int8, 3).take(np.empty(0, np.int64)).shape == (0, 3)
    (tmp_path / "rows").write_bytes(b"1234")
    with pytest.raises(ValueError, match="whole rows of 3"):
        FileRows(tmp_path / "rows", np.int8, 3)


def test_threads_open_arrays_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.arange(3))
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as threads:
            for array in threads.map(lambda _: mapped(path, np.int64), range(4000)):
                np.testing.assert_array_equal(array, [0, 1, 2])
    finally:
        sys.setswitchinterval(before)
