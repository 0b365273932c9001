"""The first morning with a published list: few messages, one table, and no movement missed."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from world.first_day import (
    BANK,
    DAY,
    DOWN,
    KEYLESS,
    STRANGER,
    FirstDay,
    address,
    first_day,
    text_of,
)
from world.home import bodies, incident_keys
from world.record import new_record

from monitor.app.fundwatch import Fundwatch
from monitor.loops import morning
from monitor.loops.daily import Daily
from monitor.loops.list_watch import Wish
from monitor.model import Entry, Origin, Subject
from monitor.model.acts import DAEMON, TakeEntries
from monitor.store import taking, transfers, watch
from monitor.store.alerts import is_alert
from monitor.store.commit import commit

HOUR = 3600
OUT, BEGUN, READ, DAILY = "OUT 0.5", "a list has begun", "named had done before", "DAILY"


def start(day: FirstDay) -> None:
    day.home.run("init", "--lists", "desk", "--file", str(day.home.path / "desk.txt"))


def told(day: FirstDay, words: str) -> list[str]:
    return [subject for subject in day.subjects(day.desk) if words in subject]


def turns(day: FirstDay, app: Fundwatch, hours: int) -> None:
    for _ in range(hours):
        day.later(HOUR)
        day.turn(app)


def table(day: FirstDay) -> list[dict[str, str]]:
    """The file that the one mail with the table has."""
    (mail,) = [m.message for m in day.desk.mails if READ in str(m.message["Subject"])]
    (part,) = mail.iter_attachments()
    return list(csv.DictReader(io.StringIO(str(part.get_content()))))


def test_a_whole_first_day_is_a_handful_of_messages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From init to the next morning's mail at most 5 to the desk and 3 to operations, beside what
    left. Strangers' payments wait for the daily mail; machines get all."""
    with first_day(tmp_path, monkeypatch, 30, others=8) as day:
        start(day)
        with day.opened() as app:
            for hours in range(36):
                if told(day, READ) and told(day, DAILY):
                    break
                day.later(HOUR)
                if hours % 5 == 2:
                    for each in day.addresses[:4]:
                        day.pay(STRANGER, each, 10**12)
                if hours == 9:
                    day.pay(day.addresses[0], BANK, 5 * 10**17)
                day.turn(app)
        assert len(told(day, OUT)) == 1
        assert [len(told(day, words)) for words in (BEGUN, READ, DAILY)] == [1, 1, 1]
        assert len(day.desk.mails) - 1 <= 5, day.subjects(day.desk)
        assert len(day.operations.mails) <= 3, day.subjects(day.operations)
        heard = [a for body in bodies(day.hook.seen) for a in body["data"]["alerts"]]
        moved = [a for a in heard if a["kind"] == "movement"]
        arrived = sum(a["direction"] == "in" for a in moved)
        assert arrived == sum(a["direction"] == "in" for a in day.home.alerts()) >= 4 * 4


