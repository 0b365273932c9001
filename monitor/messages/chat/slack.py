"""Slack, incoming webhooks: Block Kit.

Everything is said in rich_text blocks, whose text is shown as it stands: no format, no
mention, no link comes about by what a text holds. Only the line for notifications is
mark-up and is escaped. https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
"""

from __future__ import annotations

from collections.abc import Iterator

from monitor.messages.chat.page import Line, Medium, Page, Part, Run, cut_text
from monitor.messages.objects import json_text

# Slack refuses blocks of more than about 13,200 characters in all (msg_blocks_too_long);
# that bound is not documented, so we stay well below it, and below 50 blocks.
_ROOM = 10_000
_PARTS = 44
_QUIET = {"mrkdwn": False, "unfurl_links": False, "unfurl_media": False}
_STYLES: dict[str, dict[str, bool]] = {
    "strong": {"bold": True},
    "warn": {"bold": True},
    "code": {"code": True},
    "note": {"italic": True},
}


def draw(page: Page) -> dict[str, object]:
    return {"text": _escaped(f"{page.first}\n{page.headline}"), **_QUIET, "blocks": _blocks(page)}


def plain(subject: str, text: str) -> dict[str, object]:
    return {"text": _escaped(cut_text(f"{subject}\n{text}", 3000)), **_QUIET}


def _blocks(page: Page) -> list[dict[str, object]]:
    top: list[Line] = [(Run(page.headline, "strong"),), *((Run(line),) for line in page.lead)]
    return [
        {"type": "header", "text": _literal(page.first)},
        _block(top),
        *(_block(_named(part)) for part in page.parts),
        *([{"type": "context", "elements": [_literal(page.footer)]}] if page.footer else ()),
    ]


def _named(part: Part) -> list[Line]:
    name = Run(f"{part.name}:  ", "strong")
    first, *rest = part.lines or ((),)
    return [(name, *first), *rest]


def _block(lines: list[Line]) -> dict[str, object]:
    section = {"type": "rich_text_section", "elements": list(_elements(lines))}
    return {"type": "rich_text", "elements": [section]}


def _elements(lines: list[Line]) -> Iterator[dict[str, object]]:
    """Runs as elements; neighbours of one look are one element, which keeps it short."""
    waiting = Run("")
    for number, line in enumerate(lines):
        runs = line if number == 0 else (Run("\n"), *line)
        for run in runs:
            if run.style == waiting.style and run.style != "link":
                waiting = Run(waiting.text + run.text, run.style)
            else:
                yield from _element(waiting)
                waiting = run
    yield from _element(waiting)


def _element(run: Run) -> Iterator[dict[str, object]]:
    if run.style == "link":
        yield {"type": "link", "url": run.text}
    elif run.text and run.style in _STYLES:
        yield {"type": "text", "text": run.text, "style": _STYLES[run.style]}
    elif run.text:
        yield {"type": "text", "text": run.text}


def _literal(text: str) -> dict[str, object]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


MEDIUM = Medium(_ROOM, draw, lambda page: len(json_text(_blocks(page))), _PARTS)
