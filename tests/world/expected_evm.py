"""Values read by a person from the answers of explorers, beside the files they belong to.

One row: kind, transaction, sender, recipient, amount, contract, token id, block, time.
Hashes and addresses are cut to their first ten characters. None of this was computed by
the parsers; fees are gasUsed x gasPrice by a desk calculator.
"""

from __future__ import annotations

from dataclasses import dataclass

Row = tuple[str, str, str | None, str | None, int, str | None, str | None, int, int]

ALICE = "0x706a70067be19bdadbea3600db0626859ff25d74"
BOB = "0xb8553d9ee35dd23bb96fbd679e651b929821969b"
CAROL = "0xc37b40abdb939635068d3c5f13e7faf686f03b65"
NULL = "0x00000000"
USDC = "0xa0b86991"


@dataclass(frozen=True)
class Recording:
    file: str
    stream: str
    address: str  # that was asked for
    rows: tuple[Row, ...]


ALICE_ROWS: tuple[Row, ...] = (
    ("native", "0x94045a9d", "0x267be1c1", "0x706a7006", 20049160000000000, None, None,
     20541368, 1723813415),
    ("fee", "0x34c7c808", "0x706a7006", None, 186079105434356, None, None,
     20542446, 1723826423),
    ("native", "0x0aa66c2c", "0x706a7006", "0x25355336", 3927431387104229, None, None,
     20542456, 1723826543),
    ("fee", "0x0aa66c2c", "0x706a7006", None, 1694738163794328, None, None,
     20542456, 1723826543),
    ("native", "0xae57c6af", "0x706a7006", "0x56a1a34f", 9636000000000000, None, None,
     20542478, 1723826819),
    ("fee", "0xae57c6af", "0x706a7006", None, 90185076597000, None, None,
     20542478, 1723826819),
    ("native", "0x6cbb3100", "0x267be1c1", "0x706a7006", 15693680000000000, None, None,
     21065935, 1730140283),
    ("fee", "0x7122b665", "0x706a7006", None, 8235402024192006, None, None,
     21065947, 1730140427),
)  # fmt: skip

