"""What stands at an EVM address, by its code: nothing, a wallet that acts for persons, or another
contract. Pure.

Codes and addresses were collected in 2026-11 from safe-eth-py (MIT) and from public code; none
was asked of a chain. A wallet's form can be copied by anybody, so it says who may act there, not
who does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from monitor.model.trace import Code

_HEX = re.compile(r"(?:0x)?((?:[0-9a-f]{2})*)")
# EIP-7702: an account with a key of its own, whose calls run another contract's code.
_DELEGATED = re.compile(r"ef0100([0-9a-f]{40})")
# EIP-1167, and Solady's shorter one: all calls run the code of one other contract, for ever.
_MINIMAL = re.compile(
    r"(?:363d3d373d3d3d363d73([0-9a-f]{40})5af43d82803e903d91602b57fd5bf3"
    r"|3d3d3d3d363d3d37363d73([0-9a-f]{40})5af43d3d93803e602a57fd5bf3)"
)
# Solady's LibClone, as Coinbase's and ZeroDev's factories make them: whose code runs stands in
# the contract's storage, so that the code alone does not tell a wallet from something else.
_ERC1967 = re.compile(
    r"363d3d373d3d363d7f360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc"
    r"545af43d6000803e6038573d6000fd5b3d6000f3[0-9a-f]{0,512}"
)
_ONES = "f" * 40
# Safe proxies run the code of whatever their first word of storage names. Before their metadata:
# 1.0.0; 1.1.1 to 1.4.1; 1.5.0.
_SAFE = re.compile(
    rf"(?:608060405273{_ONES}600054163660008037600080366000845af43d6000803e6000811415603d"
    r"573d6000fd5b3d6000f3fe"
    rf"|608060405273{_ONES}600054167fa619486e{'0' * 56}60003514156050578060005260206000f35b"
    r"3660008037600080366000845af43d6000803e60008114156070573d6000fd5b3d6000f3fe"
    r"|608060405260005463a619486e60003560e01c14156024578060601b606c5260206060f35b"
    r"3660008037600080366000845af43d6000803e6040573d6000fd5b3d6000f3fe)([0-9a-f]{0,128})"
)
# The hash in the metadata that the compiler put behind it.
_SAFE_VERSIONS: Mapping[str, str] = {
    "b7f4e514a2bdfeb2e729e84f7101233a43b51d677007041e708067e4b88bec48": "1.0.0",
    # As deployed, and as compiled later.
    "d8a00dc4fe6bf675a9d7416fc2d00bb3433362aa8186b750f76c4027269667ff": "1.1.1",
    "37ee4ae0bc53e3fd0c655479a941d054b570bf654fc04d20039ea9ffd49de812": "1.1.1",
    "d1429297349653a4918076d650332de1a1068c5f3e07c5c82360c277770b9552": "1.3.0",
    "03d1488ee65e08fa41e58e888a9865554c535f2c77126a82cb4c0f917f314413": "1.4.1",
    "e61834ebd2d8cd909d362bf67c47ef58fd665df38e6dd036ce65611101d072e9": "1.5.0",
}
SAFE_SLOT = "0x0"
ERC1967_SLOT = "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc"

# Whose code wallets run: the same addresses on every chain.
IMPLEMENTATIONS: Mapping[str, str] = {
    "000100abaad02f1cfc8bbe32bd5a564817339e72": "Coinbase Smart Wallet",
    "00000110dcdedc9581cb5ecb8467282f2926534d": "Coinbase Smart Wallet",
    "d3082872f8b06073a021b4602e022d5a070d7cfc": "ZeroDev Kernel 2.4",
    "94f097e1ebeb4eca3aae54cabb08905b239a7d27": "ZeroDev Kernel 3.0",
    "bac849bb641841b44e965fb01a4bf5f074f84b4d": "ZeroDev Kernel 3.1",
    "d830d15d3dc0c269f3dbaa0f3e8626d33cfdabe1": "ZeroDev Kernel 3.2",
    "d6cedde84be40893d153be9d467cd6ad37875b28": "ZeroDev Kernel 3.3",
    "ae8c656ad28f2b59a196ab61815c16a0ae1c3cba": "Alchemy LightAccount 1.1",
    "8e8e658e22b12ada97b402ff0b044d6a325013c7": "Alchemy LightAccount 2.0",
    "2a2b85eb1054d6f0c6c2e37da05ed3e5fea684ef": "Ambire",
    "63c0c19a282a1b52b07dd5a65b58948a07dae32b": "MetaMask",
    "7702cb554e6bfb442cb743a7df23154544a7176c": "Coinbase Smart Wallet",
    "5a7fc11397e9a8ad41bf10bf13f22b0a63f96f6d": "Ambire",
    "d9db270c1b5e3bd161e8c8503c55ceabee709552": "Safe 1.3.0",
    "3e5c63644e683549055b9be8653de26e0b4cd36e": "Safe 1.3.0",
    "41675c099f32341bf84bfc5382af534df5c7461a": "Safe 1.4.1",
    "29fcb43b46531bca003ddc8fcb67ffe91900c762": "Safe 1.4.1",
}


def kind_of(code: str, implementation: str = "") -> tuple[Code, str]:
    """What an address's code (hex, as eth_getCode has it) is, and the kind of wallet in words.

    `implementation`: the address in the storage at `slot_of(code)`, where somebody asked for it.
    Code.UNKNOWN where `code` is no hex at all.
    """
    text = _HEX.fullmatch(code.strip().lower())
    if text is None:
        return Code.UNKNOWN, ""
    if not (plain := text[1]):
        return Code.NONE, ""
    if delegated := _DELEGATED.fullmatch(plain):
        runs = IMPLEMENTATIONS.get(delegated[1])
        return Code.WALLET, f"EIP-7702, runs the code of {runs or '0x' + delegated[1]}"
    if safe := _SAFE.fullmatch(plain):
        return Code.WALLET, _safe(safe[1], implementation)
    minimal = _MINIMAL.fullmatch(plain)
    runs = minimal[1] or minimal[2] if minimal else implementation if slot_of(code) else ""
    wallet = IMPLEMENTATIONS.get(_address(runs), "")
    return (Code.WALLET, wallet) if wallet else (Code.CONTRACT, "")


def slot_of(code: str) -> str | None:
    """Where in its storage such a contract keeps the address whose code it runs; None: it has
    none, or its code says all that is needed."""
    plain = code.strip().lower().removeprefix("0x")
    if _SAFE.fullmatch(plain):
        return SAFE_SLOT
    return ERC1967_SLOT if _ERC1967.fullmatch(plain) else None


def _safe(metadata: str, implementation: str) -> str:
    named = IMPLEMENTATIONS.get(_address(implementation), "")
    if named:
        return named
    versions = [version for mark, version in _SAFE_VERSIONS.items() if mark in metadata]
    return f"Safe {versions[0]}" if versions else "Safe, of a version that is not known"


def _address(text: str) -> str:
    """The last 20 bytes: storage holds words of 32."""
    return text.lower().removeprefix("0x")[-40:]
