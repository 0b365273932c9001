"""What people say of an address or an entity of a published list: KEY=VALUE -> what is recorded.
Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from monitor.model import Chain
from monitor.model.errors import ConfigError, Problem
from monitor.watchlist import yaml_nodes
from monitor.watchlist.values import EntryReader, read_value
from monitor.watchlist.yaml_nodes import Fields, Notes, Text, closest

KEYS = ("busy", "severity", "incoming", "min_amount", "chains", "channels")
_MANY = ("chains", "channels")
DAILY, AS_SEVERITY = "daily", "as severity"


def read(
    pairs: Sequence[str],
    chains: Mapping[str, Chain],
    channels: Collection[str],
    symbols: Collection[str],
) -> dict[str, object]:
    """By key; None for one that is to be as the list has it: KEY= . Raises ConfigError with
    everything that is wrong."""
    found: dict[str, object] = {}
    problems: list[Problem] = []
    if not pairs:
        problems.append(Problem("KEY=VALUE", "", "is missing", "Write for example  severity=low"))
    for pair in pairs:
        key, equals, text = (each.strip() for each in pair.partition("="))
        if not equals or key not in KEYS:
            near = closest(key, KEYS)
            remedy = f"Did you mean {near}=VALUE?" if near and equals else _FORM
            problems.append(Problem("KEY=VALUE", pair[:100], "is nothing to set", remedy))
        elif key in found:
            problems.append(Problem(key, pair[:100], "is given twice", "Give it once"))
        else:
            notes = Notes()
            found[key] = _value(key, text, EntryReader(chains, channels, symbols, notes))
            problems += [Problem(key, p.value, p.reason, p.remedy) for p in notes.problems]
    if problems:
        raise ConfigError(problems)
    return found


_FORM = f"Write KEY=VALUE with one of {', '.join(KEYS)}; KEY= for what the list says"


def _value(key: str, text: str, at: EntryReader) -> object:
    if not text:
        return None
    shown = Text("", 0, 0, text)
    if not text.isprintable():
        at.notes.say(shown, "has signs that cannot be printed", "Write it in one line")
        return None
    if key == "incoming":
        if text not in (DAILY, AS_SEVERITY):
            at.notes.say(shown, "is no choice", f"Write {DAILY}, or '{AS_SEVERITY}'")
        return DAILY if text == DAILY else ""
    if key == "min_amount" and not set(text) & set("=:"):
        at.notes.say(shown, "names no coin", "Write for example  min_amount=USD=5000  or  ETH=2")
        return None
    root = yaml_nodes.read(f"{key}: {_as_yaml(key, text)}", "", at.notes)
    node = root.get(key) if isinstance(root, Fields) else None
    if node is None:
        if not at.notes.found:
            at.notes.say(shown, "cannot be understood", _FORM)
        return None
    value = read_value(key, node, at)
    return [*value] if isinstance(value, tuple) else value


def _as_yaml(key: str, text: str) -> str:
    """Also as it is quickly typed: USD=1000,ETH:2 and ethereum,bnb."""
    if text[0] in "[{":
        return text
    if key == "min_amount":
        return f"{{{text.replace('=', ':').replace(':', ': ')}}}"
    return f"[{text}]" if key in _MANY else text
