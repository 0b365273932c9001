"""Addresses are found in texts in every form that machines write them in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.chains import tron
from monitor.chains.within import addresses_in, replaced

HEX = "f6" * 20
EVM, TRON = f"0x{HEX}", tron.of_hex(HEX)
CASH = "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a"


@pytest.mark.parametrize(
    "text",
    [EVM, EVM.upper().replace("0X", "0x"), f'"0x{"0" * 24}{HEX}"', f"ethereum:{EVM}",
     f"0xa9059cbb{'0' * 24}{HEX}{5:064x}", f"0x70a08231{'0' * 88}{HEX}", f"a0x{HEX}b"],
)  # fmt: skip
def test_an_address_of_ethereums_kind(text: str) -> None:
    assert EVM in addresses_in(text)


@pytest.mark.parametrize("text", [TRON, f'{{"owner_address":"41{HEX}"}}', f"{'0' * 24}{HEX}"])
def test_an_address_of_tron(text: str) -> None:
    assert TRON in addresses_in(text)


@pytest.mark.parametrize("text", [CASH, CASH.partition(":")[2], CASH.upper().partition(":")[2]])
def test_an_address_of_bitcoin_cash(text: str) -> None:
    assert CASH in addresses_in(f'"{text}"')


@given(st.binary(min_size=20, max_size=20), st.text("0123456789abcdef", max_size=200))
def test_wherever_an_argument_stands_in_hex(raw: bytes, before: str) -> None:
    assert f"0x{raw.hex()}" in addresses_in(f"0x{before}{raw.hex():0>64}{before}")


def test_it_is_replaced_with_what_stands_before_it() -> None:
    by = {EVM: "ours:x", CASH: "ours:y"}
    assert replaced(f"to ethereum:{EVM}, {CASH} and {TRON}", by) == (
        f"to ethereum:ours:x, ours:y and {TRON}"
    )
