"""Discord, webhooks: a line of content and embeds with markdown that only we write.

https://discord.com/developers/docs/resources/webhook#execute-webhook
"""

from __future__ import annotations

import re

from monitor.messages.chat.page import Line, Medium, Page, Run, cut_text

_CONTENT = 2000  # characters of the content
_EMBED = 4000  # of one description; 4,096 are allowed
_ROOM = 5700  # of all embeds together; 6,000 are allowed
_NO_PREVIEW = 1 << 2  # SUPPRESS_EMBEDS: it would hide our own embeds too
_NOBODY: dict[str, object] = {"allowed_mentions": {"parse": []}}
# A colon between backslashes ends links, emoji and time stamps.
_SPECIAL = re.compile(r"[\\*_~`|<>@\[\]:]")
_LEADING = re.compile(r"^(\s*)([#+-]|\d+(?=[.)]))")


def draw(page: Page) -> dict[str, object]:
    colour = int(page.colour.lstrip("#"), 16)
    texts = _split(_lines(page))
    embeds = [{"description": text, "color": colour} for text in texts]
    return {"content": f"**{_escaped(page.first)}**", "embeds": embeds, **_NOBODY}


def plain(subject: str, text: str) -> dict[str, object]:
    lines = f"{subject}\n{text}".split("\n")
    shown = cut_text("\n".join(map(_escaped, lines)), _CONTENT)
    return {"content": shown, "flags": _NO_PREVIEW, **_NOBODY}


def _lines(page: Page) -> list[str]:
    lines = [_line((Run(page.headline, "strong"),)), *(_line((Run(x),)) for x in page.lead)]
    for part in page.parts:
        first, *rest = part.lines or ((),)
        lines.append("\n" + _line((Run(f"{part.name}:", "strong"), Run("  "), *first)))
        lines += map(_line, rest)
    return [*lines, "\n" + _line((Run(page.footer, "note"),))] if page.footer else lines


def _split(lines: list[str]) -> list[str]:
    """Texts of at most _EMBED characters, cut between lines."""
    texts = [""]
    for line in lines:
        if len(texts[-1]) + len(line) + 1 > _EMBED:
            texts.append("")
        texts[-1] += ("\n" if texts[-1] else "") + line
    return [text.strip("\n") for text in texts]


def _line(line: Line) -> str:
    return "".join(map(_run, line))


def _run(run: Run) -> str:
    if run.style == "link":
        return f"<{run.text}>"
    if run.style == "code" and "`" not in run.text:
        return f"`{run.text}`"
    text = _escaped(run.text)
    if run.style in ("strong", "warn") and text.strip():
        return f"**{text.strip()}**{' ' if text.endswith(' ') else ''}"
    return text


def _escaped(text: str) -> str:
    text = _SPECIAL.sub(lambda found: "\\" + found[0], text)
    return _LEADING.sub(_held, text)


def _held(found: re.Match[str]) -> str:
    """What would begin a heading or a list at the beginning of a line."""
    number = found[2].isdigit()
    return f"{found[1]}{found[2]}\\" if number else f"{found[1]}\\{found[2]}"


MEDIUM = Medium(_ROOM, draw, lambda page: len("\n".join(_lines(page))))
