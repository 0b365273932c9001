"""Blocks that tell chains of Bitcoin's kind apart: whoever shows another one at that height
answers for another chain. Pure."""

from __future__ import annotations

from collections.abc import Mapping

# The very first block. Bitcoin Cash has Bitcoin's.
FIRST: Mapping[str, str] = {
    "bitcoin": "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
    "bitcoin-testnet": "000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943",
    "bitcoin-testnet4": "00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043",
    "bitcoin-signet": "00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6",
    "litecoin": "12a765e31ffd4059bada1e25190f6e98c99d9714d334efa41a195a7e7e04bfe2",
    "dogecoin": "1a91e3dace36e2be3bf030a65679fe821aa1d6ef92e7c9902eb318182c355691",
    "dash": "00000ffd590b1485b3caadc19b22e6379c733355108f107a430458cdf3407ab6",
    "zcash": "00040fe8ec8471911baa1db1266ea15dd06b4a8a5c453883c000b031973dce08",
}
# The first block after two chains had parted; of Bitcoin Cash's partings the last one, from
# eCash: https://github.com/bitjson/chip-bcmr. Bitcoin SV had gone at 556,767.
_AFTER_SPLIT: Mapping[str, tuple[int, str]] = {
    "bitcoin": (478_559, "00000000000000000019f112ec0a9982926f1258cdcc558dd7c3b7e5dc7fa148"),
    "bitcoin-cash": (661_648, "0000000000000000029e471c41818d24b8b74c911071c4ef0b4a0509f9b5a8ce"),
}


def of(chain: str) -> tuple[int, str | None]:
    """Height and hash of a block that no other chain has; no hash where none is known."""
    return _AFTER_SPLIT.get(chain) or (0, FIRST.get(chain))
