"""A Sheet laid out for chat: one page of short lines, drawn as each platform wants it. Pure.

The words are those of the mail (monitor.messages.sheets); here is decided what of them fits, and
that nothing that a chain or a person wrote acts on the platform: no mention, link, format.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from monitor.messages.chat import discord, slack, teams, words
from monitor.messages.chat.page import Medium, Page, cut_text, fit, page_of, page_of_lines
from monitor.messages.objects import json_text
from monitor.messages.sheets.parts import Sheet
from monitor.model import Rendered, Severity


@dataclass(frozen=True, slots=True)
class _Layout:
    """How one platform shows a page, and subject and text where it refused that."""

    medium: Medium
    plain: Callable[[str, str], object]


_LAYOUTS: Mapping[str, _Layout] = {
    "slack": _Layout(slack.MEDIUM, slack.plain),
    "teams": _Layout(teams.MEDIUM, teams.plain),
    "discord": _Layout(discord.MEDIUM, discord.plain),
}
# What Apprise hands over, by how much a service takes: Telegram 4,096 characters, pagers
# about 1,000; for SMS (140) the command alone is left. With room for the subject, and for
# what escaping adds.
LENGTHS = (3000, 800)


def render(kind: str, sheet: Sheet, *, subject: str, colour: str, show: str) -> Rendered:
    """A sheet for one kind of chat channel. `show`: the command that tells everything.
    Raises ValueError when it cannot be made to fit."""
    tone = _tone(sheet.banner, sheet.severity)
    return _rendered(kind, page_of(sheet, colour, show), subject, tone)


def render_lines(
    kind: str, lines: Sequence[str], *, subject: str, severity: Severity, show: str
) -> Rendered:
    """Plain lines instead of a sheet: what goes out if a sheet could not be laid out."""
    page = page_of_lines(subject, lines, show)
    return _rendered(kind, page, subject, _tone("", severity))


def plain(kind: str, subject: str, text: str) -> str:
    """The JSON of a message with hardly any layout, for a platform that refused its layout."""
    return json_text(_LAYOUTS[kind].plain(subject, text))


def _rendered(kind: str, page: Page, subject: str, tone: str) -> Rendered:
    bodies = [_text(page, room) for room in LENGTHS]
    if kind == "apprise":
        body: object = {"type": tone, "bodies": [*bodies, page.show]}
    else:
        medium = _LAYOUTS[kind].medium
        body = medium.draw(fit(page, medium))
    return Rendered(subject, bodies[0], json=json_text(body))


def _text(page: Page, room: int) -> str:
    try:
        return words.draw(fit(page, words.medium(room)))
    except ValueError:
        return f"{cut_text(words.draw(page), room - len(page.show) - 1)}\n{page.show}"


def _tone(banner: str, severity: Severity) -> str:
    """Apprise's word for how bad it is, which services show as a colour or a sound."""
    if banner in ("TEST", "DAILY"):
        return "info"
    urgent = severity in (Severity.SEVERE, Severity.HIGH) and banner != "CORRECTION"
    return "failure" if urgent else "info" if severity is Severity.LOW else "warning"
