"""Mixes by their shape, and what only looks like one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.analysis.trace.coinjoin import Party, premix_of, shape

quick = settings(max_examples=200, deadline=None, derandomize=True, database=None)
BTC = 10**8


def people(first: str, *amounts: int) -> list[Party]:
    return [(f"{first}{n}", amount) for n, amount in enumerate(amounts)]


def odd(n: int) -> int:
    """Another amount for every number."""
    return 7_000_011 + 1_300_007 * n


WHIRLPOOL = (people("i", 1_000_300, *[1_000_000] * 4), people("o", *[1_000_000] * 5))
SURGE = (people("i", *[100_000] * 4, *[101_000] * 4), people("o", *[100_000] * 8))
ASHIGARU = (people("i", *[2_500_000] * 3, *[2_500_900] * 2), people("o", *[2_500_000] * 5))
TX0 = (
    people("i", 4 * 10**6),
    [*people("o", 50_000, 1_000_500, 1_000_500, 1_000_500, 900_000), (None, 0)],
)
WASABI_1 = (
    people("i", *map(odd, range(15))),
    people("o", *[10_100_000] * 10, *map(odd, range(10)), 30_000),
)
LEVELS = (
    people("i", *map(odd, range(20))),
    people("o", *[10_000_000] * 8, *[20_000_000] * 4, *map(odd, range(8))),
)
WASABI_2 = (
    people("i", *map(odd, range(60))),
    people("o", *[65_536] * 20, *[131_072] * 15, *[262_144] * 10, *map(odd, range(9))),
)
JOINMARKET = (people("i", *map(odd, range(6))), people("o", *[3 * BTC] * 4, *map(odd, range(4))))


@pytest.mark.parametrize(
    ("mix", "called"),
    [
        (WHIRLPOOL, "Whirlpool"),
        (SURGE, "Whirlpool"),
        (ASHIGARU, "Whirlpool"),
        (TX0, "Whirlpool Tx0"),
        (WASABI_1, "Wasabi 1"),
        (LEVELS, "Wasabi 1"),
        (WASABI_2, "Wasabi 2"),
        (JOINMARKET, "JoinMarket"),
    ],
)
def test_mixes(mix: tuple[list[Party], list[Party]], called: str) -> None:
    """The first is vector U04."""
    inputs, outputs = mix
    assert shape(inputs, outputs) == called
    assert shape(inputs[::-1], outputs[::-1]) == called


def test_a_tx0_names_what_goes_into_the_pool_and_neither_fee_nor_change() -> None:
    assert premix_of(TX0[1]) == {1, 2, 3}


PAYOUT = (people("i", 5 * BTC), people("o", *[BTC // 10] * 40, odd(1)))
REPEATED: tuple[list[Party], list[Party]] = (
    people("i", *map(odd, range(5))),
    [("a", BTC), ("a", BTC), ("a", BTC), ("b", odd(9))],
)
STONEWALL = (people("i", BTC, 2 * BTC, BTC), people("o", BTC, BTC, odd(1), odd(2)))
SIMPLE_STONEWALL = (people("i", BTC, 2 * BTC), people("o", BTC, BTC, odd(1)))
TO_THEMSELVES = (people("w", *map(odd, range(6))), people("w", *[BTC] * 4, odd(1), odd(2)))
NO_CHANGE = (people("i", *map(odd, range(6))), people("o", *[BTC] * 6))
SWEEP = (people("i", *map(odd, range(30))), people("o", 9 * BTC, BTC))
ODD_POOL = (people("i", 1_100_300, *[1_100_000] * 4), people("o", *[1_100_000] * 5))
ONE_OWNER: tuple[list[Party], list[Party]] = (
    [("w", odd(n)) for n in range(25)],
    people("o", *[65_536] * 6, *[131_072] * 6, *[262_144] * 6, *map(odd, range(4))),
)
MANY_A_PERSON = (people("i", *map(odd, range(80))), people("o", *[BTC] * 3, odd(1)))
EMPTY_POOL = (people("i", *[1_000_300] * 5), people("o", *[1_000_000] * 5))


@pytest.mark.parametrize(
    "plain",
    [
        *(PAYOUT, REPEATED, STONEWALL, SIMPLE_STONEWALL, TO_THEMSELVES, NO_CHANGE, SWEEP),
        *(ODD_POOL, ONE_OWNER, MANY_A_PERSON, EMPTY_POOL, ([], []), (people("i", 1), [(None, 0)])),
    ],
)
def test_what_is_no_mix(plain: tuple[list[Party], list[Party]]) -> None:
    """Payouts of equal amounts, one address paid often, a wallet that looks like two, a wallet
    that pays itself, sweeps, amounts of no pool, five who all come in new."""
    assert shape(*plain) == ""


def test_an_exchange_joins_no_mix_of_strangers() -> None:
    assert shape(*WASABI_1, from_exchange=True) == ""
    assert shape(*JOINMARKET, from_exchange=True) == ""
    assert shape(*WHIRLPOOL, from_exchange=True) == "Whirlpool"


parties = st.lists(
    st.tuples(
        st.sampled_from([None, *"abcdefghijklmnop"]),
        st.sampled_from([0, 100_000, 100_300, 5_000, 65_536, 10_000_000, 12_345_678]),
    ),
    max_size=40,
)


@quick
@given(parties, parties, st.randoms(use_true_random=False))
def test_the_order_of_inputs_and_outputs_changes_nothing(
    inputs: list[Party], outputs: list[Party], random: object
) -> None:
    found = shape(inputs, outputs)
    random.shuffle(inputs)  # type: ignore[attr-defined]
    random.shuffle(outputs)  # type: ignore[attr-defined]
    assert shape(inputs, outputs) == found