def test_the_table_says_what_each_holds_and_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exact sums of the whole past and of 30 days; what moved in the 72 hours before stands there
    and made no alert."""
    with first_day(tmp_path, monkeypatch, 21) as day:
        start(day)
        with day.opened() as app:
            turns(day, app, 3)
        rows = table(day)
        assert len(rows) == 21
        for row in rows:
            n = day.addresses.index(row["entity"])
            assert row["holds"].endswith(" ETH")
            assert row["out_30d"] == {0: "0.2 ETH", 1: "0.1 ETH"}.get(
                (n % 3 > 0) + (n % 10 > 0), "0"
            )
            assert row["moved_72h"] == ("yes" if n % 10 == 0 else "")
            assert (row["addresses"], row["read"], row["case"]) == ("1", "1", "DESK")
        (mail,) = [m.message for m in day.desk.mails if READ in str(m.message["Subject"])]
        number = str(mail["Subject"]).rpartition(" - ")[2]
        shown = day.home.run("alerts", "show", number, "--csv")
        assert list(csv.DictReader(io.StringIO(shown))) == rows, "for who has no mail"
        (begun,) = [s for s in day.subjects(day.desk) if BEGUN in s]
        refused = day.home.run("alerts", "show", begun.rpartition(" - ")[2], "--csv", code=2)
        assert "has a mail without a file" in refused
        text = text_of(mail)
        assert "21 of 21 addresses are read" in text
        assert "3 of them in the last 72 hours" in " ".join(text.split())
        alerts = day.home.alerts()
        assert {a["kind"] for a in alerts} == {"history", "notice"}
        assert {a["lane"] for a in alerts if a["kind"] == "history"} == {"quiet"}


def test_what_is_not_read_after_a_day_is_said_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A source that is down holds the table back for a day, not longer."""
    with first_day(tmp_path, monkeypatch, 4, others=3) as day:
        hour = time.gmtime().tm_hour  # so that a daily message comes a day later, whenever it runs
        settings = {"every": 3600, "prices": "none", "daily_hour": hour}
        day.home.write("config/settings.yaml", settings)
        start(day)
        with day.opened() as app:
            turns(day, app, 23)
            assert told(day, READ) == []
            (begun,) = [m.message for m in day.desk.mails if BEGUN in str(m.message["Subject"])]
            said = " ".join(text_of(begun).split())
            assert "3 cannot be read now. What cannot be read is told to operations." in said
            assert "Nothing is to be done" not in said
            turns(day, app, 3)
        daily = [m.message for m in day.desk.mails if DAILY in str(m.message["Subject"])]
        for mail in daily:
            text = text_of(mail)
            assert "NOT SEEN IN FULL: 6 of 10 addresses (" in " ".join(text.split())
            assert text.index("NOT SEEN IN FULL") < text.index("CHECKED")
        assert daily
        (mail,) = [m.message for m in day.desk.mails if READ in str(m.message["Subject"])]
        text = " ".join(text_of(mail).split())
        assert "4 of 10 addresses are read" in text
        assert {row["chains"]: row["holds"] for row in table(day) if row["read"] == "0"} == {
            DOWN: "not read",
            KEYLESS: "not read",
        }
        missing = text.partition("MISSING ")[2]
        assert missing.startswith("litecoin 3: no source is in service there")
        assert "bitcoin 3: not read for the first time up to" in missing


class Killed(BaseException):
    """As kill -9: nothing handles it."""


