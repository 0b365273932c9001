"""`fundwatch trace picture`: a case's trace as one picture, as it stands or as it stood. It only
reads."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import click

from monitor.cli.common import Home
from monitor.cli.trace_show import as_of_option, the_trace
from monitor.loops import find
from monitor.messages.trace import drawn
from monitor.messages.trace.seizure import state_line
from monitor.picture import draw

_ENDINGS = (".svg", ".png")


@click.command()
@click.argument("case")
@click.option(
    "--out",
    metavar="FILE",
    required=True,
    type=click.Path(path_type=Path),
    help="Where to: FILE.svg, or FILE.png. A file of that name is replaced.",
)
@as_of_option
@click.pass_obj
def picture(home: Home, case: str, out: Path, as_of: str | None) -> None:
    """Where the funds of a case went, as a picture: from the sources on the left, hop by hop.

    A band is as wide as what it carried; under each hop stands what arrived, rests, stopped and
    went on. At most 60 addresses have a box of their own, the others of a hop share one with
    their number and sum. A state gives the same bytes whenever it is drawn.

    \b
    Example
      fundwatch trace picture CRANE-01 --out crane.svg
    """
    ending = out.suffix.lower()
    if ending not in _ENDINGS:
        remedy = "Name a file that ends in .svg (drawing, for print) or .png (image, for mails)"
        raise find.unknown("--out", str(out), "is neither .svg nor .png", remedy)
    with home.reading() as (store, settings):
        told = the_trace(store, case, as_of)
    shown = drawn.picture_of(told, drawn.names_of(settings.chains))
    svg = draw.svg(shown)
    _write(out, svg.encode() if ending == ".svg" else drawn.png_of(svg))
    click.echo(f"{out}: {state_line(told)}")
    for line in shown.warned:
        click.echo(line)


def _write(out: Path, data: bytes) -> None:
    """Whole or not at all, also where the machine stops meanwhile."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{out.name}.", dir=out.parent)
    except OSError as error:
        remedy = "Name a file in a folder that is there and that this user may write to"
        raise find.unknown(
            "--out", str(out), f"cannot be made ({error.strerror})", remedy
        ) from None
    half = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        half.replace(out)
    except BaseException as error:  # also a stop: nothing half is left
        half.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        remedy = "Name a file, not a folder, on a disk with room"
        raise find.unknown(
            "--out", str(out), f"was not written ({error.strerror})", remedy
        ) from None
