"""A page as plain text, for services that take nothing else (through Apprise)."""

from __future__ import annotations

from monitor.messages.chat.page import Line, Medium, Page, Run


def medium(room: int) -> Medium:
    return Medium(room, draw, lambda page: len(draw(page)))


def draw(page: Page) -> str:
    lines = [page.headline, *page.lead]
    for part in page.parts:
        first, *rest = part.lines or ((),)
        lines += ["", _line((Run(f"{part.name}: "), *first)), *map(_line, rest)]
    lines += ["", page.footer] if page.footer else []
    return "\n".join(line.rstrip() for line in map(_dead, lines))


def _line(line: Line) -> str:
    return "".join(run.text for run in line)


def _dead(line: str) -> str:
    """Where the text ends up is not known here: what begins a mention or hides a link on one
    of the usual services is broken."""
    return line.replace("<", "‹").replace("@", "(at)").replace("](", "] (")
