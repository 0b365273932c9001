"""What published addresses come to: the chain by the encoding, poison by rules with names, and
every refusal explained. Real lists, and lists that try to do harm."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import base58
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from world.parts import REPO, SHARED

from monitor.app.settings import load
from monitor.chains import encodings
from monitor.chains.address import canonical, display
from monitor.chains.family import Form
from monitor.chains.names import is_test
from monitor.chains.table import family_of
from monitor.chains.which import Which
from monitor.model.lists import ALL, LONGEST, PUBLISHED, Judged, Published
from monitor.watchlist.imports.judge import Judge
from monitor.watchlist.imports.poison import all_poison
from monitor.watchlist.imports.rules import RULES, may_insist

LOADED = load.load(Path("/nonexistent"), {})
CHAINS = LOADED.chains
POISON = all_poison(LOADED)

SIM = "0x4F47Bc496083C727c5fbe3CE9CDf2B0f6496270c"
KIM = "1D6gG9iKEhPitTcWRJiniuj1jYM2hNeAfJ"
SCRIPT = "3CWFddi6m4ndiGyKqzYvsFYagqDLPVMTzC"
TRON = "TXhf9nU9bjo1j9z5qEesHdr6gtdndfnA4T"
SEGWIT = "bc1qgdjqv0av3q56jvd82tkdjpy7gdp9ut8tlqmgrpmv24sq90ecnvqqjwvw97"
CASH = "qpf2cphc5dkuclkqur7lhj2yuqq9pk3hmukle77vhq"
USDT = "0xdAC17F958D2ee523a2206206994597C13D831ec7"
ES, ZERO_WIDTH, RIGHT_TO_LEFT = "\u0441", "\u200b", "\u202e"


def judged(
    address: str, ticker: str = "", network: str = "", wanted: str | tuple[str, ...] = PUBLISHED
) -> Judged:
    return Judge(CHAINS, wanted, POISON).judge(Published(address, ticker, network))


def comes_to(rows: Iterable[Published]) -> Counter[str | None]:
    """Taken ones by chain, refused ones by rule."""
    judge = Judge(CHAINS, PUBLISHED, POISON)
    found = [judge.judge(row) for row in rows]
    for each in found:
        sound(each)
    return Counter(each.rule or each.chain for each in found)


def sound(found: Judged) -> None:
    """What holds of every answer."""
    if not found.rule:
        assert found.address
        assert found.chains
        assert not found.reason
    else:
        assert found.rule in RULES
        assert found.reason
        assert may_insist(found.rule) == (found.address is not None)
        assert bool(found.chains) == may_insist(found.rule)
    if found.chains:
        assert found.chain == found.chains[0]
        assert canonical(CHAINS[found.chains[0]], str(found.address)) == found.address
    assert f"{found.reason}{found.warning}".isprintable()


def shared(name: str) -> Path:
    if not (SHARED / "data" / name).exists():
        pytest.skip(f"shared/data/{name} is not here")
    return SHARED / "data" / name


# -- the real lists --------------------------------------------------------------------------

OFAC = "ofac/ofac_digital_currency_addresses_2026-08-20.tsv"
CALLED = {  # as the table of all addresses has it -> what a row comes to
    "bitcoin-cash(cashaddr,no prefix)": "bitcoin-cash",
    "monero(checksum not verified)": "hidden chain",
    "solana": "chain not covered",
    "ripple": "chain not covered",
    "bitcoin-gold": "chain not covered",
    "verge": "chain not covered",
    "bnb-beacon(retired)": "chain not covered",
    "unknown": "not an address",
}


def test_all_of_ofac_comes_to_the_chain_of_its_form():
    """Every row: 536 of Bitcoin, 277 of Tron, 113 of Ethereum's kind ... and each that is refused
    by its rule."""
    judge = Judge(CHAINS, PUBLISHED, POISON)
    counts: Counter[str | None] = Counter()
    with shared(OFAC).open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            found = judge.judge(Published(row["address"], row["ticker_as_published"]))
            sound(found)
            form = row["chain_by_format"]
            if form == "evm":
                own = {"ARB": "arbitrum", "BSC": "bnb"}.get(row["ticker_as_published"])
                assert found.chains == ((own, "ethereum") if own else ("ethereum",))
                assert not found.rule
            else:
                assert (found.rule or found.chain) == CALLED.get(form, form), row
            counts[found.rule or form] += 1
    assert counts == {
        "bitcoin": 536, "tron": 277, "evm": 113, "litecoin": 14, "dash": 5, "dogecoin": 2,
        "bitcoin-cash(cashaddr,no prefix)": 6, "zcash": 4, "hidden chain": 10,
        "chain not covered": 8, "not an address": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("day", "lost"),
    [
        ("2025-03-21", 406),
        ("2025-03-22", 406),
        ("2025-11-24", 507),
        ("2025-11-25", 507),
        ("2026-03-12", 514),
        ("2026-03-13", 524),
        ("2026-08-22", 688),
    ],
)
def test_a_list_in_small_letters_is_refused_as_what_it_is(day: str, lost: int):
    """Its base58 is destroyed; what has no capitals to lose is taken."""
    path = shared(f"ofac/daily_snapshots_lowercased/{day}.json.gz")
    addresses = json.loads(gzip.decompress(path.read_bytes()))["addresses"]
    found = comes_to(Published(a, value["type"]) for a, value in addresses.items())
    assert found["lower-cased"] == lost
    assert found["wrong checksum"] == found["several chains"] == found["token contract"] == 0
    assert found["not an address"] == 1
    taken = {key for key in found if key in CHAINS}
    assert taken <= {"bitcoin", "ethereum", "arbitrum", "bnb", "bitcoin-cash", "litecoin"}


@pytest.mark.parametrize(
    ("pack", "refused"),
    [
        ("africrypt-hack", {}),
        ("aft-alqaeda-forfeit_vc", {}),
        ("binance_hack", {}),
        ("blender_io", {}),
        ("electrum_phishing", {}),
        ("hacks", {}),
        ("hydra", {}),
        ("interpol-real_services", {}),
        ("lazarus", {}),
        ("lazarus2", {}),
        ("lockbit_tattoos", {}),
        ("ofac", {"chain not covered": 3, "hidden chain": 2, "not an address": 1}),
        ("plustoken", {"wrong checksum": 1, "lower-cased": 1}),
        ("ransomwhere", {}),
        ("ronin_bridge", {}),
        ("sinbad_io", {}),
        ("tornado_cash", {}),
        ("twitter_hack_scam", {}),
        ("usdt_blacklist", {"zero address": 1, "precompile": 15, "token contract": 51}),
    ],
)
def test_tagpacks(pack: str, refused: dict[str, int]):
    """Whole packs; of the blacklist its poison is known."""
    text = shared(f"watchlists/graphsense/{pack}.yaml").read_text("utf-8")
    tree = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    found = comes_to(
        Published(tag["address"], str(tag.get("currency") or tree.get("currency") or ""))
        for tag in tree["tags"]
    )
    assert {rule: n for rule, n in found.items() if rule in RULES} == refused


def test_lists_of_others():
    """FBI's 51 whole; OpenAML's sanctioned has a token's contract; what public tags call a
    token is refused under any of its explorers."""
    fbi = shared("watchlists/fbi_psa250226_bybit_51.tsv").read_text("utf-8")
    rows = list(csv.DictReader(io.StringIO(fbi), delimiter="\t"))
    assert comes_to(Published(r["address"], network=r["chain"]) for r in rows) == {"ethereum": 51}
    packed = shared("watchlists/finos_openaml/address_sanctioned.csv.gz").read_bytes()
    rows = list(csv.reader(io.StringIO(gzip.decompress(packed).decode())))
    found = comes_to(Published(address, network=chain) for chain, address, _ in rows)
    assert found["token contract"] > 1
    assert set(found) <= {*CHAINS, "token contract", "zero address", "precompile"}


# -- which chain -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "ticker", "network", "chains"),
    [
        (TRON, "USDT", "", "tron"),
        (TRON, "XBT", "", "tron"),
        (TRON, "SOL", "", "tron"),
        (KIM, "USDT", "", "bitcoin"),
        (SIM, "USDT", "", "ethereum"),
        (SIM, "", "", "ethereum"),
        (SIM, "ARB", "", "arbitrum ethereum"),
        (SIM, "BSC", "", "bnb ethereum"),
        (SIM, "BNB", "", "bnb ethereum"),
        (SIM, "USDT", "BNB Smart Chain (BEP20)", "bnb ethereum"),
        (SIM, "ETH", "Base", "base ethereum"),
        (SIM, "ETC", "", "ethereum"),
        (SIM, "XBT", "", "ethereum"),
        (SIM, "FTM", "Fantom", "ethereum"),
        (SIM, "", "Ethereum; Polygon", "ethereum polygon"),
        (SIM, "", "EVM", "ethereum"),
        (KIM, "BSV", "", "bitcoin"),
        (KIM, "BCH", "", "bitcoin bitcoin-cash"),
        (KIM, "", "", "bitcoin"),
        (KIM, "", "some list", "bitcoin"),
        (SCRIPT, "", "", "bitcoin"),
        (SCRIPT, "XBT", "", "bitcoin"),
        (SCRIPT, "LTC", "", "litecoin"),
        ("DHzAVdEoL3PjGeLWNdEJwwMA1CeQ9J9Cpo", "DOGE", "", "dogecoin"),
        ("DHzAVdEoL3PjGeLWNdEJwwMA1CeQ9J9Cpo", "", "", "dogecoin"),
        (SEGWIT, "SOL", "", "bitcoin"),
        (SEGWIT.upper(), "", "", "bitcoin"),
        (CASH, "BCH", "", "bitcoin-cash"),
        (f"bitcoincash:{CASH}", "", "", "bitcoin-cash"),
        ("TB1Bcv3x8mg7PVV4nVM48pgHJKcYboTypU", "TRX", "", "tron"),
        ("LTC1QTmSGvzFiEBsAqqTWYGehMX5dcSGxH", "LTC", "", "litecoin"),
        ("41" + "ab" * 20, "TRX", "", "tron"),
        ("ab" * 20, "", "tron", "tron"),
    ],
)
def test_the_encoding_decides_and_the_publisher_chooses(
    address: str, ticker: str, network: str, chains: str
):
    """A ticker is not a chain: it is asked only where several are possible."""
    found = judged(address, ticker, network)
    assert (found.rule, found.chains) == ("", tuple(chains.split()))
    sound(found)


@pytest.mark.parametrize(
    ("address", "ticker", "rule", "chain"),
    [
        ("DHzAVdEoL3PjGeLWNdEJwwMA1CeQ9J9Cpo", "XVG", "chain not covered", "verge"),
        ("DHzAVdEoL3PjGeLWNdEJwwMA1CeQ9J9Cpo", "DGB", "chain not covered", "digibyte"),
        (SCRIPT, "Vertcoin", "chain not covered", "vertcoin"),
        ("GPwg61XoHqQPNmAucFACuQ5H9sGCDv9TpS", "", "chain not covered", "bitcoin-gold"),
        ("bnb136ns6lfw4zs5hg4n85vdthaad7hq5m4gtkgf23", "BNB", "chain not covered", "bnb-beacon"),
        ("42RLPACwZPx3vYYmxSueqsogfynBDqXK298EDsNoyoHi", "", "chain not covered", "solana"),
        ("rnXyVQzgxZe7TR1EPzTkGj2jxH4LMJYh66", "", "chain not covered", "ripple"),
        ("cosmos1vqpjljwsynsn58dugz0w8ut7kun7t8ls2qkmsq", "", "chain not covered", "cosmos"),
        ("EQCD39VS5jcptHL8vMjEXrzGaRcCVYto7HUn4bpAOg8xqB2N", "", "chain not covered", "ton"),
        ("0x" + "1f" * 32, "APT", "chain not covered", "aptos"),
        ("0.0.1234567", "HBAR", "chain not covered", "hedera"),
        ("gpwg61xohqqpnmaucfacuq5h9sgcdv9tps", "BTG", "chain not covered", "bitcoin-gold"),
        ("4" + "A" * 94, "", "hidden chain", "monero"),
        ("4" + "a" * 94, "XMR", "hidden chain", "monero"),
        ("zs1" + "q" * 75, "ZEC", "hidden chain", "zcash"),
        ("something", "XMR", "hidden chain", "monero"),
        ("5be5543ff73456ab9f2d207887e2af87322c651ea1a873c5b25b7ffae456c320", "XMR",
         "not an address", None),
        ("tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", "XBT", "test network", "bitcoin-testnet"),
    ],
)  # fmt: skip
def test_what_is_not_covered_is_named(address: str, ticker: str, rule: str, chain: str | None):
    """Its own chain stands in the row, though nobody can watch it there."""
    found = judged(address, ticker)
    assert (found.rule, found.chain) == (rule, chain)
    sound(found)


@pytest.mark.parametrize(
    ("address", "ticker", "part"),
    [
        (TRON, "XBT", 'published as "XBT"; by its form it is of Tron'),
        (SIM, "ETC", "for Ethereum Classic, which is not read; its key holds Ethereum too"),
        (KIM, "BSV", "for Bitcoin SV, which is not read"),
        (KIM, "BCH", "on Bitcoin Cash as bitcoincash:q"),
        (KIM, "USDT", 'for "USDT": tokens on Bitcoin are not read'),
        (SIM, "Fantom", 'as "Fantom", which is no chain known here'),
        (SIM[2:], "ETH", "without 0x"),
        (f"{KIM[:9]}{ZERO_WIDTH}{KIM[9:]}", "XBT", "that nobody sees"),
        (f"{RIGHT_TO_LEFT}{KIM}", "XBT", "that nobody sees"),
        (f"{KIM[:9]} {KIM[9:]}", "XBT", "a space inside"),
        (f"{SIM[:20]} {SIM[20:]}", "ETH", "a space inside"),
        ("0x85b931A32a0725Be14285B66f1a22178c672d69B", "ETH", '"Binance 10", an exchange, by'),
    ],
)
def test_what_is_taken_with_a_word(address: str, ticker: str, part: str):
    """Nothing is put right, chosen or shared in silence."""
    found = judged(address, ticker)
    assert not found.rule
    assert part in found.warning
    sound(found)


def test_where_a_list_wants_its_addresses():
    """Published: where it says, and on Ethereum. All: every real chain of that kind with sources.
    A choice: what fits of it, and the rest is told."""
    real = {k for k, c in CHAINS.items() if c.family == "evm" and c.sources and not is_test(c)}
    everywhere = judged(SIM, "BSC", wanted=ALL)
    assert everywhere.chains[:2] == ("bnb", "ethereum")
    assert set(everywhere.chains) == real
    assert judged(KIM, "XBT", wanted=ALL).chains == ("bitcoin",)
    assert judged(SIM, "ETH", wanted=("polygon", "bnb", "tron")).chains == ("bnb", "polygon")
    assert judged(KIM, "XBT", wanted=("bitcoin-cash", "tron")).address == canonical(
        CHAINS["bitcoin-cash"], KIM
    )
    left = judged(TRON, "TRX", wanted=("ethereum",))
    assert (left.rule, left.chains, left.address) == ("chain not chosen", ("tron",), TRON)
    tests = judged("tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", wanted=("bitcoin-signet",))
    assert tests.chains == ("bitcoin-signet",)


def test_two_ways_to_tell_chains_agree():
    """The fast way for long lists, and each chain asked by itself."""
    which = Which(CHAINS)
    hashes = [hashlib.sha256(bytes([n])).digest()[:20] for n in range(40)]
    versions = {v for c in CHAINS.values() for v in (*c.base58, 28, 40, 65, 38, 23)}
    texts = [
        encodings.encode_base58check(v.to_bytes(1 if v < 256 else 2, "big"), hashes[n % 40])
        for n, v in enumerate(sorted(versions) * 3)
    ]
    for n, name in enumerate(("bc", "tb", "bcrt", "ltc", "vtc", "tex", "bnb")):
        texts += [encodings.encode_segwit(name, 0, hashes[n]), f"{name}1{'q' * 38}"]
    cash = encodings.encode_cashaddr("bitcoincash", encodings.Script.P2SH, hashes[0])
    texts += [cash, cash.partition(":")[2], cash[:-1], SIM, SIM[2:], "41" + "ab" * 20, "x", ""]
    for text in texts:
        forms = {key: family_of(c).form(c, text) for key, c in CHAINS.items()}
        found = which.fits(text)
        assert set(found.all) == {k for k, form in forms.items() if form is not Form.FOREIGN}
        assert set(found.own) == {
            k for k, f in forms.items() if f is Form.PREFERRED and not is_test(CHAINS[k])
        }


# -- poison ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "rule"),
    [
        ("0x" + "0" * 40, "zero address"),
        ("0X" + "0" * 40, "zero address"),
        ("T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb", "zero address"),
        ("0x000000000000000000000000000000000000dEaD", "burn address"),
        ("0x000000000000000000000000000000000000DEAD", "burn address"),
        ("0xdead000000000000000042069420694206942069", "burn address"),
        ("0x00000000000000000000045261d4ee77acdb3286", "burn address"),
        ("TLsV52sRDL79HXGGm9yzwKibb6BeruhUzy", "burn address"),
        ("1BitcoinEaterAddressDontSendf59kuE", "burn address"),
        ("1CounterpartyXXXXXXXXXXXXXXXUWLpVr", "burn address"),
        ("1111111111111111111114oLvT2", "burn address"),
        ("DDogepartyxxxxxxxxxxxxxxxxxxw1dfzr", "burn address"),
        ("0x" + "e" * 40, "placeholder"),
        ("0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE", "placeholder"),
        ("0x1111111111111111111111111111111111111111", "placeholder"),
        ("0x0123456789012345678901234567890123456789", "placeholder"),
        ("0x0000000000000000000000000000000000000001", "precompile"),
        ("0x00000000000000000000000000000000000018fe", "precompile"),
        ("0x0000000000000000000000000001fc24fe892306", "precompile"),
        ("0x0000000000000000000000000000000000001010", "precompile"),
        ("0x4200000000000000000000000000000000000006", "system contract"),
        ("0x5300000000000000000000000000000000000004", "system contract"),
        ("0x0200000000000000000000000000000000000005", "system contract"),
        ("0x00000000219ab540356cBB839Cbe05303d7705Fa", "system contract"),
        ("0xfffffffffffffffffffffffffffffffffffffffe", "system contract"),
        ("bc1pfeessrawgf", "anybody's"),
        (USDT, "token contract"),
        (USDT.lower(), "token contract"),
        ("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", "token contract"),
        ("0x0000000000004946c0e9F43F4Dee607b0eF1fA1c", "token contract"),
        ("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", "token contract"),
        ("0x2260FAC5E5542a773Aa44fBCfeDf7C193bc2C599", "token contract"),
        ("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "token contract"),
    ],
)
def test_poison_is_refused_by_a_rule_that_a_person_may_overrule(address: str, rule: str):
    """Under any chain that is named; where it would be watched stands in the answer."""
    for network in ("", "polygon", "nothing known"):
        found = judged(address, "USDT", network)
        assert found.rule == rule
        assert may_insist(rule)
        assert found.chains
        sound(found)


@given(st.binary(min_size=20, max_size=20))
def test_poison_is_rare(digest: bytes):
    """No rule speaks against an address that somebody may have made."""
    text = f"0x{hashlib.sha256(digest).hexdigest()[:40]}"
    assert not judged(text).rule
    assert not judged(
        encodings.encode_base58check(b"\0", hashlib.sha256(digest).digest()[:20])
    ).rule


def test_what_a_list_of_labels_calls_a_token_is_refused():
    """Of five explorers; and no more than a handful of what is no contract of a token."""
    folder = shared("labels/etherscan_labels_2023-10")
    for site, chain in (("arbiscan", "arbitrum"), ("polygonscan", "polygon")):
        path = folder / f"{site}.combinedAccountLabels.json"
        tags = json.loads(path.read_text("utf-8"))
        named = [a for a, tag in tags.items() if re.search(r": \S+ Token\Z", tag["name"])]
        rules = Counter(judged(address, network=chain).rule for address in named)
        assert rules["token contract"] > len(named) * 0.9, rules


# -- wrecks ----------------------------------------------------------------------------------

KEY = base58.b58encode_check(b"\x80" + b"\x11" * 32 + b"\x01").decode()


@pytest.mark.parametrize(
    ("address", "ticker", "rule", "part"),
    [
        (SIM.replace("c", ES, 1), "ETH", "look-alike letters",
         "holds CYRILLIC SMALL LETTER ES (U+0441) at place 8, which looks like c"),
        (KIM.replace("e", "\u0435"), "XBT", "look-alike letters", "LETTER IE (U+0435)"),
        (TRON.replace("T", "\u03a4", 1), "TRX", "look-alike letters", "GREEK CAPITAL LETTER TAU"),
        (TRON.replace("9", "\uff19", 1), "TRX", "look-alike letters", "FULLWIDTH DIGIT NINE"),
        (TRON.replace("o", "0", 1), "TRX", "look-alike letters", "0 at place 11"),
        (KIM.replace("i", "I", 1), "XBT", "look-alike letters", "I at place"),
        (SIM.replace("0c", "Oc"), "ETH", "look-alike letters", "O at place 41, which looks like 0"),
        (SEGWIT.replace("0", "o", 1), "XBT", "look-alike letters", "o at place"),
        (KIM.lower(), "XBT", "lower-cased", "small letters only"),
        (TRON.lower(), "", "lower-cased", "of Tron's kind"),
        (KIM.upper(), "XBT", "upper-cased", "capital letters only"),
        ("t1g7wowvq8gn2v8jru1biyj26sienqnsbjy", "ZEC", "lower-cased", "of Zcash's kind"),
        (f"BC{SEGWIT[2:]}", "XBT", "mixed case", "mixes capitals and small letters"),
        (SIM[:-1] + "C", "ETH", "wrong checksum", "its checksum does not fit"),
        (KIM[:-1] + "K", "XBT", "wrong checksum", "wrong checksum"),
        (SEGWIT[:-1] + "q", "XBT", "wrong checksum", "wrong checksum"),
        (CASH[:-1] + "p", "BCH", "wrong checksum", "wrong checksum"),
        (f"{SIM.lower()[:20]} {SIM.lower()[20:]}", "ETH", "space inside", "has a space inside"),
        (KEY, "XBT", "private key", "looks like a private key"),
        ("02" + "ab" * 32, "XBT", "public key", "is a public key"),
        ("1.23457E+77", "ETH", "a number", "a spreadsheet has destroyed"),
        ("1234567890" * 4, "ETH", "a number", "a spreadsheet has destroyed"),
        ("#NAME?", "", "a broken cell", "cannot show or compute"),
        (f"{SIM[:8]}...{SIM[-4:]}", "ETH", "shortened", "is shortened"),
        (f"https://etherscan.io/address/{SIM}", "ETH", "a link", "is a link"),
        (f"ethereum:{SIM}", "ETH", "a word before it", "a word before"),
        ("somebody.eth", "ETH", "a name", "is a name"),
        ("a@example.org", "", "a mail address", "is a mail address"),
        ("", "ETH", "no address", "has no address"),
        ("x" * 300, "ETH", "not an address", "300 characters"),
        (SIM[:-1], "ETH", "not an address", "0x and 40 characters"),
        ("\U0001f600" * 20, "", "not an address", "is not an address"),
        ("There are no matching entries", "", "not an address", "is not an address"),
        ("T6MXHXMGXURKJ7AD5NCB4IYPLWX", "USDT", "not an address", ""),
        ("\x00\x00", "", "no address", "has no address"),
    ],
)  # fmt: skip
def test_what_is_no_address_says_what_it_is(address: str, ticker: str, rule: str, part: str):
    """By a rule that programs can count, and in a sentence."""
    found = judged(address, ticker)
    assert (found.rule, part in found.reason) == (rule, True), found
    assert not may_insist(rule)
    assert found.address is None
    sound(found)


def test_a_private_key_goes_no_further():
    """Neither the reason nor the row that is kept shows it; of a hash all is shown."""
    judge = Judge(CHAINS, PUBLISHED, POISON)
    row = judge.row(Published(KEY, "XBT"))
    assert KEY not in str(row)
    assert row.published.address.startswith(KEY[:4])
    hash_ = "5be5543ff73456ab9f2d207887e2af87322c651ea1a873c5b25b7ffae456c320"
    assert judge.row(Published(hash_, "XMR")).published.address == hash_


def test_a_row_that_could_not_be_read_says_why():
    """As its reader says."""
    fault = ("holds a date for an address", "Ask the publisher")
    found = Judge(CHAINS, PUBLISHED, POISON).judge(Published("", fault=fault))
    assert (found.rule, found.reason) == ("unreadable", ". ".join(fault))


ODD = st.text(max_size=LONGEST) | st.text("0123456789abcdefxXTtOlI \u0441\u200b\u202e", max_size=60)
ODD |= st.sampled_from([SIM, KIM, TRON, SEGWIT, CASH, KEY]).flatmap(
    lambda text: st.tuples(st.integers(0, len(text)), st.text(max_size=3)).map(
        lambda part: text[: part[0]] + part[1] + text[part[0] :]
    )
)


@given(ODD, st.text(max_size=20), st.sampled_from(["", "ETH", "XMR", "BSV", "LTC", "USDT"]))
def test_nothing_that_is_published_breaks_it(address: str, network: str, ticker: str):
    """Whatever the texts are, every row has its answer, and what it says can be shown."""
    sound(judged(address, ticker, network))
    sound(judged(address, ticker, network, wanted=("bitcoin-cash", "polygon", "local")))


def test_every_rule_is_explained():
    """In the docs, with its sentence and whether a person may insist."""
    text = (REPO / "docs/watchlist.md").read_text("utf-8")
    for name, rule in RULES.items():
        assert f"| {name} | it {rule.says} | {'yes' if rule.insist else ''} |" in text


def test_people_see_the_letters_that_guard_an_address():
    """What is canonical can be shown in the publisher's own spelling."""
    assert display(CHAINS["ethereum"], str(judged(SIM).address)) == SIM
