"""The table of kinds: what holds of each is spelled as it is asked for."""

from __future__ import annotations

import pickle

import pytest

from monitor.chains.table import FAMILIES
from monitor.model import ISSUER, FarEnd, Kind
from monitor.model.transfer import in_transaction, ruled_tx

EVERY = pytest.mark.parametrize("kind", Kind)


@EVERY
def test_a_line_names_nothing_that_nobody_asks_for(kind: Kind) -> None:
    held = {name for name in vars(kind) if not name.startswith("_")}
    assert held == Kind.__annotations__.keys()


@EVERY
def test_a_kind_is_found_by_its_name(kind: Kind) -> None:
    assert Kind(str(kind)) is kind
    assert pickle.loads(pickle.dumps(kind)) is kind


@EVERY
def test_one_thing_moves(kind: Kind) -> None:
    assert [kind.coin, kind.token, kind.numbered, kind.act].count(True) == 1


@EVERY
def test_parts_of_a_trait_stand_with_it(kind: Kind) -> None:
    assert kind.token or not kind.nft
    assert kind.act or not (kind.destroys or kind.freezes)
    assert kind.utxo == (kind.input or kind.output or kind.far_end is FarEnd.MINED)


def test_every_list_has_kinds_and_every_kind_a_list() -> None:
    lists = {s for family in FAMILIES.values() for s in (*family.streams, *family.more)}
    assert {kind.stream for kind in Kind} == lists | {ISSUER}


def test_a_list_is_read_always_or_where_a_balance_asks_for_it() -> None:
    for family in FAMILIES.values():
        assert not family.streams.keys() & family.more.keys()


def test_what_moved_in_no_transaction_is_never_looked_up_by_hash() -> None:
    assert not in_transaction(ruled_tx(Kind.WITHDRAWAL, 22433829))
    assert not in_transaction(ruled_tx(Kind.REWARD, 17092425))
    assert in_transaction("0x" + "1" * 64)
    assert in_transaction("1" * 64)