RECORDINGS: tuple[Recording, ...] = (
    Recording("etherscan/txlist_0x706A_20225179-21468748.json", "native", ALICE, ALICE_ROWS),
    # The same history as another explorer tells it.
    Recording("blockscout/pro_txlist_eth_page1.json", "native", ALICE, ALICE_ROWS),
    Recording(
        "etherscan/txlist_0x756F_genesis_only.json",
        "native",
        "0x756f45e3fa69347a9a973a725e3c98bc4db0b5a0",
        (
            ("native", "GENESIS_75", None, "0x756f45e3", 200 * 10**18, None, None,
             0, 1438269973),
        ),
    ),
    Recording(
        "etherscan/txlist_0xC951_block0_2015.json",
        "native",
        "0xc951900c341abbb3bafbf7ee2029377071dbc36a",
        (
            ("native", "GENESIS_c9", None, "0xc951900c", 327600000000000000000, None, None,
             0, 1438269973),
            ("native", "0x352b93ac", "0xc951900c", "0x2910543a", 327400000000000000000,
             None, None, 307793, 1443534531),
            ("fee", "0x352b93ac", "0xc951900c", None, 25320679510922664, None, None,
             307793, 1443534531),
        ),
    ),
    Recording(
        "etherscan/txlist_arbitrum_offset1_page1.json",
        "native",
        CAROL,
        (
            ("native", "0x4adb04f1", "0x80c67432", "0xc37b40ab", 20331000000000001, None, None,
             5925327, 1644677548),
        ),
    ),
    Recording(
        # A deposit through the portal: no gas price, the portal's own gas limit of 100,000.
        "etherscan/txlist_base_2023_offset1.json",
        "native",
        "0x78c13393aee675dd7ed07ce992210750d1f5db88",
        (
            ("native", "0x7a11d6a4", None, "0x78c13393", 6000000000000000, None, None,
             4994059, 1696777465),
        ),
    ),
    Recording(
        "etherscan/txlist_scroll_offset1_long_input.json",
        "native",
        "0xfa8666ae51f5b136596248d9411b03ac9040fff0",
        (
            ("native", "0xe3e6d287", "0xfa8666ae", "0x6131b5fa", 80172000000000000, None, None,
             4490681, 1711691225),
            ("fee", "0xe3e6d287", "0xfa8666ae", None, 168801378900000, None, None,
             4490681, 1711691225),
        ),
    ),
    Recording(
        "routescan/txlist_offset1.json",  # two calls of a contract: nothing but fees
        "native",
        ALICE,
        (
            ("fee", "0x24cf6c88", "0x706a7006", None, 11605242270042, None, None,
             126758782, 1729116341),
            ("fee", "0x6d11b151", "0x706a7006", None, 17604977530364, None, None,
             126758816, 1729116409),
        ),
    ),
    Recording(
        "blockscout/scrollscan_txlist_page1_20KB.json",  # with two contract creations
        "native",
        CAROL,
        (
            ("native", "0xba0ab98d", "0xc37b40ab", "0x2d26d6b6", 0, None, None,
             6529510, 1718291700),
            ("fee", "0xba0ab98d", "0xc37b40ab", None, 150894260000000, None, None,
             6529510, 1718291700),
            ("native", "0x1570a5ce", "0xc37b40ab", "0xc97ee949", 0, None, None,
             6529723, 1718292339),
            ("fee", "0x1570a5ce", "0xc37b40ab", None, 144684320000000, None, None,
             6529723, 1718292339),
            ("native", "0x6dd04f16", "0xc37b40ab", "0xb23af870", 1000000000000000, None, None,
             8129997, 1722956633),
            ("fee", "0x6dd04f16", "0xc37b40ab", None, 24361040000000, None, None,
             8129997, 1722956633),
            ("fee", "0x78f6a835", "0xc37b40ab", None, 38403840000000, None, None,
             8130008, 1722956662),
            ("native", "0xc08b3a73", "0xc37b40ab", "0xbfe03c9e", 60000000000000000, None, None,
             9898651, 1728153750),
            ("fee", "0xc08b3a73", "0xc37b40ab", None, 11590800000000, None, None,
             9898651, 1728153750),
            ("fee", "0x67d51684", "0xc37b40ab", None, 2421800000000, None, None,
             10092286, 1728726544),
            ("native", "0x65c5abee", "0xc37b40ab", "0x63b9bf3c", 50000000000000, None, None,
             11313586, 1732291821),
            ("fee", "0x65c5abee", "0xc37b40ab", None, 1260000000000, None, None,
             11313586, 1732291821),
            ("native", "0xf748c4f5", "0xc37b40ab", "0x3a23f943", 16534005311243934, None, None,
             21322912, 1757943764),
            ("fee", "0xf748c4f5", "0xc37b40ab", None, 2717460000000, None, None,
             21322912, 1757943764),
            ("fee", "0x4a1fdd0b", "0xc37b40ab", None, 2575051200, None, None,
             24964977, 1763335766),
        ),
    ),
    Recording(
        "etherscan/txlistinternal_0x706A_20225179-21468748.json",
        "internal",
        ALICE,
        (
            ("internal", "0x0aa66c2c", "0x25355336", "0x706a7006", 77008458570671, None, None,
             20542456, 1723826543),
        ),
    ),
    Recording(
        "etherscan/txlistinternal_0xb855_0-16295684_asc.json",
        "internal",
        BOB,
        (
            ("internal", "0x0687f3f9", "0xb8901acb", "0xb8553d9e", 12753569295737516,
             None, None, 16279188, 1672181567),
            ("internal", "0xccf73311", "0x74de5d4f", "0xb8553d9e", 3276984942064000,
             None, None, 16279200, 1672181711),
            ("internal", "0x49416461", "0xb8901acb", "0xb8553d9e", 8010911079839195,
             None, None, 16279917, 1672190327),
            ("internal", "0xa782a0a0", "0xb8901acb", "0xb8553d9e", 8038927562049820,
             None, None, 16282049, 1672216043),
            ("internal", "0x375f529c", "0x4d73adb7", "0xb8553d9e", 3941437945815,
             None, None, 16295521, 1672378379),
        ),
    ),
    Recording(
        "etherscan/txlistinternal_arbitrum_addr_create2.json",  # a creation without value
        "internal",
        "0x9d25adbcffe28923e619f4af88ecde732c985b63",
        (),
    ),
    Recording(
        "etherscan/v1wrapped_get_internal_txs_by_address_paginated.json",  # four failed
        "internal",
        "0x20d42f2e99a421147acf198d775395cac2e8b03d",
        (
            ("internal", "0x1a50f1dc", "0x2c1ba59d", "0x20d42f2e", 100000000000000000,
             None, None, 2535479, 1477839134),
            ("internal", "0xee535e40", "0x2c1ba59d", "0x20d42f2e", 1000000000000000000,
             None, None, 2547590, 1478012596),
            ("internal", "0x020a2660", "0x2c1ba59d", "0x20d42f2e", 70000000000000000,
             None, None, 2547594, 1478012642),
            ("internal", "0x2b13f565", "0x2c1ba59d", "0x20d42f2e", 10000000000000000000,
             None, None, 2547606, 1478013049),
            ("internal", "0x32ae2f75", "0x2c1ba59d", "0x20d42f2e", 1000000000000000000,
             None, None, 2547606, 1478013049),
        ),
    ),
    Recording(
        "blockscout/pro_txlistinternal_by_txhash.json",
        "internal",
        CAROL,
        (
            ("internal", "0x1dadb993", "0x42000000", "0xdb6f1920", 170323280824739264,
             None, None, 11621421, 1710032189),
            ("internal", "0x1dadb993", "0xdb6f1920", "0x00000000", 170323280824739264,
             None, None, 11621421, 1710032189),
            ("internal", "0x1dadb993", "0x00000000", "0xa01f6d09", 168875532937728981,
             None, None, 11621421, 1710032189),
        ),
    ),
    Recording(
        "blockscout/pro_txlistinternal_by_txhash_2.json",  # five delegatecalls beside it
        "internal",
        CAROL,
        (
            ("internal", "0x7da62153", "0x23055618", "0x42000000", 64185529703, None, None,
             22445155, 1731679657),
        ),
    ),
    Recording(
        "etherscan/tokentx_gnosis_spam.json",
        "erc20",
        "0xf5d90ac6747cb3352f05bf61f48b991aceae28eb",
        (
            ("erc20", "0x6dd944a6", "0xddafbb50", "0xf5d90ac6", 1000, "0xc1bec461", None,
             31261542, 1701636825),
            ("erc20", "0x3d4ce2cc", "0xd9c242f6", "0xf5d90ac6", 150000000000000000000,
             "0x8786b9c1", None, 33722392, 1714564705),
        ),
    ),
    Recording(
        "etherscan/tokentx_0xb855_0-16295684_asc.json",
        "erc20",
        BOB,
        (
            ("erc20", "0x31c4bbc6", "0x74de5d4f", "0xb8553d9e", 49673249, USDC, None,
             16258361, 1671930299),
            ("erc20", "0x2f616021", "0xb8553d9e", "0x99c9fc46", 45000000, USDC, None,
             16258693, 1671934295),
            ("erc20", "0xccf73311", "0xb8553d9e", "0x74de5d4f", 4000000, USDC, None,
             16279200, 1672181711),
            ("erc20", "0x3455f6dc", "0x74de5d4f", "0xb8553d9e", 118668875, USDC, None,
             16295390, 1672376807),
            ("erc20", "0x375f529c", "0xb8553d9e", "0xdf0770df", 110000000, USDC, None,
             16295521, 1672378379),
        ),
    ),
    Recording(
        "blockscout/pro_tokentx_base_range.json",
        "erc20",
        "0xea2b3d309bc480fe385bbf8aef6d45d81825a784",
        (
            ("erc20", "0x582bc425", "0x28376af8", "0xea2b3d30", 30000000000000000,
             "0x41a5189f", None, 15163429, 1717116205),
        ),
    ),
    Recording(
        "blockscout/v2_token_transfers_items_excerpt.json",
        "rest",
        "0xe764da9bdea91d845aac2c7d53a8dfe59a369095",
        (
            ("erc20", "0x11bf8d3e", "0xe764da9b", "0x2ec59bed", 15745000000000000000000,
             "0xd34a99bc", None, 25686249, 1785903035),
            ("erc20", "0x90a0f8e2", "0xe764da9b", "0xd6a822d0", 124365999999999999998965,
             "0xd34a99bc", None, 25700675, 1786076603),
        ),
    ),
)  # fmt: skip

