"""What stands at an address, by its code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.chains.wallets import ERC1967_SLOT, SAFE_SLOT, kind_of, slot_of
from monitor.model.trace import Code

ONES = "f" * 40
SAFE_HEAD = (
    f"0x608060405273{ONES}600054167fa619486e{'0' * 56}60003514156050578060005260206000f35b"
    "3660008037600080366000845af43d6000803e60008114156070573d6000fd5b3d6000f3fe"
)
SOLC = "64736f6c63430007060033"
SAFE_130 = (
    f"{SAFE_HEAD}a2646970667358221220d1429297349653a4918076d650332de1a1068c5f3e07c5c82360c277"
    f"770b9552{SOLC}"
)
SAFE_141 = (
    f"{SAFE_HEAD}a264697066735822122003d1488ee65e08fa41e58e888a9865554c535f2c77126a82cb4c0f91"
    f"7f314413{SOLC}"
)
SAFE_111 = (
    f"{SAFE_HEAD}a265627a7a7231582037ee4ae0bc53e3fd0c655479a941d054b570bf654fc04d20039ea9ffd4"
    "9de81264736f6c634300050e0032"
)
SAFE_100 = (
    f"0x608060405273{ONES}600054163660008037600080366000845af43d6000803e6000811415603d573d60"
    "00fd5b3d6000f3fea165627a7a72305820b7f4e514a2bdfeb2e729e84f7101233a43b51d677007041e708067"
    "e4b88bec480029"
)
SOLADY = (
    "0x363d3d373d3d363d7f360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc545a"
    "f43d6000803e6038573d6000fd5b3d6000f3"
)
COINBASE = "000100abaad02f1cfc8bbe32bd5a564817339e72"
STRANGER = "ab" * 20


def minimal(implementation: str) -> str:
    return f"0x363d3d373d3d3d363d73{implementation}5af43d82803e903d91602b57fd5bf3"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (SAFE_100, "Safe 1.0.0"),
        (SAFE_111, "Safe 1.1.1"),
        (SAFE_130, "Safe 1.3.0"),
        (SAFE_141, "Safe 1.4.1"),
        (f"{SAFE_HEAD}a2646970667358221220{'77' * 32}{SOLC}", "Safe, of a version that is"),
        (minimal("2a2b85eb1054d6f0c6c2e37da05ed3e5fea684ef"), "Ambire"),
        (f"0xef0100{STRANGER}", f"EIP-7702, runs the code of 0x{STRANGER}"),
        ("0xEF010063C0C19A282A1B52B07DD5A65B58948A07DAE32B", "EIP-7702, runs the code of MetaMask"),
    ],
)
def test_wallets_are_known_by_their_code(code: str, words: str) -> None:
    kind, said = kind_of(code)
    assert kind is Code.WALLET
    assert said.startswith(words)


@pytest.mark.parametrize(
    "code",
    [
        "0x6080604052348015600e575f5ffd5b50",
        minimal(STRANGER),  # exchanges make their deposit addresses so
        SOLADY,  # whose code it runs is not known
        f"0xef0100{STRANGER}00",  # one byte too many: no delegation
        f"0x00{SAFE_130[2:]}",
        f"{SAFE_130[:40]}00{SAFE_130[42:]}",
    ],
)
def test_any_other_code_is_a_contract(code: str) -> None:
    assert kind_of(code) == (Code.CONTRACT, "")


def test_what_a_proxy_runs_tells_a_wallet_where_somebody_asked() -> None:
    """A word of storage is 32 bytes; a stranger's code makes no wallet."""
    assert slot_of(SOLADY) == ERC1967_SLOT
    assert kind_of(SOLADY, f"0x{COINBASE.rjust(64, '0')}") == (Code.WALLET, "Coinbase Smart Wallet")
    assert kind_of(SOLADY, f"0x{STRANGER}") == (Code.CONTRACT, "")
    assert slot_of(SAFE_130) == SAFE_SLOT
    assert slot_of(minimal(STRANGER)) is None


def test_an_implementation_says_nothing_of_other_code() -> None:
    assert kind_of("0x6080", f"0x{COINBASE}") == (Code.CONTRACT, "")


@pytest.mark.parametrize("code", ["", "0x", " 0x\n"])
def test_no_code_is_no_contract(code: str) -> None:
    assert kind_of(code) == (Code.NONE, "")


@pytest.mark.parametrize("code", ["0x1", "error", "0xzz", "null"])
def test_what_is_no_code_tells_nothing(code: str) -> None:
    assert kind_of(code) == (Code.UNKNOWN, "")


@given(st.text(max_size=300), st.text(max_size=70))
def test_any_text_is_answered(code: str, implementation: str) -> None:
    kind, words = kind_of(code, implementation)
    assert bool(words) == (kind is Code.WALLET)
