"""One decoded value of a list in JSON -> its rows. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from monitor.model.lists import Published
from monitor.watchlist.imports.cells import looks_like_address, plain_text, text_of
from monitor.watchlist.imports.lists.fields import addresses, broken
from monitor.watchlist.imports.lists.headers import chain_of, coin_of, day_of, entity_of, fields

_NO_ADDRESS = ("is no address and holds none", "Ask its publisher")
_DEEPEST = 6  # objects within objects that are looked through
_LONGEST_COIN = 8


@dataclass(frozen=True, slots=True)
class Context:
    """Where a value stands. `key`: the one that it stands behind, which may say coin or entity;
    `must`: without an address it is a fault."""

    place: str
    coin: str = ""
    key: str = ""
    must: bool = True
    depth: int = 0
    known: Mapping[str, str] | None = None  # what the objects around it say, by `fields`


def rows(value: object, at: Context) -> Iterator[Published]:
    """The rows of one item: a text, an object with an address, an object by address."""
    found = False
    for row in _rows(value, at):
        found = True
        yield row
    if not found and at.must:
        yield broken(at.place, *_NO_ADDRESS, address=text_of(value)[:100])


def by_address(address: str, said: object, at: Context) -> Iterator[Published]:
    """The rows of {address: what is known of it}: a label, one object, or several entries."""
    if isinstance(said, dict):
        yield from _of_entries(address, said, replace(at, known=_known(said, at)))
    elif isinstance(said, list):
        yield from _of_entries(address, {"entries": said}, at)
    else:
        label = {"label": said} if isinstance(said, str) else {}
        yield from _of_text(address, replace(at, known={**(at.known or {}), **label}))


def _known(value: Mapping[str, object], at: Context) -> Mapping[str, str]:
    """What an object says of whom its rows are about, over what those around it say."""
    keys = tuple(value)
    known = dict(at.known or {})
    for name, n in fields(keys).items():
        if name != "address" and (said := _plain(value[keys[n]])):
            known[name] = said
    return known


def _rows(value: object, at: Context) -> Iterator[Published]:
    if at.depth > _DEEPEST or value is None:
        return
    if isinstance(value, dict):
        yield from _of_object(value, at)
    elif isinstance(value, list):
        for each in value:
            yield from _rows(each, replace(at, depth=at.depth + 1))
    elif at.must or looks_like_address(text_of(value)):
        yield from _of_text(text_of(value), at)


def _of_text(text: str, at: Context) -> Iterator[Published]:
    known = dict(at.known or {})
    if at.key.isupper() and at.key.isalnum() and len(at.key) <= _LONGEST_COIN:
        known.setdefault("ticker", at.key)  # {"ETH": ["0x...", ...]}
    label = plain_text(known.get("label", ""))[:300]
    for address in addresses(text):
        yield Published(
            *(address, coin_of(known) or at.coin, chain_of(known), entity_of(known)),
            *(day_of(known), label, at.place),
        )


def _of_object(value: Mapping[str, object], at: Context) -> Iterator[Published]:
    keys = tuple(value)
    n = fields(keys).get("address")
    written = None if n is None else value[keys[n]]
    inner = replace(at, known=_known(value, at), depth=at.depth + 1)
    if isinstance(written, dict):
        yield from _rows(written, inner)
    elif written:
        yield from _of_entries(written, value, inner)
    else:
        for key, each in value.items():
            if looks_like_address(key):
                yield from by_address(key, each, inner)
            elif isinstance(each, (dict, list)):
                yield from _rows(each, replace(inner, key=key, must=False))


def _of_entries(written: object, holder: Mapping[str, object], at: Context) -> Iterator[Published]:
    """A row for each entry that is given for an address, else one."""
    listed = holder.get("entries")
    entries = [e for e in listed if isinstance(e, dict)] if isinstance(listed, list) else []
    several = written if isinstance(written, list) else [written]
    for entry in entries or [{}]:
        inner = replace(at, known=_known(entry, at)) if entry else at
        for each in several:
            yield from _of_text(text_of(each), inner)


def _plain(value: object) -> str:
    """A value as one text; of a list its texts, with ; between."""
    if isinstance(value, list):
        return "; ".join(text_of(each) for each in value[:100] if not isinstance(each, dict))
    return "" if isinstance(value, dict) else text_of(value)
