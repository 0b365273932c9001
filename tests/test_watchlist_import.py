"""Import and export of watchlists: what is taken of the lists that others write, what is
refused and why, and that nothing is lost on the way out and in again."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import json
import re
import shlex
import string
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from world.home import Home
from world.parts import SHARED
from world.recordings import OWN
from world.workbooks import sheet_xml, workbook

from monitor.app import setup
from monitor.app.home import open_home
from monitor.app.settings import load
from monitor.chains.address import canonical
from monitor.chains.names import ChainNames, Unclear
from monitor.chains.table import family_of
from monitor.cli import main
from monitor.loops import doors
from monitor.model import Entry, Severity, Subject
from monitor.model.errors import ConfigError
from monitor.model.ids import stable_id
from monitor.store import watch
from monitor.watchlist import edit, export
from monitor.watchlist import entries as watchlist
from monitor.watchlist.file import ListFile
from monitor.watchlist.imports import layout, tables
from monitor.watchlist.imports import rows as watchlist_import
from monitor.watchlist.imports.poison import Poison
from monitor.watchlist.imports.rows import ImportPlan, Terms
from monitor.watchlist.yaml_nodes import MAX_BYTES

ROOT = Path(__file__).resolve().parents[1]
LOADED = load.load(ROOT / "docs", {})
CHAINS = LOADED.chains
POISON = Poison(CHAINS, LOADED.assets, LOADED.contracts, LOADED.addressbook)
NAMES = ChainNames(CHAINS, ("USDT", "USDC"))

SIM = "0x4F47Bc496083C727c5fbe3CE9CDf2B0f6496270c"
SIM2 = "0xd04E33461FEA8302c5E1e13895b60cEe8AEfda7F"
KIM = "1D6gG9iKEhPitTcWRJiniuj1jYM2hNeAfJ"
TRON = "TXhf9nU9bjo1j9z5qEesHdr6gtdndfnA4T"
SEGWIT = "bc1qgdjqv0av3q56jvd82tkdjpy7gdp9ut8tlqmgrpmv24sq90ecnvqqjwvw97"


def table(data: str | bytes) -> tables.ListTable:
    raw = data.encode() if isinstance(data, str) else data
    return tables.read(raw, "list", lambda text: NAMES.key(text) is not None)


def plan(
    data: str | bytes,
    listed: str = "",
    given: tuple[str, ...] = (),
    *,
    quieter: bool = False,
    **lines: str,
) -> ImportPlan:
    """What an import would do with a file, on a watchlist with this text."""
    entries = watchlist.parse(listed, CHAINS).entries
    terms = Terms(CHAINS, {"desk-mail"}, {"USDT"}, given, lines, quieter, POISON)
    return watchlist_import.plan(table(data), entries, terms)


def taken(found: ImportPlan) -> list[tuple[str, str]]:
    return [(e.subject.chain, e.subject.address) for e in found.entries]


def refusals(found: ImportPlan) -> list[str]:
    return [str(problem) for each in found.refused for problem in each.problems]


# -- files -----------------------------------------------------------------------------------

ROWS = f"address,chain,label\n{SIM},ethereum,Müller\n{TRON},tron,two\n"
EXPECTED = [("ethereum", SIM.lower()), ("tron", TRON)]


@pytest.mark.parametrize(
    "data",
    [
        ROWS.encode(),
        ROWS.encode("utf-8-sig"),
        ROWS.encode("utf-16"),
        ROWS.encode("utf-16-le"),
        ROWS.encode("utf-16-be"),
        ROWS.encode("cp1252"),
        ROWS.replace("\n", "\r\n").encode(),
        ROWS.replace("\n", "\r").encode(),
        ROWS.replace(",", ";").encode(),
        ROWS.replace(",", "\t").encode(),
        ROWS.replace(",", "|").encode(),
        f"sep=;\r\n{ROWS.replace(',', ';')}".encode(),
        f'"sep=:"\n{ROWS.replace(",", ":")}'.encode(),
        ROWS.replace("\n", ",,,\n").encode() + b",,,,\n,,,,\n",
        "".join(",".join(f'"{c}"' for c in x.split(",")) + "\n" for x in ROWS.split()).encode(),
        ROWS.replace(",", " , ").encode(),
        f"Sanctions of March,,\n,,\n{ROWS}".encode(),
        f"# a note\n{ROWS}# the end\n".encode(),
        json.dumps(list(csv.DictReader(io.StringIO(ROWS)))).encode(),
        json.dumps({"addresses": list(csv.DictReader(io.StringIO(ROWS)))}, indent=1).encode(),
        "\n".join(json.dumps(r) for r in csv.DictReader(io.StringIO(ROWS))).encode("utf-8-sig"),
        json.dumps({r["address"]: r for r in csv.DictReader(io.StringIO(ROWS))}).encode(),
    ],
    ids=lambda data: data[:12].hex(),
)
def test_one_list_in_all_its_forms(data: bytes):
    """Encoding, separator, line ends, quotes, blanks and JSON's shapes change nothing."""
    found = plan(data)
    assert (taken(found), refusals(found)) == (EXPECTED, [])
    assert [entry.label for entry in found.entries] == ["Müller", "two"]


@pytest.mark.parametrize(
    "data",
    [
        f"{TRON}\n{KIM}\n",
        f"# from the police\n\n{TRON}   # first\n  {KIM}\n#end",
        f"{TRON}, {KIM}",
        f"{TRON} {KIM}\n",
        f"'{TRON}\n\u200b\u00a0{KIM}\ufeff\u00a0\n",
        f'"{TRON}";\n"{KIM}";\n',
        json.dumps([TRON, KIM]),
        f"Wallets\n{TRON}\n{KIM}",
    ],
)
def test_plain_lists_of_addresses(data: str):
    """One a line or several, with notes, quotes and invisible characters around them."""
    found = plan(data)
    assert (taken(found), refusals(found)) == ([("tron", TRON), ("bitcoin", KIM)], [])


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("Wallet", "address"),
        ("ADDRESS HASH", "address"),
        (" blockchain ", "chain"),
        ("Network", "chain"),
        ("chain_by_format", "chain"),
        ("ticker_as_published", "ticker"),
        ("Entity Name", "label"),
        ("Case-ID", "case"),
        ("Tell When", "tell_when"),
        ("\ufeffSource URL", "source"),
        ("Comments", "reason"),
    ],
)
def test_headers_as_people_write_them(header: str, field: str):
    """Capitals, blanks, signs and usual other words name the same column."""
    assert layout.columns(["x", header]) == {field: 1}


