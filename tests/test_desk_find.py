"""One box finds whatever somebody holds in their hand, and nothing that they may not see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.test import Client
from world.desk_open import Open, client
from world.desk_record import EVE, MIDDLE, OUR, SHOP, A, B, Made, made

from monitor.model.desk import Person, Role

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
