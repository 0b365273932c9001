"""A record in which a list is read for the chain as a whole."""

from __future__ import annotations

from monitor.model import Axis
from monitor.model.scope import ChainWide, Joined
from monitor.store import watch
from monitor.store.coverage import change_members
from monitor.store.sqlite import Store

WHOLE = ChainWide("dev")


def read_as_a_whole(store: Store, stream: str = "erc20") -> None:
    """As if this list had always been read for all that are watched at once, and not address by
    address."""
    subjects = watch.listed_subjects(store)
    change_members(store, WHOLE, [Joined(s, stream, Axis.HEIGHT, 0) for s in subjects], [], 0)
    with store.write() as conn:
        for table, rest in (
            ("reading", "tried, ok, source, axis, complete_to, complete_time, error, failing"),
            ("coverage", "source, axis, lo, hi, at"),
        ):
            conn.execute(
                f"INSERT INTO {table} (scope, stream, {rest}) SELECT ?, stream, {rest} "
                f"FROM {table} WHERE scope = ? AND stream = ?",
                (WHOLE.key, subjects[0].key, stream),
            )
            conn.execute(
                f"DELETE FROM {table} WHERE scope <> ? AND stream = ?", (WHOLE.key, stream)
            )


def fails_as_a_whole(store: Store, since: int, now: int) -> None:
    with store.write() as conn:
        conn.execute(
            "UPDATE reading SET failing = ?, tried = ?, error = 'node: no answer' WHERE scope = ?",
            (since, now, WHOLE.key),
        )