def test_a_table_without_header_is_read_by_what_it_holds():
    """Addresses and names of chains are found; what the rest means is not guessed."""
    found = table(f"Ethereum,{SIM},Fraud\nbsc,{SIM2},Fraud\n")
    assert found.taken == {"address": "address", "chain": "chain"}
    assert found.ignored == ("column 3",)
    assert taken(plan(f"Ethereum,{SIM},Fraud\nbsc,{SIM2},Fraud\n")) == [
        ("ethereum", SIM.lower()),
        ("bnb", SIM2.lower()),
    ]


def test_every_line_of_the_watchlist_has_a_column():
    """All that a block may say can be said in a table, and in JSON."""
    row = {
        "address": TRON, "chain": "Tron", "label": "'=not a formula", "case": "NK-07",
        "title": "North", "reason": "why", "source": "who", "tags": "a; b, c", "severity": "HIGH",
        "direction": "Out", "min_amount": "TRX 1.5; USDT=20", "tell_when": "seen",
        "since": "31.01.2023", "channels": "desk-mail", "busy": "TRUE", "retired": "",
    }  # fmt: skip
    out = io.StringIO()
    writer = csv.DictWriter(out, list(row))
    writer.writeheader()
    writer.writerow(row)
    [entry] = plan(out.getvalue(), quieter=True).entries
    assert replace(entry, id="", line=0) == Entry(
        "", Subject("tron", TRON), "=not a formula", "NK-07", "why", "who", ("a", "b", "c"),
        Severity.HIGH, "out", {"TRX": "1.5", "USDT": "20"}, "seen", "2023-01-31",
        ("desk-mail",), busy=True,
    )  # fmt: skip
    as_json = {**row, "label": "=not a formula", "busy": True, "tags": ["a", "b", "c"],
               "min_amount": {"TRX": 1.5, "USDT": 20}}  # fmt: skip
    [same] = plan(json.dumps([as_json]), quieter=True).entries
    assert replace(same, line=0) == replace(entry, line=0)


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b"", "holds nothing"),
        (b" \n# only a note\n", "holds nothing"),
        (b"PK\x03\x04\x14\x00", "is broken or not whole"),
        (b"\xd0\xcf\x11\xe0\xa1", "old Excel workbook"),
        (b"%PDF-1.7", "is a PDF"),
        (gzip.compress(b"x", mtime=0), "gzip"),
        (b"title: USDT blacklist\naddresses:\n- address: x\n", "looks like YAML"),
        (b"- address: '0x1'\n  currency: ETH\n", "looks like YAML"),
        (b"<?xml version='1.0'?><sdn/>", "web page or XML"),
        (b'[{"address": "x"', "not valid JSON"),
        (b'{"address": "x"}\n{"address": \n', "list:2: is not valid JSON"),
        (b'{"addresses": 7}', "holds no list"),
        (b"[" * 100_000, "not valid JSON"),
        (b"first,second\nno,number\n", "no column that holds addresses"),
        (f'address,label\n{SIM},"open\n{SIM2},x\n'.encode(), "list:2: opens a quote"),
        (b"x" * (tables.MAX_BYTES + 1), "is larger than"),
        (b"\xff\xfeabc", "UTF-16"),
        (f"address,label\n{SIM},{'x' * 131_073}\n".encode(), "list:2: has a cell of over 131,072"),
        (f"address;label\n{SIM};{'x,' * 70_000}\n".encode(), "list:2: has a cell of over 131,072"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)} bytes",
)
def test_what_is_no_list_is_refused_as_a_whole(data: bytes, part: str):
    """With what it is and what to do; nothing of it is read."""
    with pytest.raises(ConfigError, match=part):
        table(data)


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_no_content_raises_anything_else(data: bytes):
    """Whatever a file holds, it is refused as a whole or every row of it has its fate."""
    with contextlib.suppress(ConfigError):
        found = plan(data, given=("ethereum",))
        assert len(found.taken) + len(found.refused) + found.repeated >= len(table(data).rows)


def test_a_long_line_of_short_cells_is_read():
    """Only under the wrong separator it is one cell that is too long."""
    assert len(plan(",".join([KIM] * 4_000)).entries) == 1


def test_no_row_is_lost_between_columns_or_quotes():
    """A row with too many cells, and a quote that swallows other rows, are refused."""
    data = f'address,chain,label\n{TRON},tron,a, b\n{KIM},bitcoin,"x\n{SIM},ethereum,"y\n'
    found = plan(data)
    assert taken(found) == []
    first, second = refusals(found)
    assert first.startswith("line 2: 'b' is more than the header has columns (3)")
    assert second.startswith("line 3: 'x' is in a quote that runs on over 2 lines")


def test_text_cells_may_run_over_lines():
    """A line break inside a quoted reason is a blank; the next row knows its own line."""
    found = plan(f'address,reason\n{TRON},"one\ntwo"\nbad,x\n')
    assert found.entries[0].reason == "one two"
    assert refusals(found)[0].startswith("line 4: 'bad' ")


# -- rows ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "part"),
    [
        ("1.23457E+47", "a spreadsheet has destroyed the address"),
        ("1,23457e+47", "a spreadsheet has destroyed the address"),
        ("453912000000000000000000000000000000000000000000", "destroyed"),
        ("#NAME?", "cannot show or compute"),
        (f"{SIM[:8]}...{SIM[-4:]}", "is shortened"),
        (f"{SIM[:8]}…{SIM[-4:]}", "is shortened"),
        (SIM[:-1] + "C", "its checksum does not fit"),
        (SIM[:-1], "is not an address"),
        (f"{SIM[:10]} {SIM[10:]}", "has a space inside"),
        (SIM[2:], "lacks 0x at its start"),
        (f"0x{'ab' * 32}", "is a transaction or a key"),
        (f"https://etherscan.io/address/{SIM}", "is a link"),
        (f"ethereum:{SIM}", "has a word before the address"),
        ("somebody.eth", "is a name"),
        (SIM.replace("c", "\u0441", 1), "SMALL LETTER ES (U+0441) at place 8, which looks like c"),
        ("0x" + "0" * 40, "is the zero address"),
        ("0x000000000000000000000000000000000000dEaD", "is a burn address"),
        ("0x0000000000000000000000000000000000000001", "machinery"),
        ("0x4200000000000000000000000000000000000006", "machinery"),
        ("0xdeaddeaddeaddeaddeaddeaddeaddeaddead0001", "machinery"),
        ("0x" + "e" * 40, "placeholder"),
    ],
)
def test_what_is_no_address_says_so_with_its_line(address: str, part: str):
    """Every spoiled address has its own reason, behind its line and before a remedy."""
    found = plan(f'label;address;chain\nx;"{address}";ethereum\n')
    [text] = refusals(found)
    assert re.match(rf"line 2: .*{re.escape(part)}.*\. [A-Z]", text), text


