"""Microsoft Teams, Workflows webhooks: one Adaptive Card.

Everything is said in RichTextBlocks: TextBlock and FactSet read markdown, TextRun does not.
A mention needs an entry in msteams.entities, and there is none.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from monitor.messages.chat.page import Line, Medium, Page, Part, Run, cut_text
from monitor.messages.objects import json_text

# A post may have about 28 KB. Whether it is counted in UTF-8 or, as elsewhere in Teams, in
# UTF-16 is not said; the larger count is kept below it.
_ROOM = 26_000
_COLOURS = {"#a3001b": "attention", "#b8430a": "attention", "#7a5c00": "warning"}
_LOOKS: dict[str, dict[str, object]] = {
    "strong": {"weight": "Bolder"},
    "warn": {"weight": "Bolder", "color": "Attention"},
    "code": {"fontType": "Monospace"},
    "link": {"fontType": "Monospace"},
    "note": {"isSubtle": True},
}
_BRACES = re.compile(r"\{(?=\{)")
_PLAIN_LINES = 60
_BUTTONS = 6  # more are hidden behind "..."


def draw(page: Page) -> dict[str, object]:
    return _message(_body(page), page.first, _buttons(page))


def plain(subject: str, text: str) -> dict[str, object]:
    told = "\n".join(line for line in text.split("\n") if line.strip())
    lines = [subject, *cut_text(told, 3000).split("\n")]
    if len(lines) > _PLAIN_LINES:
        lines[_PLAIN_LINES:] = ["(cut here)"]
    return _message([_text((Run(line),)) for line in lines], subject, [])


def _message(body: list[object], fallback: str, buttons: list[object]) -> dict[str, object]:
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": fallback,
        "msteams": {"width": "Full"},
        "body": body,
        **({"actions": buttons} if buttons else {}),
    }
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return {"type": "message", "attachments": [attachment]}


def _body(page: Page) -> list[object]:
    banner = {
        "type": "Container",
        "style": _COLOURS.get(page.colour, "emphasis"),
        "bleed": True,
        "items": [_text((Run(page.first, "strong"),))],
    }
    top: list[Line] = [(Run(page.headline, "strong"),), *((Run(line),) for line in page.lead)]
    footer = [_text((Run(page.footer, "note"),), separator=True)] if page.footer else []
    parts = [block for part in page.parts for block in _part(part)]
    return [banner, *map(_text, top), *parts, *footer]


def _part(part: Part) -> list[object]:
    first, *rest = part.lines or ((),)
    named = _text((Run(f"{part.name}:  ", "strong"), *first), separator=True)
    return [named, *(_text(line, spacing="None") for line in rest)]


def _text(line: Line, **more: object) -> dict[str, object]:
    return {"type": "RichTextBlock", "inlines": [_run(run) for run in line], **more}


def _run(run: Run) -> dict[str, object]:
    # {{DATE(...)}} and {{TIME(...)}} are worked out by the card, in runs too, also within
    # more braces: no two stay together.
    text = _BRACES.sub("{ ", run.text)
    return {"type": "TextRun", "text": text, **_LOOKS.get(run.style, {})}


def _buttons(page: Page) -> list[object]:
    runs = [run for part in page.parts for line in part.lines for run in line]
    links = dict.fromkeys(run.text for run in runs if run.style == "link")
    return [
        {"type": "Action.OpenUrl", "title": f"Open {urlsplit(link).hostname}", "url": link}
        for link in list(links)[:_BUTTONS]
    ]


def _weigh(page: Page) -> int:
    return len(json_text(draw(page)).encode("utf-16-le"))


MEDIUM = Medium(_ROOM, draw, _weigh)
