"""What pages, pictures, tables, answers and files say of a trace, read back as a stranger to the
program would read it: figures as exact numbers, by asset and method. Nothing here asks the code
that wrote them."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

METHODS = ("tainted_first", "haircut", "fifo", "lifo", "libr")  # that conserve
SAID = ("tainted first", "haircut", "FIFO", "LIFO", "LIBR")
SVG = "{http://www.w3.org/2000/svg}"
VOID = {"meta", "link", "input", "br", "img", "hr"}
Book = tuple[str, str]  # chain and contract
Line = dict[str, Any]


# --- numbers ----------------------------------------------------------------------------------


def number(text: str) -> Fraction:
    """ "1,200.50 USDT"."""
    return Fraction(text.split(maxsplit=1)[0].replace(",", "").replace("\u2212", "-"))


def ends(text: str) -> tuple[Fraction, Fraction]:
    """ "1,200 to 3,400 USDT": both; of one figure it twice."""
    first, _, last = text.replace("raw units ", "").partition(" to ")
    return number(first), number(last or first)


def plus(figures: Iterator[Fraction] | Sequence[Fraction]) -> Fraction:
    return sum(figures, Fraction(0))


def scaled(units: str | int, decimals: int | None) -> Fraction:
    return Fraction(int(units), 10 ** (decimals or 0))


# --- what programs read: the figures that all else is held against ---------------------------


@dataclass
class Ledger:
    """A trace by its lines, in whole coins."""

    nodes: list[Line] = field(default_factory=list)
    edges: list[Line] = field(default_factory=list)
    totals: list[Line] = field(default_factory=list)

    @classmethod
    def of(cls, lines: Sequence[Line]) -> Ledger:
        kinds = ("node", "edge", "total")
        return cls(*([each for each in lines if each["type"] == kind] for kind in kinds))

    @property
    def assets(self) -> dict[Book, Line]:
        return {(t["chain"], t["asset"]["contract"] or ""): t["asset"]
                for t in self.totals if t["asset"]}  # fmt: skip

    def total(self, book: Book | None, method: str) -> Line:
        for each in self.totals:
            mine = each["asset"] and (each["chain"], each["asset"]["contract"] or "")
            if (mine, each["method"]) == (book, method):
                return each
        raise KeyError((book, method))

    def held(self, book: Book, method: str) -> int:
        """At all addresses that are no source."""
        return sum(
            int(each["amount"][method])
            for node in self.nodes
            if node["state"] != "source"
            for each in node["holds"]
            if (node["chain"], each["asset"]["contract"] or "") == book
        )

    def came(self, book: Book | None, method: str) -> Fraction:
        """What left the sources, and came by conversion: what all parts have to come to."""
        each = self.total(book, method)
        return Fraction(each["out_of_sources"]) + Fraction(each["converted_in"])


def places(asset: Line) -> int | None:
    """With how many decimals people are shown an asset: nobody vouches for others' claims."""
    contract = asset["contract"] or ""
    if "#" in contract:
        return 18
    return asset["decimals"] if asset["verified"] or not contract else None


# --- pages ------------------------------------------------------------------------------------


@dataclass
class Tag:
    name: str
    attrs: dict[str, str]
    inside: list[Tag | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._words()).split())

    def _words(self) -> Iterator[str]:
        for each in self.inside:
            yield from [each] if isinstance(each, str) else each._words()

    def all(self, name: str = "", **attrs: str) -> list[Tag]:
        """`css`: one of its classes."""
        found = []
        for each in self.inside:
            if isinstance(each, Tag):
                fits = not name or each.name == name
                for key, value in attrs.items():
                    if key == "css":
                        fits &= value in each.attrs.get("class", "").split()
                    else:
                        fits &= each.attrs.get(key) == value
                found += [each] if fits else []
                found += each.all(name, **attrs)
        return found

    def one(self, name: str = "", **attrs: str) -> Tag:
        (found,) = self.all(name, **attrs)
        return found