@pytest.mark.parametrize(
    ("chain", "address"),
    [
        ("tron", "T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb"),
        ("tron", "TLsV52sRDL79HXGGm9yzwKibb6BeruhUzy"),
        ("bitcoin", "1BitcoinEaterAddressDontSendf59kuE"),
        ("bitcoin", "1CounterpartyXXXXXXXXXXXXXXXUWLpVr"),
        ("bitcoin", "1111111111111111111114oLvT2"),
        ("polygon", "0x0000000000000000000000000000000000001010"),
    ],
)
def test_nobodys_addresses_are_known_on_every_chain(chain: str, address: str):
    """Sinks of Tron and Bitcoin are refused too, and none of them hides behind a typo."""
    assert family_of(CHAINS[chain]).nobodys(canonical(CHAINS[chain], address))
    assert not family_of(CHAINS["ethereum"]).nobodys(SIM.lower())
    assert not family_of(CHAINS["tron"]).nobodys(TRON)
    assert not family_of(CHAINS["ethereum"]).nobodys("0x00000000000000adc04c56bf30ac9d3c0aaf14dc")


@pytest.mark.parametrize(
    ("chain", "address", "part"),
    [
        ("ethereum", "0xdAC17F958D2ee523a2206206994597C13D831ec7", "(USDT on Ethereum)"),
        ("ethereum", "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", "(WETH on Ethereum)"),
        ("polygon", "0xdac17f958d2ee523a2206206994597c13d831ec7", "(USDT on Ethereum)"),
        ("gnosis", "0xe91D153E0b41518A2Ce8Dd3D7944Fa863463a97d", "(the wrapped xDAI of Gnosis)"),
        ("ethereum", "0x0000000000004946c0e9F43F4Dee607b0eF1fA1c", "1inch: CHI Token, by"),
        ("tron", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "(USDT on Tron)"),
    ],
)
def test_contracts_of_tokens_are_not_taken(chain: str, address: str, part: str):
    """On whatever chain the list has them."""
    [text] = refusals(plan(f"chain,address\n{chain},{address}\n"))
    assert "is the contract of a token" in text
    assert part in text


def test_what_a_person_watches_all_the_same_comes_in_again():
    """From a list of one's own: a token's contract, and a canary that strangers pay."""
    usdt, deposits = "0xdac17f958d2ee523a2206206994597c13d831ec7", f"0x{'0' * 8}219ab540356cbb"
    deposits += "839cbe05303d7705fa"
    data = "chain,address,canary,since\n"
    data += f"ethereum,{usdt},,\nethereum,{deposits},6,2026-11-22\n"
    assert [e.subject.address for e in plan(data, quieter=True).entries] == [usdt, deposits]
    assert len(refusals(plan(data))) == 2


def test_a_wallet_that_strangers_share_is_taken_with_a_word():
    """An exchange's, by the address book."""
    found = plan("chain,address\nethereum,0x85b931A32a0725Be14285B66f1a22178c672d69B\n")
    assert len(found.entries) == 1
    assert re.search(r"look at them: line 2 \(.*an exchange, by ", found.remarks[0])


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("Ethereum", "ethereum"),
        ("ETH", "ethereum"),
        ("Ethereum Mainnet", "ethereum"),
        ("ERC-20", "ethereum"),
        ("1", "ethereum"),
        ("eip155:56", "bnb"),
        ("BSC", "bnb"),
        ("BNB Smart Chain (BEP20)", "bnb"),
        ("Binance Smart Chain", "bnb"),
        ("Polygon", "polygon"),
        ("MATIC", "polygon"),
        ("Arbitrum One", "arbitrum"),
        ("OP Mainnet", "optimism"),
        ("Avalanche C-Chain", "avalanche"),
        ("TRX", "tron"),
        ("Tron (TRC20)", "tron"),
        ("XBT", "bitcoin"),
        ("Bitcoin (BTC)", "bitcoin"),
        ("bitcoin-testnet", "bitcoin-testnet"),
        ("LTC / DOGE; DASH", "litecoin dogecoin dash"),
        ("ZEC", "zcash"),
        ("Zcash (transparent)", "zcash"),
        ("BCH", "bitcoin-cash"),
        ("Bitcoin (Cash)", "bitcoin-cash"),
        ("Bitcoin Cash (BCH)", "bitcoin-cash"),
        ("Digital Currency Address - BCH", "bitcoin-cash"),
        ("Digital Currency Address - XBT", "bitcoin"),
        ("ethereum; bnb", "ethereum bnb"),
        ("ETH / BSC and Polygon, ETH", "ethereum bnb polygon"),
        ("EVM", ""),
        ("", ""),
    ],
)
def test_chains_as_people_say_them(text: str, keys: str):
    """Keys, names, symbols, ids, usual other words; several in one cell."""
    assert NAMES.keys(text) == tuple(keys.split())


@pytest.mark.parametrize(
    "text",
    ["Bitcoin Gold", "Bitcoin (SV)", "Ethereum Classic", "Litecoin Cash", "tBTC", "BEP2", "SOL"],
)
def test_other_chains_are_not_taken_for_ours(text: str):
    """A chain that only sounds alike is refused by name."""
    assert isinstance(NAMES.keys(f"ethereum; {text}"), Unclear)


def test_a_coin_says_the_chain_and_a_token_does_not():
    """ETC is not Ethereum, and USDT lives on many chains: there the address decides."""
    data = f"ticker,address\nETC,{SIM}\nUSDT,{TRON}\nUSDT,{SIM}\nBSC,{SIM}\nBTC,{KIM}\n"
    found = plan(data)
    assert taken(found) == [("tron", TRON), ("bnb", SIM.lower()), ("bitcoin", KIM)]
    first, second = refusals(found)
    assert first.startswith("line 2: 'ETC' is not a chain")
    assert second.startswith(f"line 4: '{SIM}' fits every chain of Ethereum's kind")
    assert [each.asks for each in found.refused] == [False, True]


@pytest.mark.parametrize("form", ["{}", "Digital Currency Address - {}"])
def test_coins_beside_addresses_say_the_chain_without_a_header(form: str):
    """Also where some are none of ours: those are refused by name. A Litecoin script in its older
    spelling, or an address of Bitcoin SV, is not taken for one of Bitcoin's."""
    coins = {
        "XBT": KIM,
        "LTC": "3CWFddi6m4ndiGyKqzYvsFYagqDLPVMTzC",
        "BSV": "1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu",
        "XMR": "4" + "A" * 94,
    }
    found = plan("".join(f"{form.format(c)},{address}\n" for c, address in coins.items()))
    assert taken(found) == [
        ("bitcoin", KIM),
        ("litecoin", canonical(CHAINS["litecoin"], coins["LTC"])),
    ]
    first, second = refusals(found)
    assert first.startswith(f"line 3: '{form.format('BSV')}' is not a chain that Fundwatch")
    assert "hides who pays whom" in second


