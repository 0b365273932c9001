"""A picture as PNG: fonts of our own, the same bytes, small enough for a mail."""

from __future__ import annotations

import base64
import hashlib
import re
import struct
import subprocess
import sys

import picture_values as pays
import pytest
import trace_values as story

from monitor.model.trace import Trace
from monitor.picture import draw, fold, inline, png

NOW = 1_700_100_000


def svg(trace: Trace) -> str:
    return draw.svg(fold.of_trace(trace, NOW))


def size(image: bytes) -> tuple[int, int]:
    assert image.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", image[16:24])
    return width, height


def test_as_wide_as_asked_and_the_same_bytes() -> None:
    drawn = svg(story.trace())
    image = png.render(drawn, 1200)
    width, height = size(image)
    own = png.size(drawn)
    assert width == 1200
    assert height == pytest.approx(1200 * own[1] / own[0], abs=1)
    assert png.render(drawn, 1200) == image


def test_letters_come_from_our_fonts_alone() -> None:
    """The same with a home of its own and no font on the machine: another process, whose folders
    of fonts are empty."""
    drawn = svg(story.trace())
    code = (
        "import sys, hashlib; from monitor.picture import png;"
        "print(hashlib.sha256(png.render(sys.stdin.read(), 900)).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=drawn,
        env={"HOME": "/nonexistent", "FONTCONFIG_FILE": "/dev/null"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == hashlib.sha256(png.render(drawn, 900)).hexdigest()
    without = re.sub("<text.*?</text>", "", drawn)
    assert len(png.render(drawn, 900)) > 1.5 * len(png.render(without, 900)), "letters are drawn"


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="not a picture"):
        png.render("<html/>", 900)


def test_a_tall_picture_stays_within_bounds() -> None:
    crowd = [("watched", f"n{i}", 100, 100) for i in range(59)]
    width, height = size(png.render(svg(pays.traced(crowd)), 8_000))
    assert width * height <= 24_100_000


def test_the_renderer_is_loaded_by_a_png_alone() -> None:
    code = (
        "import sys, monitor.cli, monitor.picture.inline;"
        "assert not [n for n in sys.modules if n.startswith('resvg')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("addresses", [3, 300])
def test_a_mail_carries_at_most_200_kb_and_every_sum(addresses: int) -> None:
    trace = pays.scattered(4, addresses)
    made = inline.of_trace(trace, NOW, state="state 3")
    image = base64.b64decode(made.data, validate=True)
    assert len(image) <= 200_000
    assert size(image)[0] >= 1_200
    whole = fold.of_trace(trace, NOW)
    for column in whole.columns:
        assert column.title in made.alt
