"""Caches with limits in bytes, as entries are of any size: of a function's results, and of rows by number."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable
from threading import Lock
from typing import Generic, TypeVar

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")

_MOST_ROW_BYTES = 16 * 2**20
"""How much a cache of rows holds: some 8,000 documents or passages of about 2 KB each."""


def size_of(value: object) -> int:
    """Return about how many bytes a value takes."""
    return len(pickle.dumps(value))


class SizedCache(Generic[_Key, _Value]):
    """Calls a function, and keeps its results for the latest keys. Any number of threads may share it.

    A result that, with its key, takes more than ``most`` bytes by itself is not kept.
    """

    def __init__(self, function: Callable[[_Key], _Value], most: int) -> None:
        self._function = function
        self._most = most
        self._kept: OrderedDict[_Key, tuple[_Value, int]] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    def __call__(self, key: _Key) -> _Value:
        """Return the function's result."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][0]
        value = self._function(key)
        self._keep(key, value, size_of((key, value)))
        return value

    def _keep(self, key: _Key, value: _Value, size: int) -> None:
        with self._lock:
            if key in self._kept or size > self._most:
                return
            self._kept[key] = value, size
            self._size += size
            while self._size > self._most:
                _, (_, gone) = self._kept.popitem(last=False)
                self._size -= gone


class RowCache(dict[int, _Value]):
    """Some rows of a published generation, by number: they never change, so they may be kept."""

    def __init__(self, size_of_row: Callable[[_Value], int] = size_of) -> None:
        super().__init__()
        self._size_of_row = size_of_row
        self.size = 0

    def look_up(
        self, numbers: Collection[int], read: Callable[[Collection[int]], dict[int, _Value]]
    ) -> dict[int, _Value]:
        """Return rows by number, calling ``read`` for those that are not kept."""
        rows = {number: row for number in numbers if (row := self.get(number)) is not None}
        missing = set(numbers) - rows.keys()
        if missing:
            rows |= (more := read(missing))
            self._keep(more)
        return rows

    def _keep(self, rows: dict[int, _Value]) -> None:
        size = sum(map(self._size_of_row, rows.values()))
        if self.size + size > _MOST_ROW_BYTES:
            self.clear()
            self.size = 0
        if size <= _MOST_ROW_BYTES:
            self.update(rows)
            self.size += size