@pytest.mark.parametrize("header", ["Digital Currency Address - LTC", "LTC address", "Litecoin"])
def test_a_header_that_names_a_chain_says_it_for_its_column(header: str):
    """Unless a column of its own says it."""
    script = "3CWFddi6m4ndiGyKqzYvsFYagqDLPVMTzC"
    today = canonical(CHAINS["litecoin"], script)
    assert taken(plan(f"Name,{header}\nJoe,{script}\n")) == [("litecoin", today)]
    assert taken(plan(f"Network,{header}\nBTC,{script}\n")) == [("bitcoin", script)]


def test_labels_that_sound_like_chains_are_no_chains():
    """A column of names is passed over, also if an exchange is called like its chain."""
    assert taken(plan(f"{KIM},Binance\n{TRON},Kraken\n")) == [("bitcoin", KIM), ("tron", TRON)]


def test_the_encoding_decides_where_it_can_and_a_person_where_it_cannot():
    """`--chain` holds for rows that say nothing and fit several chains, for no others."""
    data = f"{TRON}\n{KIM}\n{SEGWIT}\n{SIM}\n"
    sure = [("tron", TRON), ("bitcoin", KIM), ("bitcoin", SEGWIT)]
    assert taken(plan(data)) == sure
    both = plan(data, given=("bnb", "tron", "ethereum"))
    assert taken(both) == [*sure, ("bnb", SIM.lower()), ("ethereum", SIM.lower())]
    assert "--chain ethereum" in refusals(plan(data))[0]


@pytest.mark.parametrize(
    "address",
    ["tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn"],
)
def test_test_networks_are_never_guessed(address: str):
    """They must be named; then they are taken."""
    assert "belongs to a test network" in refusals(plan(address))[0]
    assert taken(plan(address, given=("bitcoin-testnet",)))[0][0] == "bitcoin-testnet"
    assert taken(plan(f"chain,address\nbitcoin-signet,{address}"))[0][0] == "bitcoin-signet"


def test_a_chain_that_the_address_contradicts_is_refused():
    """Nothing is corrected in silence: the row says Bitcoin, the address says Tron."""
    [text] = refusals(plan(f"address,chain\n{TRON},bitcoin\n"))
    assert "It looks like a Tron address: correct the chain" in text


def test_letters_of_one_size_are_told_as_such():
    """Addresses that a program put into small letters cannot be repaired."""
    assert all(
        "small letters only" in t for t in refusals(plan(f"{TRON.lower()}\n{KIM.lower()}\n"))
    )


@pytest.mark.parametrize(
    ("written", "since"),
    [
        ("2023-01-31", "2023-01-31"),
        ("2023-01-31 00:00:00", "2023-01-31"),
        ("2023-01-31T00:00:00Z", "2023-01-31"),
        ("31.1.2023", "2023-01-31"),
        ("02.03.2023", "2023-03-02"),
        ("31/01/2023", "2023-01-31"),
        ("01/31/2023", "2023-01-31"),
        ("First", None),
        ("02/03/2023", None),
        ("31.02.2023", None),
        ("2023", None),
    ],
)
def test_days_are_taken_where_their_form_leaves_no_doubt(written: str, since: str | None):
    """Spreadsheets rewrite days; one that could be two is refused."""
    found = plan(f"address;since\n{TRON};{written}\n")
    assert [entry.since for entry in found.entries] == ([since] if since else [])
    assert len(found.refused) == (since is None)


def test_lines_for_rows_that_lack_them():
    """What the row says goes before what the command says."""
    data = f"address,case,severity\n{TRON},,\n{KIM},OWN,low\n"
    first, second = plan(data, case="NEW", severity="severe", source="police").entries
    assert (first.case, first.severity, first.source) == ("NEW", "severe", "police")
    assert (second.case, second.severity, second.source) == ("OWN", "low", "police")


LISTED = f"""\
addresses:
  - {{address: {TRON}, chain: tron, case: A}}
  - {{address: {KIM}, chain: bitcoin, case: A, retired: '2026-11-20 m.ortiz "over"'}}
"""


def test_what_is_there_already_is_counted_and_what_differs_is_told():
    """Same case: left as it is. Another case: taken. Retired: refused, for it is not watched."""
    data = (
        f"address,case,severity\n{TRON},A,\n{TRON},B,\n{TRON},B,\n{TRON},A,severe\n{KIM},A,\n"
        f"{KIM},B,\n"
    )
    found = plan(data, LISTED)
    assert taken(found) == [("tron", TRON), ("bitcoin", KIM)]
    assert (found.present, found.repeated) == (2, 1)
    other, words = found.remarks
    assert "1 entry is watched under another case too" in other
    assert "line 3 (A)" in other
    assert "line 5 (severity; see the list)" in words
    [text] = refusals(found)
    assert text.startswith("line 6: ")
    assert 'is on the list and retired (2026-11-20 m.ortiz "over")' in text


def test_a_row_of_several_chains_adds_those_that_are_new():
    """The block then names only the chains that the list lacks."""
    listed = f"addresses:\n  - {{address: '{SIM}', chain: bnb}}\n"
    found = plan(f"address;chain\n{SIM};ethereum, bnb, polygon\n", listed)
    assert watchlist_import.blocks(found, CHAINS) == [
        {"address": SIM, "chains": ("ethereum", "polygon")}
    ]


def test_refused_rows_can_be_mended_and_imported():
    """They keep every cell as it was, other columns too; the reasons do not disturb."""
    data = f"Wallet;Risk;Name\n{SIM[:-1]}C;95;=x\n{TRON};1;y\n1,2E+40;7;z\n"
    text = "".join(watchlist_import.refused_rows(plan(data).refused))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(r["Risk"], r["Name"], r["refused_line"]) for r in rows] == [
        ("95", "'=x", "2"),
        ("7", "z", "4"),
    ]
    mended = text.replace(SIM[:-1] + "C", SIM).replace('"1,2E+40"', KIM)
    again = plan(mended, given=("ethereum",))
    assert taken(again) == [("ethereum", SIM.lower()), ("bitcoin", KIM)]
    assert [entry.label for entry in again.entries] == ["=x", "z"]


# -- the text of the list --------------------------------------------------------------------


