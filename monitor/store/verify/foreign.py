"""Whether a text names a case that its reader was not told of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from monitor.store.port import Connection

_WORD = re.compile(r"\w+")
_CALLED = "json_extract({0}.terms, '$.label'), json_extract({0}.terms, '$.title')"
# Also what entries were called before, and cases that have none.
_NAMES = (
    f"SELECT case_id, id, {_CALLED.format('entry')} FROM entry "
    f"UNION SELECT e.case_id, e.id, {_CALLED.format('v')} "
    "FROM entry_version v JOIN entry e ON e.id = v.entry "
    # Entries of published lists that were another case's before.
    f"UNION SELECT json_extract(v.terms, '$.case'), e.id, {_CALLED.format('v')} "
    "FROM entry_version v JOIN entry e ON e.id = v.entry "
    "WHERE json_extract(v.terms, '$.origin') IS NOT NULL "
    "UNION SELECT e.case_id, r.old, NULL, NULL FROM respelt r JOIN entry e ON e.id = r.new "
    "UNION SELECT case_id, NULL, NULL, NULL FROM followed "
    "UNION SELECT case_id, NULL, NULL, NULL FROM case_state "
    "UNION SELECT case_id, NULL, NULL, NULL FROM log_case"
)

Words = tuple[str, ...]


class Foreign:
    """Ids, labels and entries of all cases but one, found in texts as whole words; those without
    a letter or digit as they are."""

    def __init__(self, names: Iterable[str]) -> None:
        self._by_first: dict[str, set[Words]] = {}
        self._signs = set[str]()
        for name in names:
            if words := _words(name):
                self._by_first.setdefault(words[0], set()).add(words)
            elif sign := name.strip():
                self._signs.add(sign)

    @classmethod
    def of(cls, conn: Connection, case: str) -> Foreign:
        """Of all cases but this one, as the record has them."""
        own, others = set[str](), set[str]()
        for row in conn.execute(_NAMES):
            (own if row["case_id"] == case else others).update(filter(None, row))
        return cls(others - own)

    def named_in(self, told: object) -> bool:
        """Whether a text of the log, as a value, names one of them."""
        return any(
            self._stands_in(_words(each)) or any(sign in each for sign in self._signs)
            for each in _strings(told)
        )

    def _stands_in(self, words: Words) -> bool:
        return any(
            words[at : at + len(name)] == name
            for at, word in enumerate(words)
            for name in self._by_first.get(word, ())
        )


def _words(text: str) -> Words:
    return tuple(_WORD.findall(text.casefold()))


def _strings(value: Any) -> Iterator[str]:  # noqa: ANN401 - of any type
    """Every text in a JSON value, also in JSON that is kept as a text."""
    if isinstance(value, str):
        yield value
        if value[:1] in ("{", "["):
            yield from _strings(_inner(value))
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def _inner(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
