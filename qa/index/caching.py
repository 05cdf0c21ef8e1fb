"""Results kept for whoever asks for the same again: up to so many bytes, for what is asked is of any size."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


def size_of(value: object) -> int:
    """Return about how many bytes a value takes."""
    return len(pickle.dumps(value))


class SizedCache(Generic[_Key, _Value]):
    """Calls a function, and keeps what it returned for the last keys. Any number of threads may share it.

    A result that takes more than ``most`` bytes by itself, its key among them, is not kept.
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
