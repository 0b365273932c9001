"""Published lists give names to counterparties: what they say now, and what they said once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from world.published import Desk, Line, address, lines

from monitor.messages.sheets.parts import labelled
from monitor.model import Known
from monitor.store.named import named

ONE, COIN = address(1), "1D6gG9iKEhPitTcWRJiniuj1jYM2hNeAfJ"
REST = lines(*range(100, 120), entity="9", name="REST")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.store.close()


def names(desk: Desk, chain: str, *addresses: str, **titles: str) -> dict[str, Known]:
    chains = desk.settings.chains
    return named(desk.store, chains[chain], addresses, titles or {"ofac": "OFAC"}, chains)


def test_a_row_names_its_address_on_every_chain_of_its_kind(desk: Desk) -> None:
    desk.take([Line(ONE, "42498", "SIM"), Line(COIN, "43377", "KIM", ticker="XBT")])
    for chain in ("ethereum", "polygon"):
        (known,) = names(desk, chain, ONE, address(2)).values()
        assert (known.label, known.list, known.source) == ("SIM", "OFAC", "OFAC 42498")
        assert (known.watched, known.shipped) == (False, False)
        assert labelled(known) == 'SIM (listed by "OFAC 42498", since 2026-03-01)'
    assert names(desk, "tron", ONE, COIN) == {}
    assert names(desk, "bitcoin", COIN)[COIN].label == "KIM"


def test_what_a_list_says_now_goes_before_what_it_said_once(desk: Desk) -> None:
    desk.take([Line(ONE, "1", "FIRST"), *REST])
    desk.take(REST, "2026-03-02")
    (gone,) = names(desk, "ethereum", ONE).values()
    assert (gone.label, gone.source) == ("FIRST", "OFAC 1, not on it since 2026-03-02")
    desk.take([Line(ONE, "2", "SECOND"), *REST], "2026-03-03")
    (known,) = names(desk, "ethereum", ONE).values()
    assert (known.label, known.source) == ("SECOND", "OFAC 2")


def test_other_lists_name_nobody(desk: Desk) -> None:
    """Those of our own are none of the titles that names are looked for in."""
    desk.take([Line(ONE, "1", "FIRST")])
    assert names(desk, "ethereum", ONE, other="Other") == {}