def test_many_blocks_at_once_keep_every_line_of_the_file():
    """Each goes under its case, new ones with a title get their own, the count is raised."""
    before = (ROOT / "watchlist.example.yaml").read_text("utf-8")
    data = (
        "address,chain,case,title\n"
        f"{SIM},base,SIM-2023,\n{SIM2},base,NEW #1,A: title\n{SIM2},bnb,NEW #1,A: title\n"
        f"{TRON},tron,LOOSE,\n"
    )
    found = plan(data, before)
    after = edit.add_many(before, CHAINS, watchlist_import.blocks(found, CHAINS))
    kept = [line for line in before.splitlines() if not line.startswith("count:")]
    rest = iter(after.splitlines())
    assert all(line in rest for line in kept)
    parsed = watchlist.parse(after, CHAINS)
    assert (parsed.problems, parsed.count, parsed.blocks) == ((), 9, 9)
    change = watchlist.difference(watchlist.parse(before, CHAINS).entries, parsed.entries)
    assert {(e.case, e.title) for e in change.added} == {
        ("SIM-2023", "Sim Hyon Sop"),
        ("NEW #1", "A: title"),
        ("LOOSE", ""),
    }


@pytest.mark.parametrize(
    "before",
    [
        "",
        "version: 1",
        setup.EMPTY_LIST,
        "addresses:\r\n# none yet\r\n",
        "cases:\n",
        f"cases:\n  A:\n    title: x\n    addresses:\n      - {{address: {KIM}, chain: bitcoin}}",
        f"addresses:\n- address: {KIM}\n  chain: bitcoin\ncases:\n  A:\n    title: x",
    ],
)
def test_many_blocks_fit_any_start(before: str):
    """An existing case, a new one with a title and none, whatever stands in the file."""
    data = f"address,case,title\n{TRON},A,\n{TRON},B,new\n{TRON},,\n{SEGWIT},A,\n{SEGWIT},B,new\n"
    found = plan(data, before)
    after = edit.add_many(before, CHAINS, watchlist_import.blocks(found, CHAINS))
    parsed = watchlist.parse(after, CHAINS)
    assert parsed.problems == ()
    cases = [e.case for e in parsed.entries if e.subject.address in (TRON, SEGWIT)]
    assert Counter(cases) == {"A": 2, "B": 2, "": 1}
    assert {e.title for e in parsed.entries if e.case == "B"} == {"new"}


def test_a_second_title_of_a_case_is_told():
    """A case has one title; the entry is taken all the same."""
    found = plan(f"address,case,title\n{TRON},A,one\n{KIM},A,two\n{SEGWIT},,three\n")
    assert len(found.taken) == 3
    assert found.remarks[-1] == "a case has one title; another one was not taken: line 3, line 4"


# -- round trip ------------------------------------------------------------------------------

WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=40).map(
    lambda text: " ".join(watchlist_hidden(text).split())
).filter(bool) | st.sampled_from(
    ["=1+1", "'=x", "''", "[a", "-5", "a; b", '"q"', "# x", "a: b", "1E+5", "{"]
)


def watchlist_hidden(text: str) -> str:
    return re.sub("[\u200b\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]", "", text)


ITEMS = st.lists(WORDS, unique=True, max_size=3).map(tuple)
ADDRESSES = st.sampled_from(
    [(c, a) for a in (SIM, SIM2) for c in ("ethereum", "bnb", "local")]
    + [("tron", TRON), ("bitcoin", KIM), ("bitcoin", SEGWIT)]
)
CASES = st.sampled_from(["", "A-1", "File #7", "2023"])
TITLES = {"": "", "A-1": "=A: 'title'", "File #7": "", "2023": "x"}
COINS = st.decimals(0, 10**9, places=4).map(str)
ASSETS = st.sampled_from(["ETH", "USDC.e", "a b", "x;y", "=z"]) | st.just(SIM.lower())
NAMES_OF_PEOPLE = st.text(string.ascii_letters + ".-_", min_size=1, max_size=12)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    chain, written = draw(ADDRESSES)
    subject = Subject(chain, canonical(CHAINS[chain], written))
    case = draw(CASES)
    why = draw(WORDS.map(lambda text: text.replace('"', "'")))
    by = draw(NAMES_OF_PEOPLE)
    return Entry(
        stable_id("E", case, subject.chain, subject.address), subject,
        label=draw(st.just("") | WORDS), case=case, reason=draw(st.just("") | WORDS),
        source=draw(st.just("") | WORDS), tags=draw(ITEMS),
        severity=draw(st.sampled_from(Severity)),
        direction=draw(st.sampled_from(["both", "in", "out"])),
        min_amount=draw(st.dictionaries(ASSETS, COINS, max_size=3)),
        tell_when=draw(st.sampled_from(["seen", "confirmed", "final"])),
        since=draw(st.sampled_from(["first", "2023-01-31", "17000000", "0"])),
        channels=draw(st.none() | ITEMS.filter(bool)), busy=draw(st.booleans()),
        retired=draw(st.sampled_from(["", f'2026-11-20 {by} "{why}"'])), title=TITLES[case],
    )  # fmt: skip


@given(
    st.lists(entries(), unique_by=lambda entry: entry.id, max_size=6),
    st.sampled_from(["csv", "json", "jsonl"]),
)
def test_what_export_writes_import_takes_without_loss(found: list[Entry], form: str):
    """Every term of every entry comes back, whatever its words are made of."""
    text = "".join(export.FORMATS[form](found, CHAINS))
    if not text:
        return
    terms = Terms(CHAINS, quieter=True)
    planned = watchlist_import.plan(table(text), (), terms)
    assert refusals(planned) == []
    blocks = watchlist_import.blocks(planned, CHAINS)
    after = edit.add_many(setup.EMPTY_LIST, CHAINS, blocks)
    back = {e.id: replace(e, line=0) for e in watchlist.parse(after, CHAINS).entries}
    assert back == {e.id: e for e in found}


def test_exported_cells_are_no_formulas():
    """A spreadsheet that opens the table calculates nothing."""
    entry = Entry("E", Subject("tron", TRON), label="=1+1", tags=("@x",), reason="-1")
    [row] = csv.DictReader(io.StringIO("".join(export.csv_rows([entry], CHAINS))))
    assert (row["label"], row["tags"], row["reason"]) == ("'=1+1", "'@x", "'-1")


# -- lists that would silence themselves -------------------------------------------------------

QUIET = {
    "retired": '2026-11-20 m.ortiz "case closed"',
    "canary": "6",
    "min_amount": "TRX 9999999",
    "direction": "in",
    "tell_when": "final",
    "channels": "desk-mail",
    "sources": "one-node",
    "held": "frozen",
}
WITH_HELD = {"holder", "expected", "planned"}  # mean nothing without it


