"""The words of a picture: states, names, times, and all of it as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from monitor.model.flow import METHOD_SAID
from monitor.model.plain import clean, moment, plural, tidy
from monitor.model.trace import Name, Node, State, Stop, Trace
from monitor.picture.parts import Box, Picture, Tone

# By reason of a stop: the word that people read, and its tone.
STOPPED: Mapping[str, tuple[str, Tone]] = {
    "exchange": ("AT EXCHANGE", Tone.REACHED),
    "deposit_address": ("AT EXCHANGE, DEPOSIT", Tone.REACHED),
    "issuer": ("AT ISSUER", Tone.REACHED),
    "service": ("AT SERVICE", Tone.REACHED),
    "mixer": ("IN MIXER", Tone.HIDDEN),
    "bridge": ("IN BRIDGE", Tone.HIDDEN),
    "dex": ("AT DEX", Tone.HIDDEN),
    "contract": ("IN CONTRACT", Tone.HIDDEN),
    "burn": ("BURNT", Tone.ENDED),
    "below_value": ("TOO SMALL TO FOLLOW", Tone.ENDED),
    "below_share": ("TOO SMALL TO FOLLOW", Tone.ENDED),
    "hops": ("LIMIT OF HOPS", Tone.ENDED),
    "addresses": ("LIMIT OF ADDRESSES", Tone.ENDED),
    "calls": ("LIMIT OF CALLS", Tone.ENDED),
    "person": ("STOPPED BY A PERSON", Tone.ENDED),
    "no_outflow": ("NOTHING HAS LEFT", Tone.RESTS),
    "nft": ("NFT", Tone.ENDED),
    "unpriced": ("WITHOUT A PRICE", Tone.OPEN),
    "incomplete": ("NOT ALL READ", Tone.OPEN),
}
_STATES = {
    State.SOURCE: ("WATCHED", Tone.SOURCE),
    State.QUEUED: ("TO BE READ", Tone.OPEN),
    State.WAITING: ("WAITS FOR A YES", Tone.OPEN),
}
RESTS, PASSED = ("RESTS HERE", Tone.RESTS), ("PASSED ON", Tone.PASSED)


def state_of(node: Node, *, rests: bool) -> tuple[str, Tone]:
    """The word of a box and its tone. `rests`: traced value lies there. What rests on a name that
    nobody confirmed is a question."""
    if node.state is State.STOPPED:
        reason = node.stop.reason if node.stop else "person"
        word, tone = STOPPED.get(reason, (clean(reason, 20).upper(), Tone.ENDED))
        return (f"{word}?", Tone.OPEN) if doubted(node.stop) else (word, tone)
    return _STATES.get(node.state) or (RESTS if rests else PASSED)


def doubted(stop: Stop | None) -> bool:
    """Whether what ended a trace is a name that nobody confirmed."""
    return stop is not None and not stop.confirmed


def name_said(name: Name) -> str:
    """A name with who gives it: "Binance 14 (etherscan labels, 2024-05-01)"."""
    given = ", ".join(filter(None, (clean(name.source, 60), clean(name.date, 20))))
    shown = clean(name.name, 80)
    return f"{shown} ({given})" if given else shown


def called(node: Node) -> str:
    """The name that counts first, as its box shows it; empty where there is none."""
    own = node.names[0].name if node.names else node.exchange or node.wallet
    return clean(own, 60)


def marks(node: Node) -> tuple[str, ...]:
    """What must not be overlooked about an address."""
    found = []
    if doubted(node.stop):
        by = clean(node.names[0].source, 40) if node.names else ""
        found.append(f"named by {by}, not confirmed" if by else "name not confirmed")
    if len(node.names) > 1:
        found.append(plural(len(node.names) - 1, "other name"))
    if not node.complete and node.state is not State.QUEUED:
        found.append("not all read")
    return tuple(found)


def one_line(text: str, limit: int = 300) -> str:
    """As a sentence: a capital at its beginning, a full stop at its end."""
    shown = tidy(text, limit)
    shown = shown[:1].upper() + shown[1:]
    return f"{shown}." if shown and shown[-1] not in ".!?…" else shown


def span_said(first: int | None, last: int | None, *, year: bool) -> str:
    """When a band's payments happened: "22 Nov 09:14", "22 to 24 Nov"; UTC."""
    start, end = moment(first), moment(last)
    if start is None or end is None:
        return ""
    tail = " %Y" if year else ""
    if start == end:
        return f"{start.day} {start.strftime(f'%b{tail} %H:%M')}"
    if start.date() == end.date():
        return f"{start.day} {start.strftime(f'%b{tail} %H:%M')}–{end.strftime('%H:%M')}"
    head = (
        "" if (start.year, start.month) == (end.year, end.month) else start.strftime(" %b" + tail)
    )
    return f"{start.day}{head}–{end.day} {end.strftime(f'%b{tail}')}"


def method_said(trace: Trace) -> str:
    if not trace.method:
        return "A range over 5 methods, lowest to highest: no method is chosen yet"
    by = f", chosen by {clean(trace.method_by, 60)}" if trace.method_by else ""
    return f"Traced by {METHOD_SAID.get(trace.method, trace.method)}{by}"


def alt(picture: Picture, most: int = 0) -> str:
    """The picture as text: what it is, then hop by hop its boxes, what went on, and its sums.

    `most`: characters; a longer text is without single payments, then without single addresses.
    """
    for detail in (2, 1, 0):
        text = "\n".join(_lines(picture, detail))
        if not most or len(text) <= most:
            break
    return text


def hops(picture: Picture) -> tuple[str, ...]:
    """A line for each hop with its sums, as they stand under its column."""
    return tuple(
        f"{column.head}, {column.sub}: "
        + ", ".join(f"{row.name.lower()} {row.figure}" for row in column.rows)
        for column in picture.columns
    )


def _lines(picture: Picture, detail: int) -> Iterator[str]:
    yield from (picture.title, *picture.said, *picture.warned)
    for number, column in enumerate(picture.columns):
        yield f"{column.head}: {column.sub}" if column.sub else column.head
        inside = [box for box in picture.boxes if box.column == number]
        if detail > 0:
            yield from (f"- {box.title}" for box in inside)
        if detail > 1:
            yield from _went(picture, inside)
        yield column.title


def _went(picture: Picture, boxes: Sequence[Box]) -> Iterator[str]:
    keys = {box.key for box in boxes}
    yield from (f"- {band.title}" for band in picture.bands if band.giver in keys)
    yield from (f"- {back.title}" for back in picture.backs if back.giver in keys)
