"""The report of a case as PDF: our own template and fonts, tagged, and nothing fetched. The same
state of the record gives the same bytes.

WeasyPrint stands in the extra `report`: whoever makes no reports does without it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from Crypto.PublicKey.ECC import EccKey
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from monitor import __version__
from monitor.loops.report import cover, held, keys, members, traced
from monitor.loops.report.members import Progress
from monitor.loops.report.mine import Mine
from monitor.loops.report.sheets import Report, report
from monitor.loops.report.state import Standing, name_sources, standing
from monitor.model.errors import ConfigError, Problem
from monitor.model.plain import utc
from monitor.model.settings import Settings
from monitor.picture.png import FONTS
from monitor.store.port import Reader
from monitor.store.views import Views

_TEMPLATES = Path(__file__).with_name("template")
_PLACE = "fundwatch:"  # begins what the template names: our fonts and the picture


@dataclass(frozen=True, slots=True)
class Done:
    """What was written."""

    sha256: str
    size: int
    pages: int
    standing: Standing


def make(
    store: Reader,
    settings: Settings,
    views: Views,
    case: str,
    out: Path,
    key: EccKey,
    say: Progress = members.quiet,
) -> Done:
    """Write the file, whole or not at all. Raises StoreError, OSError, and ConfigError where the
    extra is not installed."""
    draw = _drawer()
    say("reading how the case stands")
    with store.look():  # all of it is of one moment
        mine = Mine(store, settings, views, case)
        mine.check()
        going = traced.of(mine, held.Safe(mine).text)
        told = going.told if going is not None else None
        facts = cover.Known(
            standing=standing(mine, told),
            told=told,
            veiled=going is not None and going.veiled,
            sources=name_sources(told.trace if told is not None else None, ()),
            fingerprint=keys.fingerprint(keys.public(key)),
        )
        values = report(mine, going, facts)
    say("laying out the pages")
    raw, pages = draw(values)

    def write(file: BinaryIO) -> None:
        file.write(raw)

    return Done(members.whole(out, write), len(raw), pages, facts.standing)


def html(values: Report) -> str:
    """The pages before they are laid out."""
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["utc"] = utc
    page = made.get_template("report.html.j2")
    return page.render(
        report=values, money=values.money, warning=cover.WARNING, version=__version__
    )


def _drawer() -> Callable[[Report], tuple[bytes, int]]:
    """Raises ConfigError where the extra is missing, before anything is read."""
    try:
        from weasyprint import HTML  # noqa: PLC0415 - of the extra, and slow to load
        from weasyprint.urls import URLFetcherResponse  # noqa: PLC0415
    except (ImportError, OSError) as error:  # OSError: it misses a library of the system
        why = f"needs WeasyPrint, which cannot be loaded ({error})"
        remedy = (
            "Install the extra `report` (docs/install.md says how) and the system's Pango: on "
            "Debian  apt-get install libpango-1.0-0 libpangoft2-1.0-0"
        )
        raise ConfigError([Problem("report", "", why, remedy)]) from error

    class Ours:
        """Our fonts, our style and the picture: nothing else is ever fetched."""

        _fail_on_errors = True  # WeasyPrint asks for it

        def __init__(self, svg: str) -> None:
            self._svg = svg.encode()

        def __call__(self, url: str) -> object:
            name = url.removeprefix(_PLACE)
            if url == f"{_PLACE}flow.svg":
                return URLFetcherResponse(url, self._svg, {"Content-Type": "image/svg+xml"})
            if url.startswith(_PLACE) and "/" not in name and name.endswith(".ttf"):
                return URLFetcherResponse(
                    url, (FONTS / name).read_bytes(), {"Content-Type": "font/ttf"}
                )
            raise ValueError(f"{url[:80]} is not ours")

    def draw(values: Report) -> tuple[bytes, int]:
        fetch = Ours(values.money.flow.svg if values.money is not None else "")
        made = HTML(string=html(values), url_fetcher=fetch).render(pdf_variant="pdf/ua-1")
        return made.write_pdf(pdf_variant="pdf/ua-1"), len(made.pages)

    return draw
