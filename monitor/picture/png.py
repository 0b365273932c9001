"""A picture as PNG: the same SVG gives the same bytes on every machine, since only the fonts that
come with us are used."""

from __future__ import annotations

import re
from pathlib import Path

FONTS = Path(__file__).with_name("fonts")
_NAMES = ("LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf", "LiberationMono-Regular.ttf")
_MOST = 24_000_000  # pixels: 100 MB while it is drawn
_SIZE = re.compile(r'<svg [^>]*?width="([\d.]+)" height="([\d.]+)"')


def render(svg: str, width: int) -> bytes:
    """So many pixels wide, less where the picture would get too tall. Takes up to a second.

    `svg` is one of draw.svg. Raises ValueError where it is no picture.
    """
    import resvg_py  # noqa: PLC0415 - 8 MB that only a PNG needs

    return resvg_py.svg_to_bytes(
        svg_string=svg,
        width=_fitting(svg, width),
        skip_system_fonts=True,
        font_files=[str(FONTS / name) for name in _NAMES],
        sans_serif_family="Liberation Sans",
        monospace_family="Liberation Mono",
    )


def size(svg: str) -> tuple[float, float]:
    """Width and height that it has by itself."""
    found = _SIZE.match(svg)
    if found is None:
        raise ValueError("not a picture of ours")
    return float(found[1]), float(found[2])


def _fitting(svg: str, width: int) -> int:
    own, height = size(svg)
    return max(1, min(width, int((_MOST * own / height) ** 0.5)))
