"""Tables with addresses in several columns, headers in other languages, days of other countries:
nothing that a publisher names is passed over without a word."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from world.published import Desk, lines, sdn

from monitor.model.acts import DAEMON
from monitor.model.lists import Published
from monitor.watchlist.imports.lists import Preamble, reader

ONE = "0x175d44451403Edf28469dF03A9280c1197ADb92c"
TWO = "0x21B8d56BDA776bbE68655A16895afd96F5534feD"
COIN, TRON = "12QtD5BFwRsdNsAZY76UVE1xyCGNTojH9h", "TUCsTq7TofTCJRRoHk6RvhMoS2mJLm5Yzq"


def read(text: str, kind: str = "csv", encoding: str = "utf-8") -> tuple[list[Published], Preamble]:
    preamble = Preamble()
    file = io.BytesIO(text.encode(encoding))
    return list(reader(kind)(file, "list", preamble)), preamble


def said(rows: list[Published]) -> list[tuple[str, str]]:
    """Addresses, with the coin or chain that the file gives them."""
    return [(row.address, row.ticker or row.network) for row in rows]


def test_a_column_for_each_coin() -> None:
    rows, preamble = read(f"entity,btc,ETH address,tron\nX,{COIN},{ONE},{TRON}\nY,,{TWO},\n")
    assert said(rows) == [(COIN, "BTC"), (ONE, "ETH"), (TRON, "TRON"), (TWO, "ETH")]
    assert [row.entity.name for row in rows] == ["X", "X", "X", "Y"]
    assert preamble.remarks == []
    rows, _ = read(f"BTC,ETH\n{COIN},{ONE}\n,{TWO}\n")
    assert said(rows) == [(COIN, "BTC"), (ONE, "ETH"), (TWO, "ETH")]


def test_columns_of_one_kind_with_their_chains() -> None:
    """As Chainabuse exports reports."""
    rows, _ = read(
        "id,createdAt,scamCategory,addresses/0/address,addresses/0/chain,addresses/1/address,"
        f"addresses/1/chain\n1,2024-01-02,PHISHING,{ONE},ARBITRUM,{COIN},BTC\n"
        f"2,2024-01-02,RUG,{TRON},TRON,,\n"
    )
    assert said(rows) == [(ONE, "ARBITRUM"), (COIN, "BTC"), (TRON, "TRON")]


def test_two_addresses_a_row_beside_the_one_that_is_named() -> None:
    rows, _ = read(f"address,name,address 2\n{ONE},X,{TWO}\n{COIN},Y,\n")
    assert said(rows) == [(ONE, ""), (TWO, ""), (COIN, "")]


def test_other_columns_of_addresses_are_told() -> None:
    rows, preamble = read(f"address,label,paid by\n{ONE},X,{TWO}\n{COIN},Y,{TRON}\n")
    assert [row.address for row in rows] == [ONE, COIN]
    assert preamble.remarks == ["'paid by' holds addresses too, which are not read"]


def test_hashes_of_transactions_are_no_addresses() -> None:
    rows, preamble = read(f"name,wallet id,hash\nX,{ONE},{'ab' * 32}\nY,{TWO},{'cd' * 32}\n")
    assert [row.address for row in rows] == [ONE, TWO]
    assert preamble.remarks == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_german_headers(encoding: str) -> None:
    text = (
        "Wallet-Adresse;Währung;Inhaber;Gelistet am\n"
        f"{ONE};ETH;Müller;23.09.2026\n{TRON};TRX;Meier;1.2.2025\n"
    )
    rows, _ = read(text, encoding=encoding)
    assert said(rows) == [(ONE, "ETH"), (TRON, "TRX")]
    assert [(r.entity.name, r.since) for r in rows] == [
        ("Müller", "2026-09-23"),
        ("Meier", "2025-02-01"),
    ]


@pytest.mark.parametrize(
    ("day", "since"),
    [
        ("23/09/2026", "2026-09-23"),
        ("09/23/2026", "2026-09-23"),
        ("05/05/2022", "2022-05-05"),
        ("05/04/2022", ""),  # two days, by who reads it
        ("2022-04-05T01:02:03Z", "2022-04-05"),
        ("31.02.2022", ""),
    ],
)
def test_days_of_listing(day: str, since: str) -> None:
    rows, _ = read(f"address,listed on\n{ONE},{day}\n")
    assert [row.since for row in rows] == [since]


def test_a_header_that_nobody_knows_is_no_row() -> None:
    rows, _ = read(f"Portefeuille;Remarque\n{ONE};x\n{COIN};y\n")
    assert [row.address for row in rows] == [ONE, COIN]
    rows, _ = read(f"vitalik.eth\n{ONE}\n{COIN}\n")
    assert [row.address for row in rows] == ["vitalik.eth", ONE, COIN]


def test_numbers_of_chains_are_chains() -> None:
    text = f'[{{"chainId": 56, "address": "{ONE}"}}, {{"chain_id": "42161", "address": "{TWO}"}}]'
    rows, _ = read(text, "json")
    assert said(rows) == [(ONE, "56"), (TWO, "42161")]


def test_a_split_address_without_a_checksum_keeps_its_space() -> None:
    small = ONE.lower()
    rows, _ = read(f"{small[:20]} {small[20:]}\n{ONE[:20]} {ONE[20:]}\n", "text")
    assert [row.address for row in rows] == [f"{small[:20]} {small[20:]}", ONE]


def test_what_a_file_is_wanting_in_is_said(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    text = sdn(lines(1, 2)).replace("<Record_Count>1<", "<Record_Count>700<")
    out = desk.lists.take("ofac", desk.fetched(text), DAEMON)
    assert out.publication is not None
    assert out.publication.remarks == (
        "the file says that it has 700 entries, and has 1: it is a part",
    )
    desk.store.close()


def test_a_coin_before_the_address() -> None:
    """As in the free text of the United Kingdom's list."""
    line = f"(1) ARB: {ONE} (2) XBT: {COIN}"
    for kind, text in (("text", line), ("csv", f"address,name\n{line},X\n{TRON},Y\n")):
        rows, _ = read(f"{text}\n", kind)
        assert said(rows)[:2] == [(ONE, "ARB"), (COIN, "XBT")]
    rows, _ = read(f"ETH {ONE}\nSEE {ONE} BELOW\n", "text")
    assert said(rows) == [(ONE, "ETH"), (f"SEE {ONE} BELOW", "")]
