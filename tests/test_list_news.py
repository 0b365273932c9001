"""A new version of a list is told twice: what changed, and what its additions had done before. Whom
it names no more is told weekly until a person decides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import yaml
from world.first_day import DAY, FirstDay, address, first_day, text_of

from monitor.app.fundwatch import Fundwatch
from monitor.loops import list_words, lists
from monitor.loops.list_watch import NOT_TAKEN, TAKEN, Result, Wish
from monitor.model.acts import Actor, ActorKind

ANN = Actor(ActorKind.CLI, "Ann", "a test")
HOUR = 3600
TAKEN_MAIL, SCANNED, WEEKLY = "was taken", "added, before watching began", "not on it any more"


@pytest.fixture
def day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FirstDay]:
    with first_day(tmp_path, monkeypatch, 12) as made:
        made.home.write("watchlist.yaml", {"addresses": []})
        yield made


def update(day: FirstDay, app: Fundwatch, addresses: Sequence[str], **more: bool) -> Result:
    day.write_list(addresses)
    (result,) = app.following.update(Wish(ANN, ("desk",), **more))
    return result


def begin(day: FirstDay, app: Fundwatch) -> None:
    """The first version is taken, read and told."""
    assert update(day, app, day.addresses).code == TAKEN
    for _ in range(3):
        day.later(HOUR)
        day.turn(app)


def mails(day: FirstDay, words: str) -> list[str]:
    """To the desk, each as one line."""
    texts = (" ".join(text_of(mail.message).split()) for mail in day.desk.mails)
    return [text for text in texts if words in text and "[Fundwatch DAILY]" not in text]


def test_a_first_version_is_not_news(day: FirstDay) -> None:
    with day.opened() as app:
        begin(day, app)
    assert mails(day, TAKEN_MAIL) == []
    assert mails(day, SCANNED) == []


def test_a_new_version_is_told_twice(day: FirstDay) -> None:
    """What changed with what reading it costs; then what the additions had done."""
    with day.opened() as app:
        begin(day, app)
        more = [*day.addresses[1:], address(100), address(101)]
        assert update(day, app, more).code == TAKEN
        for _ in range(4):
            day.turn(app)
            day.later(HOUR)
        (taken,), (scanned,) = mails(day, TAKEN_MAIL), mails(day, SCANNED)
    assert "2 added, 1 removed." in taken
    assert "2 addresses are watched for new movements from now on" in taken
    assert "calls" in taken
    assert "fundwatch lists removals desk" in taken
    assert "2 of 2 addresses are read" in scanned
    assert len(mails(day, "HISTORY")) == 0


def test_readers_of_some_cases_are_told_without_names(day: FirstDay) -> None:
    """And what it is about, as everybody is."""
    path = day.home.path / "config/channels.yaml"
    channels = yaml.safe_load(path.read_text("utf-8"))["channels"]
    for each in ("desk", "machine"):
        channels[each]["only"] = {"case": ["DESK"]}
    day.home.write("config/channels.yaml", {"channels": channels})
    with day.opened() as app:
        begin(day, app)
        update(day, app, [*day.addresses[1:], address(100)])
        day.turn(app)
    (taken,) = mails(day, TAKEN_MAIL)
    assert "a list has a new version" in taken
    assert "See `fundwatch lists status`" in taken
    assert not any(each in taken.lower() for each in (day.addresses[0], address(100)))


def test_what_is_not_read_after_a_day_is_named(day: FirstDay) -> None:
    with day.opened() as app:
        begin(day, app)
        day.explorer.knobs("ethereum", "etherscan").limited = 403
        update(day, app, [*day.addresses, address(100)])
        day.turn(app)
        day.later(DAY - HOUR)
        day.turn(app)
        assert mails(day, SCANNED) == []
        day.later(2 * HOUR)
        day.turn(app)
        (scanned,) = mails(day, SCANNED)
        assert "0 of 1 address are read" in scanned
        assert "MISSING ethereum 1" in scanned
    day.explorer.knobs("ethereum", "etherscan").limited = 0
    with day.opened() as app:
        for _ in range(4):
            day.later(HOUR)
            day.turn(app)
        _, rest = mails(day, SCANNED)
    assert "1 of 1 address are read" in rest


def test_what_a_yes_brought_is_told_once_it_is_read(
    day: FirstDay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list grows; a person says yes to what its additions did before."""
    monkeypatch.setattr(lists, "GROWN_ROWS", 1)
    with day.opened() as app:
        begin(day, app)
        more = [address(n) for n in range(100, 108)]
        day.pay(more[0], more[1], 10**18)
        day.later(2 * DAY)
        assert update(day, app, [*day.addresses, *more]).code == TAKEN
        for _ in range(4):
            day.later(HOUR)
            day.turn(app)
        (waits,) = mails(day, SCANNED)
        assert "WAITING" in waits
        update(day, app, [*day.addresses, *more], grown=True)
        for _ in range(4):
            day.later(HOUR)
            day.turn(app)
        _, read = mails(day, SCANNED)
    assert "WAITING" not in read
    assert "1 of 8 parties moved in 30 days" in read or "2 of 8 parties moved" in read