@pytest.mark.parametrize("which", ["begun", "read"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_kill_while_it_is_told_tells_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: str, after: bool
) -> None:
    """Before the record holds it and after it does: told once in the end."""
    with first_day(tmp_path, monkeypatch, 3) as day:
        start(day)
        with day.opened() as app:
            (only,) = morning.mornings(app.store)
            name = only.begun if which == "begun" else only.read
        carry: Callable[..., object] = morning.commit

        def dies(store: object, actor: object, act: object) -> object:
            ids = [alert.id for alert in getattr(act, "alerts", ())]
            if name not in ids:
                return carry(store, actor, act)
            if after:
                carry(store, actor, act)
            raise Killed

        with monkeypatch.context() as patch, day.opened() as app:
            patch.setattr(morning, "commit", dies)
            with pytest.raises(Killed):
                turns(day, app, 4)
        with day.opened() as app:
            assert is_alert(app.store, name) is after
            turns(day, app, 4)
        assert [len(told(day, words)) for words in (BEGUN, READ)] == [1, 1]


def test_lists_that_begin_together_are_told_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two first versions within an hour make one mail; one on another day has its own."""
    with first_day(tmp_path, monkeypatch, 6) as day:
        desk = {"kind": "text", "watch": True, "severity": "high", "incoming": "daily"}
        rows = {
            name: {**desk, "title": name.upper(), "file": f"{name}.txt", "case": name.upper()}
            for name in ("desk", "fbi", "late")
        }
        day.home.write("config/lists.yaml", {"lists": rows})
        for n, name in enumerate(rows):
            day.write_list(day.addresses[2 * n : 2 * n + 2], name)
        day.home.run("init")
        for name in ("desk", "fbi"):
            file = str(day.home.path / f"{name}.txt")
            day.home.run("lists", "update", name, "--file", file)
        with day.opened() as app:
            turns(day, app, 3)
            assert [len(told(day, words)) for words in (BEGUN, READ)] == [1, 1]
            assert {row["list"] for row in table(day)} == {"desk", "fbi"}
            day.later(DAY)
            wish = Wish(DAEMON, ("late",), str(day.home.path / "late.txt"))
            app.following.update(wish)
            turns(day, app, 3)
        assert [len(told(day, words)) for words in (BEGUN, READ)] == [2, 2]


def test_addresses_that_are_too_busy_are_one_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not an incident each: it stands in the mail with the table, with the command."""
    monkeypatch.setattr(transfers, "HISTORY_LIMIT", 1)
    with first_day(tmp_path, monkeypatch, 9) as day:
        start(day)
        with day.opened() as app:
            turns(day, app, 6)
            busy = [key for key in incident_keys(app) if key.startswith("busy:")]
        assert len(busy) == 3
        assert [words for words in day.subjects(day.desk) if "busy" in words] == []
        (mail,) = [m.message for m in day.desk.mails if READ in str(m.message["Subject"])]
        text = " ".join(text_of(mail).split())
        assert "QUESTION 3 addresses have over 100,000 movements" in text
        assert all(key.partition("/")[2] in text for key in busy)
        assert "fundwatch lists set LIST ADDRESS busy=yes" in text
        assert len(day.desk.mails) == 2


def test_who_touches_us_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the label of ours, never by its address."""
    with first_day(tmp_path, monkeypatch, 12) as day:
        ours = {"kind": "csv", "title": "OURS", "file": "ours.csv", "ours": True, "watch": False}
        desk = {"kind": "text", "title": "OFAC", "file": "desk.txt", "watch": True, "case": "DESK"}
        day.home.write("config/lists.yaml", {"lists": {"desk": desk, "ours": ours}})
        hot = address(9999)
        day.home.write("ours.csv", f"address,label\n{hot},Payout account\n")
        day.pay(hot, day.addresses[7], 10**15)
        for _ in range(3):
            day.ledger.mine(time=int(time.time()))
        day.home.run("init", "--lists", "desk,ours")
        with day.opened() as app:
            turns(day, app, 4)
            remarks = Daily(app.store, app.settings, 0, int(time.time())).remarks
            (count, shown) = remarks(set(), "desk")["OPEN"]
            assert "1 alert is not acknowledged" in count
            assert "severe, TOUCHES US, open for" in shown
            assert remarks(set(), "another")["OPEN"] == ["Every alert is acknowledged."]
        rows = table(day)
        assert [row["entity"] for row in rows if row["touches_us"]] == [day.addresses[7]]
        assert rows[0]["touches_us"] == "yes"
        (mail,) = [m.message for m in day.desk.mails if READ in str(m.message["Subject"])]
        text = " ".join(text_of(mail).split())
        assert "TOUCHES US" in text
        assert "TOUCHES US: 1 party. OFAC's list, before watching began" in text
        assert "Payout account: paid the other side" in text
        assert hot not in text.lower()


def test_what_was_listed_last_is_read_first(tmp_path: Path) -> None:
    """After what people wrote down themselves; what was read before waits for its turn."""
    with closing(new_record(tmp_path / "fundwatch.db")) as store:
        days = {"b": "2020-01-01", "c": "2026-09-23", "d": "2023-04-24", "a": ""}
        entries = [
            Entry(
                f"E-{letter}",
                Subject("ethereum", f"0x{letter * 40}"),
                origin=Origin("ofac", "OFAC", since=day) if day else None,
            )
            for letter, day in days.items()
        ]
        commit(store, DAEMON, TakeEntries(1, "ab" * 32, taking.listed(entries)))
        order = [each.address[2] for each in watch.due_subjects(store, 10)]
        assert order == ["a", "c", "d", "b"]
        watch.schedule(store, entries[1].subject, 5, failed=False)
        assert [each.address[2] for each in watch.due_subjects(store, 10)] == ["a", "d", "b", "c"]
