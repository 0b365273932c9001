"""How often a source is asked: its rate, and its budgets of calls."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from monitor.model.errors import RateLimited

_HOUR, _DAY = 3600, 86_400
ONE_IN = 6  # of the turns of a source that others wait for, one goes to who gives way to them
Reserve = Callable[[str, int, int, int], int]


class _Budget:
    """Calls left in the present hour or day. Not thread-safe by itself."""

    def __init__(self, key: str, seconds: int, limit: int, reserve: Reserve | None) -> None:
        self._key, self._seconds, self._limit, self._reserve = key, seconds, limit, reserve
        self._block = max(1, min(50, limit // 100))
        self._window = -1
        self._used = 0
        self._held = 0  # reserved and not yet used

    def take(self, now: float, number: int) -> None:
        """So many at once, or none; more than there are in all take all."""
        window = int(now) // self._seconds * self._seconds
        if window != self._window:
            self._window, self._used, self._held = window, 0, 0
        number = min(number, self._limit)
        if self._held < number <= self._limit - self._used:
            most = self._limit - self._used - self._held
            self._held += self._grant(min(max(self._block, number - self._held), most))
        if self._held < number:
            unit = "an hour" if self._seconds == _HOUR else "a day"
            raise RateLimited(
                f"our budget of {self._limit} calls {unit} is used up",
                retry_after=max(1.0, window + self._seconds - now),
            )
        self._held -= number
        self._used += number

    def _grant(self, wanted: int) -> int:
        if self._reserve is None:
            return wanted
        return min(wanted, self._reserve(self._key, self._window, self._seconds, wanted))


class Limiter:
    """Spacing and budgets of one key or host, shared by every thread that calls it.

    `reserve(key, window_start, window_seconds, n)` takes up to n calls of that hour or day
    (Unix seconds UTC, 3600 or 86400) from the record and returns how many were left to
    take: it must know the budget, so that several processes and restarts together keep to
    it. Without it the calls are counted in memory.
    """

    def __init__(
        self,
        key: str,
        per_second: float,
        per_hour: int | None = None,
        per_day: int | None = None,
        reserve: Reserve | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        turned: Callable[[], object] = lambda: None,
        behind: Callable[[], bool] = lambda: False,
    ) -> None:
        """`turned` is called whenever a thread has its turn, in that thread; `behind` says
        whether the thread that asks gives way to others."""
        self._spacing = 1.0 / per_second
        self._clock, self._wall, self._sleep, self._turned = clock, wall, sleep, turned
        self._budgets = tuple(
            _Budget(key, seconds, limit, reserve)
            for seconds, limit in ((_HOUR, per_hour), (_DAY, per_day))
            if limit is not None
        )
        self._behind = behind
        self._lock = threading.Lock()
        self._next = -math.inf
        self._passed = 0  # turns that were waited for, since one who gives way had its own

    def wait(self) -> float:
        """Seconds for which the next `acquire` would wait."""
        with self._lock:
            return max(0.0, self._next - self._clock())

    def acquire(self, questions: int = 1) -> None:
        """Wait for a turn. Raises RateLimited when the hour's or day's budget is used up;
        its retry_after is the time until the next hour or day begins. `questions`: of one request;
        plans count each."""
        with self._lock:
            for budget in self._budgets:
                budget.take(self._wall(), questions)
        if self._behind():
            self._let_pass()
        else:
            self._sleep_until_turn()
        self._turned()

    def _sleep_until_turn(self) -> None:
        with self._lock:
            wait = self._take()
            self._passed += wait > 0
        if wait > 0:
            self._sleep(wait)

    def _let_pass(self) -> None:
        """Wait until nobody else does, or enough of them went first."""
        while True:
            with self._lock:
                wait = self._next - self._clock()
                if mine := wait <= 0 or self._passed >= ONE_IN - 1:
                    wait, self._passed = self._take(), 0
            if wait > 0:
                self._sleep(wait)
            if mine:
                return

    def _take(self) -> float:
        """The next turn; seconds until then."""
        now = self._clock()
        turn = max(now, self._next)
        self._next = turn + self._spacing
        return turn - now
