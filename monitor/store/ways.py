"""The ways to people, one for each channel and recipient: which take nothing, and since when.

A notice about sending never takes a way that fails; what was given up because of its way is
sent once more when the way works again.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from monitor.model import ChannelConfig
from monitor.model.ways import Way, place_of
from monitor.store.port import Connection, Fields, Reader, Store

OUTAGE = 60  # seconds: a way that took nothing for so long has begun to work when it says yes
# What a row of `delivery` says in `revive`.
GIVEN_UP_FOR_ITS_WAY, SENT_AGAIN = 1, 2


def took(conn: Connection, way: Way, now: int) -> None:
    """A yes. What was given up while this way took nothing waits again, once; what waits by
    our own word, which may be for hours after an outage, waits no longer."""
    before = conn.execute(
        "SELECT refusing FROM way WHERE channel = ? AND recipient = ?", way
    ).fetchone()
    conn.execute(
        "INSERT INTO way (channel, recipient, accepted) VALUES (?, ?, ?) ON CONFLICT "
        "(channel, recipient) DO UPDATE SET accepted = excluded.accepted, refusing = NULL",
        (*way, now),
    )
    if before is not None and before["refusing"] is not None:
        conn.execute(
            "UPDATE delivery SET state = 'waiting', due = ?, held = 0, attempts = 0, "
            "refusals = 0, revive = ? WHERE channel = ? AND recipient = ? AND state = 'dead' "
            "AND revive = ?",
            (now, SENT_AGAIN, *way, GIVEN_UP_FOR_ITS_WAY),
        )
        if now - before["refusing"] >= OUTAGE:
            conn.execute(
                "UPDATE delivery SET due = ? WHERE channel = ? AND recipient = ? "
                "AND state = 'waiting' AND held = 0 AND due > ?",
                (now, *way, now),
            )


def refused(conn: Connection, way: Way, now: int) -> None:
    """Anything but a yes."""
    conn.execute(
        "INSERT INTO way (channel, recipient, refusing) VALUES (?, ?, ?) ON CONFLICT "
        "(channel, recipient) DO UPDATE SET refusing = coalesce(refusing, excluded.refusing)",
        (*way, now),
    )


def note(store: Store, way: Way, now: int, *, good: bool) -> None:
    """How a message went that the outbox does not keep: a test."""
    with store.write() as conn:
        (took if good else refused)(conn, way, now)


def refusing(store: Reader) -> dict[Way, int]:
    """The ways that have taken nothing since a time (Unix seconds): their last try failed."""
    rows = store.read("SELECT * FROM way WHERE refusing IS NOT NULL")
    return {(row["channel"], row["recipient"]): row["refusing"] for row in rows}


def disable(store: Store, channel: str, why: str, now: int) -> None:
    """Stop sending to a channel whose receiver said that it is gone for good."""
    with store.write() as conn:
        conn.execute(
            "INSERT INTO channel_state (channel, disabled, why) VALUES (?, ?, ?) "
            "ON CONFLICT (channel) DO UPDATE SET disabled = coalesce(disabled, "
            "excluded.disabled), why = excluded.why",
            (channel, now, why[:500]),
        )


def enable(store: Store, channel: str) -> None:
    with store.write() as conn:
        conn.execute("DELETE FROM channel_state WHERE channel = ?", (channel,))


def disabled(store: Reader) -> dict[str, str]:
    rows = store.read("SELECT channel, why FROM channel_state WHERE disabled IS NOT NULL")
    return {row["channel"]: row["why"] for row in rows}


def takes_nothing(store: Reader, channel: str) -> bool:
    """Whether a channel is switched off, or did not accept what was tried last."""
    tried = "SELECT 1 FROM delivery WHERE channel = ? AND state = 'waiting' AND attempts > 1"
    silent = "SELECT 1 FROM way WHERE channel = ? AND refusing IS NOT NULL"
    return channel in disabled(store) or any(
        store.read(f"{query} LIMIT 1", [channel]) for query in (tried, silent)
    )


def refused_since(
    store: Reader,
    channels: Mapping[str, ChannelConfig],
    now: int,
    tested: Mapping[str, int] = MappingProxyType({}),
) -> dict[str, int]:
    """Audiences (desk, operations) of which every channel refuses, and since when (Unix
    seconds) all of them do; an audience without a channel is told by all, as in routing.

    A channel refuses when nobody has taken anything since a try of it failed: each of its
    recipients was asked in vain, or waits to be. Or it is switched off, or fails its tests
    (`tested`: since when). `channels`: as in the settings.
    """
    times = {name: _refuses(store, name, c, now, tested.get(name)) for name, c in channels.items()}
    since = {name: at for name, at in times.items() if at is not None}
    found = {}
    for audience in ("desk", "operations"):
        names = [name for name, config in channels.items() if audience in config.audience]
        names = names or list(channels)
        if names and all(name in since for name in names):
            found[audience] = max(since[name] for name in names)
    return found


def _refuses(
    store: Reader, name: str, config: ChannelConfig, now: int, tested: int | None
) -> int | None:
    """Since when a channel takes nothing from anybody; None: it does."""
    sql = "SELECT disabled FROM channel_state WHERE channel = ? AND disabled IS NOT NULL"
    if off := store.read(sql, [name]):
        return int(off[0]["disabled"])
    to = config.recipients
    rows = store.read("SELECT * FROM way WHERE channel = ?", [name])
    found = {row["recipient"]: row for row in rows if row["recipient"] in to}
    silent = {
        each: int(row["refusing"]) for each, row in found.items() if row["refusing"] is not None
    }
    if tested is not None and all(tested > (row["accepted"] or 0) for row in found.values()):
        return min([tested, *silent.values()])
    # Later than any yes to another one: what began before that is one recipient's trouble.
    begun = [at for each, at in silent.items() if at > _yes(found, each)]
    if len(silent) == len(to):
        return min(begun, default=max(silent.values()))
    waiting = store.read(
        "SELECT DISTINCT recipient FROM delivery WHERE channel = ? AND state = 'waiting' "
        "AND due <= ?",
        [name, now],
    )
    asked = silent.keys() | {row["recipient"] for row in waiting}
    return min(begun) if begun and asked.issuperset(to) else None


def _yes(found: Mapping[str, Fields], but: str) -> int:
    """The newest yes of any other recipient; 0 if there was none."""
    return max((row["accepted"] or 0 for each, row in found.items() if each != but), default=0)


def out_of_order(store: Reader) -> set[str]:
    """Channels that are switched off, or of which no recipient took what was tried last."""
    rows = store.read(
        "SELECT channel FROM channel_state WHERE disabled IS NOT NULL UNION "
        "SELECT channel FROM way GROUP BY channel HAVING count(*) = count(refusing)"
    )
    return {row["channel"] for row in rows}


def failing(store: Reader, configs: Mapping[str, ChannelConfig]) -> frozenset[Way]:
    """The ways that no notice about sending may take now: those that take nothing, those of
    a channel that is switched off, and those that an incident is open about."""
    places = [(name, "") for name in disabled(store)]
    for row in store.read(
        "SELECT key FROM incident WHERE closed IS NULL AND key >= 'channel:' AND key < 'channel;'"
    ):
        place = place_of(row["key"])
        places += [place] if place else []
    return frozenset({*refusing(store), *(w for p in places for w in _ways(p, configs))})


def _ways(place: Way, configs: Mapping[str, ChannelConfig]) -> list[Way]:
    """The ways of a place: one recipient, or (where it names none) all of the channel."""
    name, recipient = place
    known = configs[name].recipients if name in configs else ()
    return [(name, each) for each in known if recipient in ("", each)]


def settle(store: Store, configs: Mapping[str, ChannelConfig], now: int) -> None:
    """Close the incidents about ways that work again, or that are no more.

    What is to be told at once (a hold of 0) is told even if it is over by then.
    """
    rows = store.read(
        "SELECT key, since FROM incident WHERE closed IS NULL AND key >= 'channel:' "
        "AND key < 'channel;' AND (told IS NOT NULL OR json_extract(signal, '$.hold') > 0)"
    )
    over = [row["key"] for row in rows if _over(store, row["key"], row["since"], configs)]
    if over:
        with store.write() as conn:
            conn.executemany(
                "UPDATE incident SET closed = ? WHERE key = ?", [(now, key) for key in over]
            )


def _over(store: Reader, key: str, since: int, configs: Mapping[str, ChannelConfig]) -> bool:
    place = place_of(key)
    if place is None:
        return False
    found = _ways(place, configs)
    works = (
        "SELECT 1 FROM way WHERE channel = ? AND recipient = ? AND refusing IS NULL "
        "AND accepted >= ? AND channel NOT IN "
        "(SELECT channel FROM channel_state WHERE disabled IS NOT NULL)"
    )
    return not found or any(store.read(works, [*way, since]) for way in found)


def forget(store: Store, configs: Mapping[str, ChannelConfig]) -> None:
    """Leave out ways that are no longer set up."""
    known = {(name, to) for name, config in configs.items() for to in config.recipients}
    rows = store.read("SELECT channel, recipient FROM way")
    gone = [way for row in rows if (way := (row["channel"], row["recipient"])) not in known]
    if gone:
        with store.write() as conn:
            conn.executemany("DELETE FROM way WHERE channel = ? AND recipient = ?", gone)