def test_a_version_that_changes_nothing_is_not_told(day: FirstDay) -> None:
    """A publisher's file is another one whenever anything in it is."""
    with day.opened() as app:
        begin(day, app)
        day.write_list(["# of another day", *day.addresses])
        (result,) = app.following.update(Wish(ANN, ("desk",)))
        assert result.code == TAKEN
        day.turn(app)
    assert mails(day, TAKEN_MAIL) == []


def test_what_a_list_of_our_own_holds_is_not_told(day: FirstDay) -> None:
    """Also where it was watched before, by mistake."""
    with day.opened() as app:
        begin(day, app)
    day.home.write("config/lists.yaml", {"lists": {"desk": {
        "kind": "text", "title": "OFAC", "file": "desk.txt", "ours": True, "case": "DESK",
    }}})  # fmt: skip
    with day.opened() as app:
        update(day, app, [*day.addresses[1:], address(100)])
        for _ in range(17):
            day.turn(app)
            day.later(DAY)
    assert mails(day, TAKEN_MAIL) == mails(day, SCANNED) == mails(day, WEEKLY) == []
    assert not any(address(100).encode() in mail.data for mail in day.desk.mails)


def test_whom_a_list_names_no_more_is_told_weekly(day: FirstDay) -> None:
    """Until a person has decided about each."""
    with day.opened() as app:
        begin(day, app)
        update(day, app, day.addresses[1:])
        for _ in range(17):
            day.turn(app)
            day.later(DAY)
        first = mails(day, WEEKLY)
        assert len(first) == 2
        assert f"ethereum {day.addresses[0]}" in first[0]
        assert "fundwatch lists retire desk ADDRESS" in first[0]
        list_words.retire_of_list(app.lists, ANN, "desk", day.addresses[0], "case closed")
        for _ in range(8):
            day.turn(app)
            day.later(DAY)
        assert len(mails(day, WEEKLY)) == 2


def test_a_mail_stays_small_whatever_was_added(day: FirstDay) -> None:
    """And what a grown list adds waits with its history for a yes."""
    with day.opened() as app:
        begin(day, app)
        many = [*day.addresses, *(address(n) for n in range(1000, 4000))]
        assert update(day, app, many).code == TAKEN
        app.housekeep()
        app.deliver(everything=True)
        (taken,) = mails(day, TAKEN_MAIL)
        assert "3,000 added" in taken
        assert "fundwatch lists update desk --accept-grown" in taken
        assert all(len(mail.data) < 500_000 for mail in day.desk.mails)
        assert update(day, app, many[:100]).code == NOT_TAKEN
        (result,) = app.following.update(Wish(ANN, ("desk",), grown=True))
        assert "what 3,000 of its addresses did before is read now" in result.said
        assert app.lists.waiting("desk") == 0
