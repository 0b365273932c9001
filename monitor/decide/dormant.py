"""Which addresses are asked for in hundreds whether they ever lived, and what nodes' words on them
come to. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from monitor.model import Head, Severity, Subject, Watched
from monitor.model.life import Dormant, LifeWord

HOLD = 3600  # seconds that an address stays asleep though no node says anything of it
ROUNDS = 3  # ... and so many rounds of reading, if these are longer


def fits(watched: Sequence[Watched], *, unread: bool) -> bool:
    """Whether an address may be asked for so, by its active entries.

    Lists name addresses on every chain, so theirs may. What a person watches is read list by list,
    unless it is watched on several chains, none of its lists has ever been read on this one
    (`unread`: both), and it is not severe: nobody loses lists that he has already.
    """
    return bool(watched) and all(
        w.entry.origin is not None
        or (unread and not w.entry.canary and w.entry.severity is not Severity.SEVERE)
        for w in watched
    )


@dataclass
class Judged:
    """What the words on some addresses come to."""

    changed: list[Dormant] = field(default_factory=list)  # to be kept
    asleep: set[Subject] = field(default_factory=set)  # of which no list is to be read
    unsaid: set[Subject] = field(default_factory=set)  # of these: those of which nobody said it now
    # The lowest block at which each was said to have never lived: its first contact.
    met: dict[Subject, Head] = field(default_factory=dict)


def judge(
    asked: Collection[Subject],
    known: Mapping[Subject, Dormant],
    words: Sequence[LifeWord],
    why: str,
    now: int,
    hold: int,
) -> Judged:
    """Whether these addresses are dormant now. `known`: what was proven of them before; `why`
    nobody said more; `hold`: seconds for which a proof stands without a newer one.

    One sign of life is enough to wake an address: its lists are read then, and they decide. That
    it never lived takes two words at first, of two nodes or at two blocks; later one at a time.
    """
    judged = Judged()
    for subject in asked:
        _judge(judged, subject, known.get(subject), words, why, now, hold)
    return judged


def _judge(
    judged: Judged,
    subject: Subject,
    old: Dormant | None,
    words: Sequence[LifeWord],
    why: str,
    now: int,
    hold: int,
) -> None:
    signs = [_sign(word, subject.address) for word in words if subject.address in word.signs]
    nones = [word for word in words if subject.address in word.none]
    if signs:
        if old is not None:
            judged.changed.append(woken(old, signs[0], now))
        return
    if nones and (old is not None or len({(w.source, w.head.height) for w in nones}) > 1):
        judged.changed.append(_proven(subject, old, nones, now))
        judged.met[subject] = min((w.head for w in nones), key=lambda head: head.height)
        judged.asleep.add(subject)
        return
    if old is None:
        return
    unsaid = [w.unsaid[subject.address] for w in words if subject.address in w.unsaid]
    rests = old.asleep and now - old.at <= hold
    failing, error = old.failing or now, (unsaid[0] if unsaid else why)
    judged.changed.append(replace(old, asleep=rests, failing=failing, error=error))
    if rests:
        judged.asleep.add(subject)
        judged.unsaid.add(subject)


def _sign(word: LifeWord, address: str) -> str:
    return f"{word.signs[address]} at block {word.head.height}, by {word.source}"


def woken(old: Dormant, sign: str, now: int) -> Dormant:
    """The same address, of which something was seen."""
    return replace(old, asleep=False, woke=now, sign=sign, failing=None, error="")


def _proven(subject: Subject, old: Dormant | None, nones: Sequence[LifeWord], now: int) -> Dormant:
    newest = max(nones, key=lambda word: word.head.height)
    head = newest.head
    said = tuple((w.source, w.head.height, w.head.block_hash or "") for w in nones)
    return Dormant(
        subject=subject,
        since=now if old is None else old.since,
        words=said if old is None else old.words,
        height=head.height,
        block_hash=head.block_hash or "",
        time=head.time,
        source=newest.source,
        at=now,
    )