@pytest.mark.parametrize("line", QUIET)
def test_a_list_of_others_cannot_make_its_addresses_quiet(line: str):
    """Each line that lets an address tell less is left out and counted; with the option it is
    taken."""
    plainly = {"address": TRON, "chain": "tron", "since": "2026-11-01"}
    row = json.dumps([{**plainly, line: QUIET[line]}])
    found = plan(row)
    assert found.entries == plan(json.dumps([plainly])).entries
    assert list(found.quieter.values()) == [1]
    assert next(iter(found.quieter)).startswith(line)
    asked = plan(row, quieter=True)
    assert replace(asked.entries[0], line=0) != replace(found.entries[0], line=0)
    assert asked.quieter == found.quieter


def test_every_line_that_can_silence_is_known():
    """A new line of the watchlist must be judged: can it make an address tell less?"""
    loud = {"address", "chain", "chains", "label", "case", "reason", "source", "tags", "since"}
    told = {"severity", "busy"}  # told in the preview; tells more
    assert set(watchlist.BLOCK_KEYS) == loud | told | set(QUIET) | WITH_HELD


def test_words_that_take_nothing_away_are_taken():
    """`both` and `seen` are what holds anyway."""
    row = {"address": TRON, "chain": "tron", "direction": "Both", "tell_when": "SEEN"}
    found = plan(json.dumps([row]))
    assert (len(found.entries), dict(found.quieter)) == (1, {})


# -- lists that would hold us up -----------------------------------------------------------------

ROW = b"0x" + b"a1" * 20


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (lambda n: b"[" + b'\\"' * n, "not valid JSON"),
        (lambda n: b'["' + b'\\"' * n, "not valid JSON"),
        (lambda n: b"address," + b"c," * n + b"\n" + ROW, "columns, more than 1,000"),
        (lambda n: b"address,b\n" + ROW + b",1" * n, "columns, more than 1,000"),
    ],
)
def test_hostile_lists_cost_no_more_than_their_length(make: Callable[[int], bytes], part: str):
    """It ends at once; work that grew with the square of the length would take an hour."""
    with pytest.raises(ConfigError, match=part):
        table(make(400_000))


def test_an_address_of_a_megabyte_is_none():
    """And is not looked through by patterns that would take an hour."""
    found = plan(json.dumps([{"address": "@" * 1_000_000, "chain": "tron"}]))
    assert "has 1,000,000 characters, which no address has" in refusals(found)[0]


@pytest.mark.parametrize("form", ["lines", "list"])
def test_opensanctions_own_form_is_read(form: str):
    """Its wallets are rows with their holder's name; persons and companies are none."""
    person = {"id": "NK-1", "caption": "Sim", "schema": "Person", "properties": {}}
    said = {"publicKey": [TRON], "currency": ["USDT"], "holder": ["NK-1"]}
    wallet = {"id": "w", "schema": "CryptoWallet", "properties": said}
    each = [json.dumps(person), json.dumps(wallet)]
    data = "\n".join(each) if form == "lines" else f"[{','.join(each)}]"
    found = plan(data)
    assert taken(found) == [("tron", TRON)]
    assert [entry.label for entry in found.entries] == ["Sim"]
    assert found.refused == ()


def test_a_workbook_is_read_as_a_table_is():
    """Every sheet with addresses and all that a table may say; what Excel has destroyed is
    refused, in its row."""
    first = {
        **{"A1": "Wallet", "B1": "Chain", "C1": "Case", "D1": "Tags"},
        **{"A2": TRON, "B2": "Tron", "C2": "INT-1", "D2": "a; b"},
        **{"A3": 1.25e48, "B3": "Tron"},
    }
    data = workbook(
        {
            "Cases": sheet_xml(first),
            "Notes": sheet_xml({"A1": "by hand"}),
            "More": sheet_xml({"A1": KIM}),
        }
    )
    found = plan(data)
    assert taken(found) == [("tron", TRON), ("bitcoin", KIM)]
    assert (found.entries[0].case, found.entries[0].tags) == ("INT-1", ("a", "b"))
    (lost,) = found.refused
    assert (lost.row.number, "a spreadsheet has destroyed" in lost.problems[0].reason) == (3, True)
    assert table(data).remarks == (
        "the sheet 'Notes' holds no addresses",
        "rows are counted on: the sheet 'More' begins behind row 3",
    )


@pytest.mark.parametrize(
    "text",
    [
        f"title: T\ncurrency: TRX\nlabel: Hack\ntags:\n- address: {TRON}\n- address: '0x1'\n",
        "<sdnList><sdnEntry><uid>1</uid><lastName>Hack</lastName><idList>"
        f"<id><idType>Digital Currency Address - TRX</idType><idNumber>{TRON}</idNumber></id>"
        "<id><idType>Digital Currency Address - TRX</idType><idNumber>0x1</idNumber></id>"
        "</idList></sdnEntry></sdnList>",
    ],
)
def test_lists_as_they_are_published_are_read(text: str):
    found = plan(text)
    assert taken(found) == [("tron", TRON)]
    assert [entry.label for entry in found.entries] == ["Hack"]
    assert [each.row.number for each in found.refused] == [2]


def test_a_list_that_cuts_addresses_off_is_refused():
    row = f'42498,"SIM","individual","NPWMD",-0- ,"Digital Currency Address - TRX {TRON}"\n'
    with pytest.raises(ConfigError, match=r"cut off at 1,000 characters.*Take SDN\.XML"):
        table(row)


# -- the commands ----------------------------------------------------------------------------


def run(home: Path, *args: str) -> Result:
    return CliRunner().invoke(main, ["--home", str(home), "watchlist", *args])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    setup.init(folder, example=False)
    return folder


CSV = f"Wallet;Name;Chain\n{SIM};one;\n{TRON};two;\n1,2E+40;three;\n"


