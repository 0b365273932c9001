"""A few values that took long to make, remembered by what they were made of."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """Those that were asked for last, of a weight of `most` together; the last one whatever it
    weighs. Several threads may use one."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._weight = 0
        self._one_at_a_time = threading.Lock()

    def get(self, key: K) -> V | None:
        with self._one_at_a_time:
            if key in self._kept:
                self._kept.move_to_end(key)
            found = self._kept.get(key)
        return None if found is None else found[0]

    def keep(self, key: K, value: V, weight: int = 1) -> V:
        with self._one_at_a_time:
            self._weight += weight - self._kept.pop(key, (value, 0))[1]
            self._kept[key] = value, weight
            while self._weight > self._most and len(self._kept) > 1:
                self._weight -= self._kept.popitem(last=False)[1][1]
        return value
