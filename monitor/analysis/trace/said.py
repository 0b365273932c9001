"""What persons said of a case: the limits that hold now, and whose word stands about an
address. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from monitor.model import Subject
from monitor.model.trace import Say, Terms, Word

_ABOUT_ADDRESSES = frozenset({Say.STOP, Say.RESUME, Say.APPROVE})


def terms_now(terms: Terms, words: Iterable[Word]) -> Terms:
    """The terms with the limits that persons raised since; a value that is no whole number, or
    of nothing that may be raised, changes nothing."""
    limits: dict[str, int] = {}
    for word in words:
        name, _, value = word.value.partition("=")
        if word.say is Say.LIMIT and name in Terms.LIMITS and value.isdecimal():
            limits[name] = int(value)
    return replace(
        terms,
        hops=limits.get("hops", terms.hops),
        addresses=limits.get("addresses", terms.addresses),
        calls=limits.get("calls", terms.calls),
        calls_per_day=limits.get("calls_per_day", terms.calls_per_day),
    )


def about_addresses(words: Iterable[Word]) -> Mapping[Subject, Word]:
    """The last word about each address: stop, resume or approve."""
    return {w.subject: w for w in words if w.say in _ABOUT_ADDRESSES and w.subject is not None}


def allowed(terms: Terms, words: Iterable[Word]) -> int | None:
    """After how many followed addresses a person is asked; None: never."""
    if terms.ask_after is None:
        return None
    more = (int(w.value) for w in words if w.say is Say.MORE and w.value.isdecimal())
    return terms.ask_after + sum(more)


def chosen_method(words: Sequence[Word]) -> Word | None:
    """Who chose the method that is shown first, and why; None: nobody did."""
    return next((w for w in reversed(words) if w.say is Say.METHOD), None)