def test_the_whole_way_of_an_import(home: Path, tmp_path: Path):
    """Dry run writes nothing and prints the command that applies; that command takes the
    good rows, keeps the old list, and a second one finds them there."""
    source = tmp_path / "my list.csv"
    source.write_text(CSV, "utf-8-sig")
    before = (home / "watchlist.yaml").read_bytes()
    dry = run(home, "import", str(source), "--chain", "ETH", "--case", "C 1")
    assert dry.exit_code == 2
    assert (home / "watchlist.yaml").read_bytes() == before
    assert "case C 1: ethereum 1, tron 1" in dry.stdout
    assert dry.stderr.startswith("line 4: '1,2E+40' is a number")
    assert [p.name for p in home.glob("watchlist*")] == ["watchlist.yaml"]

    command = next(line for line in dry.stdout.splitlines() if line.endswith("--apply"))
    done = CliRunner().invoke(main, shlex.split(command)[1:])
    assert done.exit_code == 2
    assert "2 entries added" in done.stdout
    [copy] = home.glob("watchlist.yaml.before-import-*Z")
    assert copy.read_bytes() == before
    parsed = watchlist.parse((home / "watchlist.yaml").read_bytes(), CHAINS)
    assert [(e.label, e.case) for e in parsed.entries] == [("one", "C 1"), ("two", "C 1")]

    again = CliRunner().invoke(main, shlex.split(command)[1:])
    assert "2 entries on the list already" in again.stdout
    assert len(list(home.glob("watchlist.yaml.before-import-*"))) == 1
    exported = run(home, "export", "--format", "addresses")
    assert exported.stdout == f"{SIM}\n{TRON}\n"


def test_what_a_list_asks_for_is_told_before_it_is_taken(home: Path, tmp_path: Path):
    """The preview counts lines that weaken alerts; what it prints to apply says no more than
    was seen, and nothing of the list reaches the terminal as it is."""
    source = tmp_path / "evil.json"
    row = {"address": TRON, "chain": "tron", **QUIET, "since": "2026-11-01"}
    row |= {"severity": "low", "\x1b[31m\x9bred": "\x1b"}
    source.write_text(json.dumps([row]))
    dry = run(home, "import", str(source))
    assert "rows ask for fewer alerts: retired (1), canary (1), min_amount (1)" in dry.stdout
    assert "direction: in (1), tell_when: final (1), channels (1)" in dry.stdout
    assert "1 entry of severity low" in dry.stdout
    assert "--quieter --apply" not in dry.stdout
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", dry.output)
    del row["channels"], row["held"]  # held funds are no canary
    source.write_text(json.dumps([row]))
    wanted = run(home, "import", str(source), "--quieter")
    assert "taken as they ask (--quieter)" in wanted.stdout
    assert "--quieter --apply" in wanted.stdout


def test_refused_rows_go_into_a_file_of_their_own(home: Path, tmp_path: Path):
    """A new one: neither the list that is being read nor anything else is written over, and
    nothing is taken then. The command that applies does not name it again."""
    source, bad = tmp_path / "list.csv", tmp_path / "bad.csv"
    source.write_text(CSV)
    dry = run(home, "import", str(source), "--refused", str(bad))
    assert dry.exit_code == 2
    assert len(bad.read_text("utf-8-sig").splitlines()) == 3
    assert "--apply" in dry.stdout
    assert "--refused" not in dry.stdout
    for there in (source, bad, home / "watchlist.yaml", home / ".env", home):
        before = there.read_bytes() if there.is_file() else b""
        wrong = run(home, "import", str(source), "--refused", str(there), "--apply")
        assert wrong.exit_code == 2
        assert there.is_dir() or "is there already" in wrong.stderr
        assert (there.read_bytes() if there.is_file() else b"") == before


def test_a_good_list_ends_with_zero(home: Path, tmp_path: Path):
    """All taken, or all there: exit code 0."""
    source = tmp_path / "list.txt"
    source.write_text(f"{TRON}\n{KIM}\n")
    codes = [run(home, "import", str(source), *more).exit_code for more in ([], ["--apply"], [])]
    assert codes == [0, 0, 0]


@pytest.mark.parametrize(
    ("args", "part"),
    [
        (["--chain", "solana"], "--chain: 'solana' is not a chain"),
        (["--case", "a\nb"], "is not a case name"),
        (["--chain", "EVM"], "--chain: 'EVM' is not a chain"),
    ],
)
def test_options_that_no_row_could_be_taken_with(
    home: Path, tmp_path: Path, args: list[str], part: str
):
    """Are told once, not once a row."""
    source = tmp_path / "list.txt"
    source.write_text(f"{TRON}\n")
    done = run(home, "import", str(source), *args)
    assert (done.exit_code, done.stdout) == (2, "")
    assert part in done.stderr


def test_a_watchlist_with_mistakes_is_left_alone(home: Path, tmp_path: Path):
    """Its own mistakes are told first; a list that would grow too large is not written."""
    source, path = tmp_path / "list.txt", home / "watchlist.yaml"
    source.write_text(f"{TRON}\n")
    path.write_text("addresses:\n  - address: 0x1\n    chain: ethereum\n")
    done = run(home, "import", str(source), "--apply")
    assert done.exit_code == 2
    assert "watchlist.yaml itself has mistakes" in done.stderr
    path.write_text("# " + "x" * (MAX_BYTES - 50) + "\n")
    large = run(home, "import", str(source), "--apply")
    assert "the new watchlist would not do" in large.stderr
    assert path.stat().st_size == MAX_BYTES - 47


def test_a_list_that_somebody_saves_meanwhile_is_not_overwritten(home: Path):
    """The edit of a person wins over ours."""
    listed = ListFile.read(home)
    (home / "watchlist.yaml").write_text("# edited\n")
    with pytest.raises(ConfigError, match="changed by somebody else"):
        listed.replace("ours")
    assert (home / "watchlist.yaml").read_text() == "# edited\n"
    assert not (home / "watchlist.new").exists()


def test_adding_and_importing_keep_windows_line_ends(home: Path, tmp_path: Path):
    """A list that Notepad saved stays one."""
    path, source = home / "watchlist.yaml", tmp_path / "list.txt"
    path.write_bytes(b"\xef\xbb\xbf# note\r\naddresses:\r\n")
    source.write_text(TRON)
    assert run(home, "import", str(source), "--apply").exit_code == 0
    assert run(home, "add", KIM, "--chain", "bitcoin").exit_code == 0
    text = path.read_bytes()
    assert text.count(b"\n") == text.count(b"\r\n") == 6


def test_a_list_that_is_a_link_stays_one(home: Path, tmp_path: Path):
    """Adding and retiring change the file that it leads to, with its line ends and rights."""
    path, real = home / "watchlist.yaml", tmp_path / "repo" / "list-2026.yaml"
    real.parent.mkdir()
    real.write_bytes(b"# note\r\naddresses:\r\n")
    real.chmod(0o640)
    path.unlink()
    path.symlink_to(real)
    assert run(home, "add", KIM, "--chain", "bitcoin").exit_code == 0
    assert path.is_symlink()
    with open_home(home, {}) as app:
        app.reload()
        (watched,) = watch.all_entries(app.store)
        retire = app.acts.table()["retire"]
        retire(
            doors.this_user(),
            entry_id=watched.entry.id,
            name="m.ortiz",
            why="over",
            day="2026-11-20",
        )
    assert path.is_symlink()
    text = real.read_bytes()
    assert b'    retired: 2026-11-20 m.ortiz "over"\r\n' in text
    assert text.count(b"\n") == text.count(b"\r\n") == 5
    assert real.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in real.parent.iterdir()] == [real.name]