class _Tree(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.open = [Tag("", {})]
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        made = Tag(tag, {key: value or "" for key, value in attrs})
        self.open[-1].inside.append(made)
        if tag not in VOID:
            self.open.append(made)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].inside.append(Tag(tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag in (each.name for each in self.open[1:]):
            while self.open.pop().name != tag:
                pass

    def handle_data(self, data: str) -> None:
        self.open[-1].inside.append(data)


def tree(page: str) -> Tag:
    return _Tree(page).open[0]


# --- where the money is now -------------------------------------------------------------------


@dataclass
class Part:
    """An asset in the list of where it is."""

    name: str  # "USDT", "USD"
    chain: str  # empty: all assets in USD
    amounts: list[tuple[Fraction, Fraction]]
    columns: list[tuple[Fraction, ...]]  # by method, of each part
    sums: tuple[Fraction, ...]
    bar: list[float]  # widths
    claims: str  # what is said of its adding up


def where(page: Tag) -> list[Part]:
    found = []
    for each in page.one("section", id="where").all("div", css="asset"):
        left = each.one("p", css="left")
        chain = [g.text for g in left.all("span", css="grey") if g.text.startswith("on ")]
        rows = each.one("table", css="methods").all("tr")[1:]
        cells = [tuple(number(c.text) for c in row.all("td")[1:]) for row in rows]
        shown = rows[-1].all("td")[1].text.split(maxsplit=1)[1]
        bar = each.one("div", css="bar").one("svg")
        drawn = [g for g in bar.inside if isinstance(g, Tag) and g.name == "rect"]
        found.append(
            Part(
                name=shown.removeprefix("raw units ").removeprefix("raw unit "),
                chain=chain[0].removeprefix("on ") if chain else "",
                amounts=[ends(b.text) for b in each.all("b", css="amt")],
                columns=cells[:-1],
                sums=cells[-1],
                bar=[float(g.attrs["width"]) for g in drawn],
                claims=each.all("summary")[-1].text,
            )
        )
    return found


# --- places: the table of what could be seized --------------------------------------------------


@dataclass
class Row:
    """A line of the table of places; `address` empty: several in one line."""

    address: str
    contract: str
    chain: str
    name: str
    ours: tuple[Fraction, Fraction]
    figures: tuple[Fraction, ...]
    case: str = ""


def seized(section: Tag) -> list[Row]:
    found = []
    for row in section.all("table", css="seized")[0].all("tbody")[0].all("tr"):
        if not row.all("td", css="whole"):
            continue
        place = row.one("td", css="whole")
        mono = [each.text for each in place.all(css="mono")]
        kind = place.all("div", css="grey")[-1].text
        name, chain = re.fullmatch(r"(.*) on ([\w ]+)(?:, \S+)?", kind).groups()  # type: ignore[union-attr]
        contract = mono[-1] if ", 0x" in kind else ""
        address = mono[0] if len(mono) > (1 if contract else 0) else ""
        case = [each.text for each in row.all("td", **{"data-name": "Case"})]
        found.append(
            Row(
                *(address.lower(), contract, chain, name),
                ends(row.one("td", **{"data-name": "Ours"}).all("b")[0].text),
                by_method(row),
                "".join(case),
            )
        )
    return found


def by_method(row: Tag) -> tuple[Fraction, ...]:
    """A small table with a row for each method."""
    rows = row.one("table", css="by").all("tr")
    assert tuple(each.one("th").text for each in rows) == SAID
    return tuple(number(each.one("td").text) for each in rows)


def feet_of_seized(
    section: Tag,
) -> list[tuple[str, tuple[Fraction, Fraction], tuple[Fraction, ...]]]:
    """The sums under the table: name, range, by method."""
    found = []
    for row in section.all("tfoot"):
        for each in row.all("tr"):
            if each.all("table"):
                name = re.search(r"Sum of these lines, (.*?)\. (?:Left|None)", each.text)[1]  # type: ignore[index]
                ours = ends(each.one("td", **{"data-name": "Ours"}).text)
                found.append((name, ours, by_method(each)))
    return found


def adding(section: Tag) -> dict[str, dict[str, tuple[Fraction, ...]]]:
    """How the lines add up to what left: by asset and row, by method."""
    found: dict[str, dict[str, tuple[Fraction, ...]]] = {}
    for each in section.all("table", css="adds"):
        rows = each.all("tbody")[0].all("tr")
        found[each.one("caption").text] = {
            row.all("td")[0].text: tuple(number(c.text) for c in row.all("td")[1:]) for row in rows
        }
    return found


# --- the picture and its tables -----------------------------------------------------------------


def feet(svg: str) -> list[list[tuple[str, str]]]:
    """What stands under each column, as it is drawn: names with their figures."""
    found = []
    for group in ElementTree.fromstring(svg).iter(f"{SVG}g"):
        words = [each.text or "" for each in group.findall(f"{SVG}text")]
        if ", sums: " in (group.findtext(f"{SVG}title") or ""):
            found.append(list(zip(words[::2], words[1::2], strict=True)))
    return found


def sums(section: Tag) -> list[list[tuple[str, str]]]:
    """The same of the tables."""
    return [
        [(each.one("dt").text, each.one("dd").text) for each in found.all("div")]
        for found in section.all("dl", css="sums")
    ]


def boxes(svg: str) -> dict[str, dict[str, str]]:
    """By its link what the sentence of a box says: sent, arrived, rests, left."""
    found = {}
    for link in ElementTree.fromstring(svg).iter(f"{SVG}a"):
        href, title = link.get("href", ""), link.findtext(f"{SVG}title") or ""
        if href.startswith("#box-"):
            said = re.findall(r"(Sent|Arrived|Rests|Left): (.*?)\.(?= [A-Z]|$)", title)
            found[href[1:]] = dict(said)
    return found


def rows_of_boxes(section: Tag) -> dict[str, dict[str, str]]:
    """By its id the amounts of a box in the table."""
    found = {}
    for row in section.all("tr"):
        if row.attrs.get("id", "").startswith("box-"):
            cell = row.one("td", **{"data-name": "Amounts"})
            said = (each.text.split(maxsplit=1) for each in cell.all("div"))
            found[row.attrs["id"]] = dict(said)
    return found


# --- following ----------------------------------------------------------------------------------


def beside(page: Tag) -> list[tuple[str, str, str, tuple[Fraction, ...]]]:
    """Every place by every method: address, chain, asset."""
    found = []
    for row in page.one("section", id="beside").all("tbody")[0].all("tr"):
        place = row.one("td", css="whole")
        chain = re.match(r"\w+", place.all("div", css="grey")[0].text)[0]  # type: ignore[index]
        cells = [row.one("td", **{"data-name": words}) for words in SAID]
        asset = row.one("td", **{"data-name": "Asset"}).text
        address = place.all(css="mono")[0].text.lower()
        found.append((address, chain, asset, tuple(number(c.text) for c in cells)))
    return found


def hops(page: Tag) -> list[tuple[str, list[tuple[Fraction, ...]]]]:
    """For each asset and method: arrived, rests, ended, waits, went on, differs by."""
    found = []
    for each in page.one("section", id="hops").all("details"):
        rows = [r for r in each.all("tbody")[0].all("tr") if len(r.all("td", css="r")) == 6]
        figures = [tuple(number(c.text) for c in row.all("td", css="r")) for row in rows]
        found.append((each.one("summary").text, figures))
    return found


# --- files ----------------------------------------------------------------------------------------


def table(text: str) -> list[dict[str, str]]:
    """A CSV file."""
    return [*csv.DictReader(io.StringIO(text, newline=""))]


def of_places(rows: Sequence[Mapping[str, Any]]) -> Counter[tuple[Book, str]]:
    """Lines of seizure.csv, summed by asset and method."""
    found: Counter[tuple[Book, str]] = Counter()
    for row in rows:
        for method in METHODS if row["where"] != "held" else ():
            found[(row["chain"], row["contract"]), method] += int(row[method])
    return found
