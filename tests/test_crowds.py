"""Many alerts of one entry share messages, payments worth next to nothing wait for each other;
nothing is left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import world.sample_alerts as sample
from world.home import ALICE, BOB, DESK, SHOP, Scene, entry, payment, staged, told, watchlist
from world.record import new_record

from monitor.loops.crowds import Crowds, is_dust
from monitor.messages import objects
from monitor.model import (
    AlertKind,
    AlertView,
    ChannelConfig,
    Direction,
    Kind,
    Price,
    TransferView,
)
from monitor.store.owing import Unsent
from monitor.store.views import Views


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with staged(tmp_path) as made:
        made.home.write("watchlist.yaml", watchlist(entry(ALICE, severity="severe"), entry(BOB)))
        made.home.run("poll")
        made.mail.mails.clear()
        made.hook.seen.clear()
        yield made


def shared_by(scene: Scene) -> list[list[str]]:
    """The alerts of each mail, in the order of their making."""
    rows = scene.home.sql(
        "SELECT m.id, r.alert FROM message m JOIN route r ON r.message = m.id "
        "JOIN alert a ON a.id = r.alert WHERE r.channel = 'mail' AND a.kind = 'movement' "
        "ORDER BY m.created, m.rowid, a.created, a.rowid"
    )
    found: dict[str, list[str]] = {}
    for message, alert in rows:
        found.setdefault(message, []).append(alert)
    return list(found.values())


def test_sixty_severe_payments_are_three_mails(scene: Scene) -> None:
    """The first and the largest alone, all others in one mail with a line each, though they
    are severe and outgoing; another entry is told as ever; the webhook has all."""
    scene.ledger.mine([payment(n, ALICE, SHOP, 10**16 + (n == 230) * 10**17 + n)
                       for n in range(200, 260)] + [payment(300, SHOP, BOB, 10**16)])  # fmt: skip
    scene.home.run("poll")
    alerts = {a["id"]: a for a in scene.alerts("movement")}
    assert len(alerts) == 61
    mine = [m for m in shared_by(scene) if alerts[m[0]]["entry"]["address"] == ALICE]
    assert [len(each) for each in mine] == [1, 1, 58]
    large = max(alerts.values(), key=lambda a: int(a["transfers"][0]["amount"]))
    assert mine[1] == [large["id"]]
    assert Counter(a for m in shared_by(scene) for a in m) == dict.fromkeys(alerts, 1)
    assert len(scene.mail.mails) == 4 * len(DESK)
    (file,) = [p for m in scene.mail.mails[-1:] for p in m.message.iter_attachments()]
    text = file.get_payload(decode=True).decode()
    assert all(alert in text for alert in mine[2])
    assert {a: n for a, n in told(scene.hook.seen).items() if a in alerts} == dict.fromkeys(
        alerts, 1
    )
    scene.ledger.mine([payment(n, ALICE, SHOP, 10**16) for n in range(400, 405)])
    scene.home.run("poll")
    assert [len(m) for m in shared_by(scene)][-1] == 5  # the crowd goes on: they share, too


def test_a_flood_fills_its_messages(tmp_path: Path) -> None:
    """While an address is read, alerts of a flood wait for the end of the reading, or until a
    message to a machine is full; minutes at most."""
    store = new_record(tmp_path / "r.db")
    with store.write() as conn:
        conn.execute("INSERT INTO scope (key, chain, address, in_flight) VALUES ('s','c','a',1)")
        conn.execute(
            "INSERT INTO entry (id, subject, case_id, terms, added) VALUES ('E','s','C','{}',0)"
        )
    views = Views(store, {}, {})
    people = {"mail": ChannelConfig("mail", "email")}
    flood = [
        Unsent(channel, "C", "E", f"A-{n}", "alone", True, False, False, 1000)
        for channel in ("mail", "hook")
        for n in range(900)
    ]
    few = [replace(each, entry="F", alert=f"B-{each.alert}") for each in flood[:3]]

    def told(now: int, everything: bool = False) -> Counter[str]:
        shared, rest = Crowds(store, views, people, now, everything).sort([*flood, *few])
        found = Counter({"mail": sum(len(each.alerts) for each in shared)})
        return found + Counter(each.channel for each in rest)

    assert told(1001) == {"hook": 500, "mail": 3}
    assert told(1001, everything=True) == told(1121) == {"hook": 900, "mail": 903}
    with store.write() as conn:
        conn.execute("UPDATE scope SET in_flight = NULL")
    assert told(1061) == {"hook": 900, "mail": 903}
    store.close()


def test_payments_of_next_to_nothing_are_one_mail_in_ten_minutes(scene: Scene) -> None:
    """The first is told at once, the next ones wait for each other, poll after poll; what
    leaves is told at once; after ten minutes all that waited are in one mail."""
    for n in range(3):
        scene.ledger.mine([payment(500 + n, SHOP, ALICE, 7)])
        scene.home.run("poll")
    assert len(scene.alerts("movement")) == 3
    assert [len(m) for m in shared_by(scene)] == [1]
    assert sum(told(scene.hook.seen).values()) == 3
    scene.ledger.mine([payment(510, ALICE, SHOP, 7)])
    scene.home.run("poll")
    assert [len(m) for m in shared_by(scene)] == [1, 1]
    scene.home.sql("UPDATE message SET created = created - 601")
    scene.home.run("poll")
    assert sorted(len(m) for m in shared_by(scene)) == [1, 1, 2]
    assert len({a for m in shared_by(scene) for a in m}) == 4


def test_many_rows_of_one_transaction_fit_into_a_body() -> None:
    """A body is bounded by bytes, and says how many transfers it has no room for."""
    rows = [replace_amount(sample.usdt(), n) for n in range(2000)]
    view = replace(sample.outgoing(), transfers=tuple(rows))
    body = objects.webhook_body([view], 0)
    (alert,) = body["data"]["alerts"]
    assert len(objects.json_text(body)) < 256_000
    assert len(alert["transfers"]) + alert["transfers_left_out"] == 2000
    assert alert["transfers"]
    small = objects.webhook_body([sample.outgoing()], 0)["data"]["alerts"][0]
    assert "transfers_left_out" not in small


def test_a_flood_leaves_out_its_fees() -> None:
    """Of a message with more than a hundred alerts, so that it stays small; and says so."""
    view, fee = sample.outgoing(), sample.ether(21_000)
    paid = replace(fee, row=replace(fee.row, transfer=replace(fee.row.transfer, kind=Kind.FEE)))
    view = replace(view, transfers=(*view.transfers, paid))
    few, many = (objects.webhook_body([view] * n, 0)["data"]["alerts"] for n in (100, 101))
    assert [t["kind"] for t in few[0]["transfers"]] == ["trc20", "fee"]
    assert [t["kind"] for t in many[0]["transfers"]] == ["trc20"]
    assert (few[0].get("transfers_left_out"), many[0]["transfers_left_out"]) == (None, 1)


def test_a_file_that_is_too_much_for_a_mail_is_cut_and_says_so() -> None:
    """With the number of rows, and the command that has all."""
    rows = [replace_amount(sample.usdt(), n) for n in range(9000)]
    mail = sample.mail(replace(sample.outgoing(), transfers=tuple(rows)))
    ((_, _, table),) = mail.attachments
    assert len(table) <= 4_000_000
    assert table.endswith("\r\n")
    assert "THE FILE IS CUT" in mail.text
    assert "9,000 rows" in " ".join(mail.text.split())
    assert f"{table.count(chr(10)) - 1:,} of 9,000" in " ".join(mail.text.split())


def replace_amount(view: TransferView, number: int) -> TransferView:
    transfer = replace(view.row.transfer, leg=f"leg {number}", amount=number + 1)
    return replace(view, row=replace(view.row, transfer=transfer))


# -- what is dust ----------------------------------------------------------------------------


def incoming(row: TransferView, **more: object) -> AlertView:
    """An alert about one payment of this asset to the watched address."""
    view = sample.outgoing()
    assert view.entry is not None
    transfer = replace(
        row.row.transfer, sender=sample.RECEIVER, recipient=view.entry.subject.address
    )
    alert = replace(view.alert, direction=Direction.IN)
    made = replace(row, row=replace(row.row, transfer=transfer), **more)  # type: ignore[arg-type]
    return replace(view, alert=alert, transfers=(made,))


DEAR = Price("ethereum", "", 0, Decimal(100_000), "llama")


@pytest.mark.parametrize(
    ("view", "dust"),
    [
        (incoming(sample.usdt(9_999)), True),  # less than a cent of a dollar, no price asked
        (incoming(sample.usdt(20_000)), False),
        (incoming(sample.usdt(20_000), verified=False), False),  # quiet by other rules
        (incoming(sample.ether(10**12)), True),
        (incoming(sample.ether(10**14)), False),
        (incoming(sample.ether(10**12), price=DEAR), True),
        (incoming(sample.ether(10**13), price=DEAR), False),
    ],
)
def test_what_is_worth_next_to_nothing(view: AlertView, dust: bool) -> None:
    """Incoming, verified, and below what any coin known would make a dollar of."""
    assert is_dust(view) is dust


def test_what_leaves_is_never_dust() -> None:
    """Test payments are the best warning; nor is a correction, or a swap."""
    small = incoming(sample.usdt(1))
    assert is_dust(small)
    assert not is_dust(replace(small, alert=replace(small.alert, direction=Direction.OUT)))
    assert not is_dust(replace(small, alert=replace(small.alert, kind=AlertKind.CORRECTION)))
    assert not is_dust(replace(small, transfers=(*small.transfers, sample.usdt(1))))
    assert not is_dust(replace(small, transfers=()))
