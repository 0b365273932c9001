"""Where a chain was reorganised: the newest of the blocks that were read which is still in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitor.model.errors import BadResponse, NotYet, SourceError
from monitor.net.sources.evm_batch import Call
from monitor.net.sources.evm_whole_asked import Asked
from monitor.net.sources.parsing import RowError, fields, hash32

AT_ONCE = 32  # blocks that are asked about in one request


def newest_standing(name: str, asked: Asked, known: Mapping[int, str]) -> int | None:
    """The height of the newest known block that stands, None where none does. Looked for
    downwards in steps that double, then between the two that differ. Raises SourceError."""
    heights = sorted(known)
    stands, gone = -1, len(heights)  # places in that list
    probe = [gone - step for step in (1, 2, 4, 8, 16, 32, 64, 128) if step <= gone]
    while gone - stands > 1:
        places = sorted({*probe, 0} if probe and stands < 0 else probe)
        for place, there in zip(
            places, _stand(name, asked, [heights[p] for p in places], known), strict=True
        ):
            if there:
                stands = max(stands, place)
            else:
                gone = min(gone, place)
        if stands >= gone:
            raise NotYet(f"{name}: blocks changed while they were compared")
        if stands < 0 and gone == 0:
            return None
        between = range(stands + 1, gone)
        step = max(1, len(between) // AT_ONCE)
        probe = list(between[::step])
    return heights[stands] if stands >= 0 else None


def _stand(name: str, asked: Asked, heights: Sequence[int], known: Mapping[int, str]) -> list[bool]:
    calls = [Call("eth_getBlockByNumber", [hex(height), False]) for height in heights]
    found = []
    for height, told in zip(heights, asked.ask(calls)[0], strict=True):
        if isinstance(told, SourceError) and not isinstance(told, NotYet):
            raise told
        if told is None or isinstance(told, NotYet):
            found.append(False)
            continue
        try:
            found.append(hash32(fields(told).get("hash"), "hash") == known[height])
        except RowError as error:
            raise BadResponse(f"{name}: {error}") from None
    return found