ONES, TWOS, THREES = ("0x" + digit * 8 for digit in "123")
A1, B2, C3, D4, E5 = ("0x" + digits * 4 for digits in ("a1", "b2", "c3", "d4", "e5"))
INV, CATS, ITEMS = ("0x" + digit * 8 for digit in "567")
LARGEST = str(2**256 - 1)

# Of tests/recordings. In the lists of transactions a call without value, a failed payment, a
# creation, a payment of nothing and a deposit from the parent chain, which nobody here pays.
OWN_ANSWERS: tuple[Recording, ...] = (
    Recording(
        "etherscan/txlist.json",
        "native",
        "0x" + "1" * 40,
        (
            ("native", "GENESIS_11", None, ONES, 5 * 10**18, None, None, 0, 1438269973),
            ("native", A1, TWOS, ONES, 3 * 10**17, None, None, 100, 1700000100),
            ("native", B2, ONES, TWOS, 10**17, None, None, 101, 1700000101),
            ("fee", B2, ONES, None, 420000000000000, None, None, 101, 1700000101),
            ("fee", C3, ONES, None, 50000000000000, None, None, 102, 1700000102),
            ("fee", D4, ONES, None, 21000000000000, None, None, 103, 1700000103),
            ("native", E5, ONES, "0x44444444", 10**15, None, None, 104, 1700000104),
            ("fee", E5, ONES, None, 100000000000000, None, None, 104, 1700000104),
            ("native", "0xf6f6f6f6", TWOS, ONES, 0, None, None, 105, 1700000105),
            ("native", "0xa7a7a7a7", None, ONES, 6 * 10**15, None, None, 106, 1700000106),
        ),
    ),
    Recording(
        "etherscan/txlistinternal.json",  # with a failed call and a creation without value
        "internal",
        "0x" + "1" * 40,
        (
            ("internal", B2, THREES, ONES, 77, None, None, 101, 1700000101),
            ("internal", "0xb8b8b8b8", ONES, TWOS, 10**18, None, None, 107, 1700000107),
        ),
    ),
    Recording(
        "etherscan/tokentx.json",  # newly made, two equal payments of one transaction, spam
        "erc20",
        "0x" + "1" * 40,
        (
            ("erc20", A1, NULL, ONES, 1000000, INV, None, 100, 1700000100),
            ("erc20", B2, ONES, TWOS, 250000, INV, None, 101, 1700000101),
            ("erc20", B2, ONES, TWOS, 250000, INV, None, 101, 1700000101),
            ("erc20", C3, TWOS, ONES, 1000, THREES, None, 102, 1700000102),
        ),
    ),
    Recording(
        "etherscan/tokennfttx.json",  # the least and the greatest number that a token can have
        "erc721",
        "0x" + "1" * 40,
        (
            ("erc721", A1, NULL, ONES, 1, CATS, "0", 100, 1700000100),
            ("erc721", B2, ONES, TWOS, 1, CATS, LARGEST, 101, 1700000101),
            ("erc721", C3, TWOS, ONES, 1, CATS, LARGEST, 102, 1700000102),
        ),
    ),
    Recording(
        "etherscan/token1155tx.json",
        "erc1155",
        "0x" + "1" * 40,
        (("erc1155", A1, NULL, ONES, 3, ITEMS, "9", 100, 1700000100),),
    ),
    Recording(
        "blockscout/txlist.json",  # the newest first
        "native",
        "0x" + "1" * 40,
        (
            ("native", A1, TWOS, ONES, 3 * 10**17, None, None, 298, 1700000298),
            ("native", E5, ONES, "0x44444444", 10**15, None, None, 299, 1700000299),
            ("fee", E5, ONES, None, 100000000000, None, None, 299, 1700000299),
            ("fee", D4, ONES, None, 21000000000, None, None, 300, 1700000300),
        ),
    ),
    Recording(
        "blockscout/txlistinternal_pending.json",  # a delegatecall moves nothing
        "internal",
        "0x" + "1" * 40,
        (("internal", B2, THREES, ONES, 77, None, None, 301, 1700000301),),
    ),
    Recording(
        "blockscout/tokentx.json",
        "erc20",
        "0x" + "1" * 40,
        (
            ("erc20", A1, TWOS, ONES, 45000000, INV, None, 300, 1700000300),
            ("erc20", B2, ONES, NULL, 20244252, INV, None, 301, 1700000301),
        ),
    ),
    Recording(
        "blockscout/token_transfers.json",
        "rest",
        "0x" + "1" * 40,
        (
            ("erc20", A1, TWOS, ONES, 15745 * 10**18, INV, None, 400, 1700000400),
            ("erc20", B2, ONES, TWOS, 124365999999999999998965, INV, None, 401, 1700000401),
        ),
    ),
)  # fmt: skip

KITTIES = (
    "etherscan/v1wrapped_get_erc721_token_transfer_events_by_address_and_contract_paginated.json"
)
KITTY_IDS = (
    "499482 1297384 1300206 1300206 897835 945976 932341 925575 915436 913049 202160 "
    "352885 359566 565818 936532 939730 395148 927465 499482 963237 963211 709912"
)  # fmt: skip
