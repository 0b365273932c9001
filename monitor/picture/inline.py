"""The picture of a trace as a mail carries it: small enough for every mail server."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from monitor.model import Inline
from monitor.model.trace import Trace
from monitor.picture import draw, fold, png, words

WIDTH = 1400  # pixels: twice what a mail shows, so that it can be enlarged
MOST = 200_000  # bytes of the PNG
_WORDS = 8_000  # characters of the same in words
_BOXES = (fold.BOXES, 40, 28, 20, 14, 10)  # fewer where it would get larger


def of_trace(
    trace: Trace,
    at: int | None,
    *,
    state: str = "",
    chains: Mapping[str, str] | None = None,
) -> Inline:
    """Arguments as for fold.of_trace. A picture that would be too large has fewer boxes, never
    fewer sums."""
    for boxes in _BOXES:
        picture = fold.of_trace(trace, at, state=state, chains=chains, boxes=boxes)
        svg = draw.svg(picture)
        image = png.render(svg, min(WIDTH, round(png.size(svg)[0] * 2)))
        if len(image) <= MOST:
            break
    data = base64.b64encode(image).decode("ascii")
    return Inline("trace", "image/png", data, words.alt(picture, _WORDS), words.hops(picture))
