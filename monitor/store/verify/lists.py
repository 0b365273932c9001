"""What acts about published lists make of the record: versions, their rows, what people said."""

from __future__ import annotations

from monitor.model.acts import Actor, ActorKind
from monitor.model.difference import Difference, Report
from monitor.store import staging
from monitor.store.port import Connection
from monitor.store.verify.chain import Told
from monitor.store.verify.expected import Expected, shown


def publication(expected: Expected, told: Told) -> None:
    columns = dict(told.body["columns"])
    key = [columns.pop("list"), columns.pop("nr")]
    expected.add("publication", key, columns, told.seq)


def listing(expected: Expected, told: Told) -> None:
    """Rows are many: their digests are held against those of the rows of now, which never change,
    span by span."""
    name, nr = told.body["list"], told.body["nr"]
    new = gone = 0
    for lo, hi, *said in told.body["spans"]:
        new, gone = new + said[0], gone + said[2]
        found = [
            *staging.begun(expected.ask, name, nr, (lo, hi)),
            *staging.ended(expected.ask, name, nr, (lo, hi)),
        ]
        if found != said:
            where = f"listing {shown(name)}, version {nr}, keys from {lo or 'the first'} to {hi}"
            words = "{:,} rows new with digest {}, {:,} gone with digest {}".format
            expected.report(Difference("record", where, words(*said), words(*found)))
    expected.listed[(name, nr)] = (new, gone)


def word(expected: Expected, told: Told) -> None:
    """A word or several, of one target."""
    body, actor = told.body, told.actor
    who = Actor(ActorKind(actor["kind"]), actor["name"], actor["authority"])
    said = {"target": body["target"], "nr": body["nr"], "at": told.at, "why": body["why"]}
    for place, (key, value) in enumerate(body["values"]):
        values = {**said, "key": key, "value": value, "name": who.recorded}
        expected.add("list_word", [body["list"], body["number"] + place], values, told.seq)


def compare(conn: Connection, expected: Expected, report: Report) -> int:
    """No version has rows that its act does not tell of; returns how many rows there are. Rows of
    the version after the newest may be there while it is taken, and count for nothing."""
    taking = {row[0] for row in conn.execute("SELECT DISTINCT list FROM staged")}
    newest = dict(conn.execute("SELECT list, max(nr) FROM publication GROUP BY list").fetchall())
    total = 0
    for place, column in enumerate(("from_nr", "until_nr")):
        counted = conn.execute(
            f"SELECT list, {column}, count(*) FROM listing WHERE {column} IS NOT NULL "
            f"GROUP BY list, {column}"
        )
        for name, nr, count in counted.fetchall():
            said = expected.listed.get((name, nr), (0, 0))[place]
            under_way = name in taking and not place and nr == newest.get(name, 0) + 1
            total += 0 if place else count
            if count != said and not under_way:
                where = f"listing {shown(name)}, {column} {nr}"
                report(Difference("record", where, f"{said:,} rows, by its act", f"{count:,}"))
    return total