def test_export_holds_what_is_watched_though_the_file_lost_it(tmp_path: Path):
    """An entry missing from the file is still watched, so it is exported; a retired one with
    --all only."""
    home = Home(tmp_path)
    home.write("config/chains.yaml", {"chains": {key: {"sources": []} for key in CHAINS}})
    home.write("watchlist.yaml", {"addresses": [{"address": KIM, "chain": "bitcoin"}]})
    home.run("poll", code=None)
    retired = {"address": TRON, "chain": "tron", "retired": '2026-11-20 m.ortiz "over"'}
    home.write("watchlist.yaml", {"addresses": [retired]})
    rows = [
        json.loads(x) for x in home.run("watchlist", "export", "--format", "jsonl").split("\n")[:-1]
    ]
    assert [(r["address"], r["channels"]) for r in rows] == [(KIM, None)]
    everything = json.loads(home.run("watchlist", "export", "--format", "json", "--all"))
    assert [r["address"] for r in everything] == [TRON, KIM]


# -- lists that others publish ---------------------------------------------------------------


def real(name: str) -> bytes:
    found = [*OWN.glob(name), *sorted((SHARED / "data").glob(name))]
    if not found:
        pytest.skip(f"{name} is not at hand")
    data = found[0].read_bytes()
    return gzip.decompress(data) if found[0].suffix == ".gz" else data


REAL = {
    # name: (entries by chain, refused rows)
    "ofac/addresses.tsv": (
        {"bitcoin": 14, "ethereum": 10, "bitcoin-cash": 7, "tron": 7, "litecoin": 6, "zcash": 4,
         "dash": 3, "dogecoin": 2, "arbitrum": 1, "bnb": 1}, 11),
    "ofac/sanctioned_addresses_XBT.txt": ({"bitcoin": 12, "tron": 1}, 0),
    "ofac/sanctioned_addresses_XBT.json": ({"bitcoin": 12, "tron": 1}, 0),
    "ofac/ofac_digital_currency_addresses_*.tsv": (
        {"bitcoin": 531, "tron": 277, "ethereum": 104, "litecoin": 13, "dash": 5, "zcash": 4,
         "dogecoin": 2, "arbitrum": 1, "bnb": 1}, 26),
    "ofac/0xB10C_format_lists_*/sanctioned_addresses_XBT.txt": ({"bitcoin": 482, "tron": 1}, 0),
    "ofac/0xB10C_format_lists_*/sanctioned_addresses_XBT.json": ({"bitcoin": 482, "tron": 1}, 0),
    "ofac/0xB10C_format_lists_*/sanctioned_addresses_ETH.json": ({"ethereum": 64}, 0),
    "ofac/0xB10C_format_lists_*/sanctioned_addresses_USDT.txt": (
        {"tron": 25, "ethereum": 8, "bitcoin": 7}, 0),
    "ofac/0xB10C_format_lists_*/sanctioned_addresses_LTC.txt": ({"litecoin": 10}, 0),
    "ofac/0xB10C_format_lists_*/sanctioned_addresses_XMR.txt": ({}, 8),
    "ofac/daily_snapshots_lowercased/2026-08-22.json.gz": (
        {"bitcoin": 143, "ethereum": 104, "bitcoin-cash": 6, "litecoin": 1}, 707),
    "watchlists/fbi_psa250226_bybit_51.tsv": ({"ethereum": 51}, 0),
    "watchlists/osint_dprk_addresses.tsv": ({"ethereum": 19, "tron": 3}, 1),
    "watchlists/finos_openaml/address_fraud.csv.gz": (
        {"arbitrum": 244, "ethereum": 244, "optimism": 230, "linea": 228, "gnosis": 212,
         "bnb": 149, "polygon": 100}, 0),
    "watchlists/finos_openaml/address_sanctioned.csv.gz": ({"ethereum": 740, "arbitrum": 44}, 16),
}  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_published_lists(name: str, capsys: pytest.CaptureFixture[str]):
    """What is taken of each is known to the entry, every row is accounted for, and the list
    that comes of it reads without a problem."""
    source = table(real(name))
    found = watchlist_import.plan(source, (), Terms(CHAINS, None, {"USDT"}, ("ethereum",)))
    by_chain = Counter(entry.subject.chain for entry in found.entries)
    with capsys.disabled():
        print(f"\n{name}: {dict(by_chain)} taken, {len(found.refused)} refused")
    assert (dict(by_chain), len(found.refused)) == REAL[name]
    assert len(found.taken) + len(found.refused) + found.repeated == len(source.rows)
    blocks = watchlist_import.blocks(found, CHAINS)
    after = edit.add_many(setup.EMPTY_LIST, CHAINS, blocks)
    parsed = watchlist.parse(after, CHAINS)
    assert [e.id for e in parsed.entries] == [e.id for e in found.entries]


@pytest.mark.parametrize(
    "name", ["tagpack/blacklist.yaml", "watchlists/graphsense/usdt_blacklist.yaml"]
)
def test_traps_in_published_lists(name: str):
    """The zero address, precompiles and placeholders of a blacklist are refused, each with its
    line."""
    raw = real(name)
    addresses = re.findall(r"address: '?(0x[0-9a-fA-F]+)", raw.decode())
    found = plan(raw, given=("ethereum",))
    refused = {each.row.values["address"]: each.problems[0].reason for each in found.refused}
    assert "zero address" in refused["0x" + "0" * 40]
    assert "machinery" in refused["0x00000000000000000000000000000000000018fe"]
    assert all(
        int(str(address), 16) < 2**64 or "contract of a token" in why
        for address, why in refused.items()
    )
    assert len(found.taken) + found.repeated + len(found.refused) == len(addresses)


def test_ten_thousand_rows_are_one_edit():
    """The list is read and written once, not once a row."""
    rows = [f"{canonical(CHAINS['ethereum'], f'0x{n:040x}')},C-{n % 50}" for n in
            range(2**100, 2**100 + 10_000)]  # fmt: skip
    found = plan("address,case\n" + "\n".join(rows), given=("ethereum",))
    blocks = watchlist_import.blocks(found, CHAINS)
    after = edit.add_many(setup.EMPTY_LIST + "count: 0\n", CHAINS, blocks)
    assert watchlist.parse(after, CHAINS).count == 10_000
