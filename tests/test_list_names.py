"""Published lists give names to counterparties: what they say now, and what they said once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import world.sample_alerts as sample
from world.published import Desk, Line, address, lines

from monitor.messages.sheets.parts import labelled
from monitor.model import Known
from monitor.model.lists import ListConfig
from monitor.store.named import named

ONE, COIN = address(1), "1D6gG9iKEhPitTcWRJiniuj1jYM2hNeAfJ"
REST = lines(*range(100, 120), entity="9", name="REST")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.store.close()


def names(desk: Desk, chain: str, *addresses: str, **titles: str) -> dict[str, Known]:
    chains, told = desk.settings.chains, titles or {"ofac": "OFAC"}
    lists = {name: ListConfig(name, "csv", title) for name, title in told.items()}
    return named(desk.store, chains[chain], addresses, lists, chains)


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


def test_what_a_file_of_a_case_says_is_known_to_people_of_that_case_alone(desk: Desk) -> None:
    """In mails and webhooks; what is published everybody may know."""
    desk.take([Line(sample.RECEIVER, "1", "CANARY")])
    own = ListConfig("ofac", "csv", "Canary list", case="OTHER-1")
    chains = desk.settings.chains
    (known,) = named(desk.store, chains["tron"], [sample.RECEIVER], {"ofac": own}, chains).values()
    assert (known.label, known.case) == ("CANARY", "OTHER-1")
    assert replace(own, url="https://example.org/list").private_to == ""
    view = replace(sample.outgoing(), names={sample.RECEIVER: known})
    for channel in (sample.MAIL, sample.HOOK):
        for allowed, seen in (({"NK-07"}, False), ({"NK-07", "OTHER-1"}, True), (None, True)):
            rendered = sample.mail(view, channel=channel, allowed=allowed)
            told = rendered.subject + rendered.text + rendered.html + rendered.json
            assert ("canary" in told.lower()) == seen, (channel.name, allowed)
