"""How many blocks one question to a node spans: learned from refusals, and forgotten again."""

from __future__ import annotations

RECOVER = 50  # windows that went well, after which a wider one is tried again


class Width:
    """Starts at `widest`. A refusal narrows it, to the limit that it names or to half; it
    grows again by doubling, and stays below what was refused for RECOVER windows.

    A named limit at or above what was asked is about something else (an old range on a node
    without archive, another plan): it is halved like a refusal without a number, because
    dRPC says "ranges over 10000 blocks" to 102 blocks where 101 pass.
    """

    def __init__(self, widest: int) -> None:
        self._widest = widest
        self._refused = widest + 1  # the smallest that was refused lately
        self._kept = 0
        self.blocks = widest

    def refused(self, size: int, named: int | None) -> bool:
        """Note that `size` blocks were refused. False where one alone was: no width is left."""
        self._kept = 0
        if size == 1:
            self.blocks = 1
            return False
        narrower = named if named is not None and named < size else size // 2
        self._refused = narrower + 1 if narrower == named else size
        self.blocks = narrower
        return True

    def worked(self) -> None:
        """Note that a window of the present width was answered."""
        self._kept += 1
        if self._kept >= RECOVER:
            self._kept, self._refused = 0, self._widest + 1
        if self.blocks * 2 < self._refused:
            self.blocks *= 2
        elif self._refused > self._widest:
            self.blocks = self._widest
