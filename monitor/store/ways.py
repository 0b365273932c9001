"""The ways to people, one for each channel and recipient: which take nothing, and since when.

A notice about sending never takes a way that fails; what was given up because of its way is
sent once more when the way works again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from monitor.model import ChannelConfig
from monitor.model.ways import Reach, Way, place_of
from monitor.store.port import Connection, Reader, Store

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


def reach(store: Reader, now: int) -> dict[str, Reach]:
    """How the channels stand that anything is known of."""
    accepted: defaultdict[str, dict[str, int]] = defaultdict(dict)
    refusing: defaultdict[str, dict[str, int]] = defaultdict(dict)
    asked: defaultdict[str, set[str]] = defaultdict(set)
    for row in store.read("SELECT * FROM way"):
        for times, since in ((accepted, row["accepted"]), (refusing, row["refusing"])):
            if since is not None:
                times[row["channel"]][row["recipient"]] = since
    sql = "SELECT DISTINCT channel, recipient FROM delivery WHERE state = 'waiting' AND due <= ?"
    for row in store.read(sql, [now]):
        asked[row["channel"]].add(row["recipient"])
    rows = store.read("SELECT channel, disabled FROM channel_state WHERE disabled IS NOT NULL")
    off = {row["channel"]: row["disabled"] for row in rows}
    return {
        name: Reach(accepted[name], refusing[name], frozenset(asked[name]), off.get(name))
        for name in {*accepted, *refusing, *asked, *off}
    }


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
