"""The docs as pages of the desk: Markdown of our own, made into HTML that loads nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

HERE = Path(__file__).parent / "help"
# In the order of the contents; others follow by name.
FIRST = ("reading", "keys", "analyst", "desk", "tracing", "watchlist", "balances", "evidence")
LAST = ("operating", "settings", "commands", "install", "integrating")
LEFT_OUT = frozenset({"architecture"})  # for who changes the program
PICTURES = {".png": "image/png", ".svg": "image/svg+xml"}
# The one piece of HTML that our docs have: a picture with a width.
_IMG = re.compile(r'<img src="([\w.-]+)"[^>]*?alt="([^"]*)"\s*/?>')


@dataclass(frozen=True, slots=True)
class Doc:
    """One of the docs."""

    name: str
    title: str
    html: str


def folder() -> Path:
    """Where the docs lie: inside the package where it is installed, beside it in a checkout."""
    inside = Path(__file__).parents[2] / "docs"
    return inside if inside.is_dir() else Path(__file__).parents[3] / "docs"


@cache
def docs() -> Mapping[str, Doc]:
    """All of them, in the order of the contents."""
    files = {path.stem: path for where in (folder(), HERE) for path in where.glob("*.md")}
    middle = sorted(files.keys() - {*FIRST, *LAST, *LEFT_OUT})
    names = [name for name in (*FIRST, *middle, *LAST) if name in files]
    return {name: _doc(name, files[name].read_text("utf-8"), names) for name in names}


@cache
def picture(name: str) -> tuple[bytes, str] | None:
    """A picture of the docs with its kind; None: there is none of that name."""
    path = folder() / name
    if path.parent != folder() or path.suffix not in PICTURES or not path.is_file():
        return None
    return path.read_bytes(), PICTURES[path.suffix]


def _doc(name: str, text: str, names: Sequence[str]) -> Doc:
    made = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = made.parse(_IMG.sub(_as_markdown, text))
    _number_headings(tokens)
    _name_cells(tokens)
    for token in tokens:
        _links(token.children or [], names)
    title = next((_plain(tokens[n + 1]) for n, t in enumerate(tokens) if t.tag == "h1"), name)
    return Doc(name, title, made.renderer.render(tokens, made.options, {}))


def _as_markdown(found: re.Match[str]) -> str:
    return f"![{' '.join(found[2].split())}]({found[1]})"


def _plain(inline: Token) -> str:
    return "".join(child.content for child in inline.children or [])


def _number_headings(tokens: Sequence[Token]) -> None:
    """Each heading has the name that links of the docs use for it."""
    taken: dict[str, int] = {}
    for number, token in enumerate(tokens):
        if token.type == "heading_open":
            slug = re.sub(r"[^\w\- ]", "", _plain(tokens[number + 1]).lower()).replace(" ", "-")
            taken[slug] = taken.get(slug, -1) + 1
            token.attrSet("id", f"{slug}-{taken[slug]}" if taken[slug] else slug)


def _name_cells(tokens: Sequence[Token]) -> None:
    """On phones a table is a list of cards, in which each cell says what it is."""
    names: list[str] = []
    column = 0
    for number, token in enumerate(tokens):
        if token.type == "table_open":
            token.attrSet("class", "cards")
            names = []
        elif token.type == "th_open":
            names.append(_plain(tokens[number + 1]))
            if not names[-1]:  # a head that says nothing is none
                token.tag = tokens[number + 2].tag = "td"
        elif token.type == "tr_open":
            column = 0
        elif token.type == "td_open":
            if column < len(names) and names[column]:
                token.attrSet("data-name", names[column])
            column += 1


def _links(children: Sequence[Token], names: Sequence[str]) -> None:
    """Links between docs lead to pages of the desk, others are marked; what is not here is no
    link."""
    stack: list[str] = []
    for token in children:
        if token.type == "link_open":
            href = _target(str(token.attrGet("href") or ""), names)
            stack.append("a" if href else "span")
            token.tag, token.attrs = stack[-1], {"href": href} if href else {}
            if href.startswith("http"):
                token.attrs |= {"class": "out", "rel": "noreferrer noopener"}
        elif token.type == "link_close":
            token.tag = stack.pop()
        elif token.type == "image":
            token.attrSet("src", f"/help/pictures/{token.attrGet('src')}")


def _target(href: str, names: Sequence[str]) -> str:
    """Empty: it leads nowhere from here."""
    if href.startswith(("#", "https://", "http://")):
        return href
    path, _, part = href.partition("#")
    name = path.removeprefix("docs/").removeprefix("./").removesuffix(".md")
    if not path.endswith(".md") or name not in names:
        return ""
    return f"/help/{name}#{part}" if part else f"/help/{name}"
