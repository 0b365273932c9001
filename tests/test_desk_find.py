"""One box finds whatever somebody holds in their hand, and nothing that they may not see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from werkzeug.test import Client
from world.desk_open import Open, client
from world.desk_record import EVE, MIDDLE, OUR, SHOP, T0, A, B, Made, made

from monitor.model import Entry, Kind, Subject, Transfer, account_leg
from monitor.model.desk import Person, Role
from monitor.model.ids import stable_id
from monitor.store.guard import DATABASE
from monitor.store.rows import TRANSFER_COLUMNS, entry_terms, transfer_params
from monitor.store.sqlite import Store

READER = Person("r.guest", Role.READER, enrolled=1)
ANALYST = Person("a.keller", Role.ANALYST, enrolled=1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made(tmp_path_factory.mktemp("home"))


@pytest.fixture
def guard() -> Open:
    return Open()


@pytest.fixture
def lead(world: Made, guard: Open) -> Iterator[Client]:
    with client(world.home, guard) as made:
        yield made


def found(by: Client, words: str) -> str:
    """Where it leads, or the page that it shows."""
    answer = by.get("/find", query_string={"q": words})
    assert answer.status_code in (200, 303)
    return answer.location or answer.text


def test_one_exact_hit_opens_at_once(lead: Client, world: Made) -> None:
    page = f"/a/ethereum/{A}"
    mixed = "0x" + A[2:].upper()
    for words in (
        *(mixed, f"ethereum:{A}", f"eip155:1:{A}", f" {A} on ethereum"),
        *(world.entry_a.lower(), "wallet  OF a"),
    ):
        assert found(lead, words) == page, words
    assert found(lead, world.alert_a.lower()) == f"/alert/{world.alert_a}"
    assert found(lead, "CASE-A") == "/c/case-a"
    for words in (world.both, world.both[2:].upper(), f"https://etherscan.io/tx/{world.both}"):
        assert found(lead, words) == f"/tx/ethereum/{world.both}"
    assert found(lead, A) == page  # recorded on one of the chains that it fits


def test_parts_of_names(lead: Client) -> None:
    page = found(lead, "case-")
    assert 'href="/c/case-a"' in page
    assert 'href="/c/case-b"' in page
    assert f'href="/a/ethereum/{A}"' in found(lead, "let of")


def test_nothing_says_what_was_tried(lead: Client) -> None:
    said = " ".join(re.sub("<[^>]+>", " ", found(lead, "0x" + "12" * 20)).split())
    assert "Nothing that you see is found by this." in said
    assert "As an address it is one of Ethereum, BNB Chain" in said
    assert "not proof that nothing moved" in said
    assert "fits none" in found(lead, "nonsense")
    assert lead.get("/find").status_code == 200


@pytest.mark.parametrize(
    "words",
    [
        *("%", "_", "' OR 1=1 --", "\0", "<script>", "x" * 5000, "::", "A-"),
        *("\ud83d", "١٢٣", "eip155:1:", "tron:"),
    ],
)
def test_odd_words_find_nothing(lead: Client, words: str) -> None:
    page = lead.get("/find", query_string={"q": words.encode("utf-8", "replace")}).text
    assert "Nothing that you see" in page or words == "\0"  # which is no word at all
    assert "<script>" not in page.replace('<script src="/static', "")


def test_what_may_not_be_seen_is_answered_as_nothing(
    world: Made, guard: Open, lead: Client
) -> None:
    """Word for word what is said of something that is nowhere in the record."""
    stamp = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC|\d{10}|\d\d:\d\d:\d\d")

    def said(words: str) -> str:
        return stamp.sub("", found(lead, words).replace(words, ""))

    for person in (READER, ANALYST):
        guard.person, guard.cases = person, ["case-a"]
        assert found(lead, A) == f"/a/ethereum/{A}"
        assert found(lead, MIDDLE) == f"/a/ethereum/{MIDDLE}"
        assert found(lead, B) == f"/a/ethereum/{B}"  # which A paid
        for hidden, nothing in (
            (world.friend_of_b, "0x" + "7e" * 20),
            (world.followed, "0x" + "7e" * 20),
            (world.only_b, "0x" + "7" * 64),
            (world.alert_b, "A-7777-7777-7777"),
            (world.entry_b, "E-7777-7777-7777"),
            ("case-b", "case-q"),
            (world.canary, "Zebrafinch-00"),
            (f"Wallet {world.canary}", "Wallet Zebrafinch-00"),
            (OUR, "0x" + "7e" * 20),
        ):
            assert said(hidden) == said(nothing), hidden
        assert "case-b" not in found(lead, "case-").casefold()


def test_our_own_addresses_are_found_by_nobody(lead: Client) -> None:
    assert "Nothing that you see" in found(lead, OUR)
    assert "ours:" not in found(lead, "Customer 17")


def test_names_of_the_address_book(world: Made, tmp_path: Path) -> None:
    """A name leads to the addresses of the record that have it."""
    home = made(tmp_path / "home").home
    book = (
        "address,chain,name,category,source,date,confidence\n"
        f"{SHOP},ethereum,Corner Shop,exchange,a registry,2026-01-01,high\n"
        f"{EVE},ethereum,Corner House,exchange,a registry,2026-01-01,low\n"
    )
    (home / "addressbook.csv").write_text(book, "utf-8")
    with client(home, Open()) as by:
        page = found(by, "corner")
        assert f'href="/a/ethereum/{SHOP}"' in page
        assert f'href="/a/ethereum/{EVE}"' in page
        assert "Corner Shop" in by.get(f"/a/ethereum/{SHOP}").text
        eve = by.get(f"/a/ethereum/{EVE}").text
        assert "Its names are not the same. None of them is proof." in eve


def test_what_was_recorded_of_a_chain_that_is_configured_no_more_is_shown(tmp_path: Path) -> None:
    """In its case, on the page of its transaction, in its alert; its address is found, and says why
    it has no page. None of it is left out in silence, and none shown to others."""
    old = made(tmp_path)
    address, tx, token = "old1payer", "ab" * 32, "old1token"
    alert = stable_id("A", "old")
    entry = Entry("E-OLD", Subject("oldnet", address), "Till", "case-a")
    with closing(Store(old.home / DATABASE)) as store, store.write() as conn:
        conn.execute("INSERT INTO scope (key, chain, address) VALUES (?,'oldnet',?)",
                     (entry.subject.key, address))  # fmt: skip
        conn.execute(
            "INSERT INTO entry (id, subject, case_id, terms, added, base_height, base_time, "
            "base_head_time, history, brought) VALUES (?,?,?,?,?,1,1,1,'told','')",
            (entry.id, entry.subject.key, entry.case, entry_terms(entry), T0),
        )
        for number, (kind, contract) in enumerate(((Kind.NATIVE, None), (Kind.ERC20, token))):
            leg = account_leg(kind, contract, None, address, "old1payee", 12345678, 0)
            moved = Transfer("oldnet", tx, leg, kind, address, "old1payee", 12345678, contract,
                             block_height=7, block_hash="0x7", time=T0)  # fmt: skip
            conn.execute(
                f"INSERT INTO transfer (id, {TRANSFER_COLUMNS}, status, late, first_seen) "
                f"VALUES ({','.join('?' * 20)})",
                (9000 + number, *transfer_params(moved), "final", 0, T0),
            )
        conn.execute(
            "INSERT INTO alert (id, kind, lane, severity, created, chain, tx, entry, direction, "
            "lane_reason, title, facts, audience) VALUES "
            "(?,'movement','news','high',?,'oldnet',?,?,'out','','','{}','desk')",
            (alert, T0, tx, entry.id),
        )
        conn.execute("INSERT INTO alert_transfer SELECT ?, id FROM transfer WHERE tx = ?",
                     (alert, tx))  # fmt: skip
    guard = Open(person=ANALYST, cases=("case-a",))
    with client(old.home, guard) as browser:
        for path in ("/c/case-a?tab=movements", f"/tx/oldnet/{tx}"):
            page = browser.get(path).text
            assert "oldnet (no longer in config/chains.yaml)" in page, path
            assert "12,345,678 smallest units of the coin of oldnet" in page, path
            assert f"12,345,678 smallest units of {token}" in page, path
            assert page.count("old1payee") >= 2, path
        for path in ("/inbox", f"/alert/{alert}", "/c/case-a", "/c/case-a?tab=addresses"):
            said = browser.get(path)
            assert said.status_code == 200, path
            assert "oldnet" in said.text or path == "/c/case-a", path
        assert found(browser, tx) == f"/tx/oldnet/{tx}"
        assert found(browser, address) == f"/a/oldnet/{address}"
        said = browser.get(f"/a/oldnet/{address}")
        assert said.status_code == 404
        assert "oldnet is no longer in config/chains.yaml" in said.text
        guard.cases = ("case-b",)
        assert "oldnet" not in browser.get("/c/case-b?tab=movements").text
        assert browser.get(f"/tx/oldnet/{tx}").status_code == 404
        assert "is no longer" not in browser.get(f"/a/oldnet/{address}").text
        assert f'href="/a/oldnet/{address}"' not in found(browser, address)
