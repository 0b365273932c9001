"""config/assets.yaml and config/addressbook.csv: every line valid, sourced and allowed."""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections import Counter
from pathlib import Path

import pytest
from world.parts import REPO, SHARED

from monitor.app.settings import load
from monitor.chains.address import canonical, display
from monitor.model import CONFIDENCES
from monitor.watchlist.addressbook import CATEGORIES

LOADED = load.load(Path("/nonexistent"), {})
BOOK = (REPO / "config/addressbook.csv").read_text("utf-8")
ROWS = list(csv.DictReader(line for line in BOOK.splitlines() if not line.startswith("#")))
DATE = re.compile(r"20\d\d(-\d\d-\d\d)?\Z")
# What may be shipped: public domain, and MIT with its notice.
ALLOWED = re.compile(r"OFAC SDN list|etherscan-labels|graphsense-tagpacks [\w-]+")
TAGS = {  # explorer as config/assets.yaml names it -> file of etherscan-labels
    "etherscan.io": "etherscan",
    "bscscan.com": "bscscan",
    "polygonscan.com": "polygonscan",
    "arbiscan.io": "arbiscan",
    "optimistic.etherscan.io": "optimism",
}


def shared(name: str) -> Path:
    if not (SHARED / name).is_file():
        pytest.skip(f"shared/{name} is not here")
    return SHARED / name


# --- names ---------------------------------------------------------------------------------


def test_every_name_stands_on_its_chain_in_its_proper_letters():
    """Checksums hold, and capitals are as people know the address."""
    for row in ROWS:
        chain = LOADED.chains[row["chain"]]
        assert display(chain, canonical(chain, row["address"])) == row["address"]


def test_every_name_says_whose_word_it_is():
    """Source that may be shipped, date, confidence, category; a name that fits a line."""
    for row in ROWS:
        assert ALLOWED.fullmatch(row["source"]), row
        assert DATE.match(row["date"]), row
        assert row["confidence"] in CONFIDENCES, row
        assert row["category"] in CATEGORIES, row
        assert 2 < len(row["name"]) <= 60, row
        assert row["name"].isprintable(), row


def test_no_address_has_two_names():
    """One line each, and all of them loaded as public labels."""
    places = Counter((row["chain"], row["address"]) for row in ROWS)
    assert max(places.values()) == 1
    assert len(LOADED.addressbook) == len(ROWS)
    assert all(known.shipped for known in LOADED.addressbook.values())


def test_the_counts_that_are_told_are_true():
    """In the file's own head and in docs/settings.md."""
    sources = Counter(row["source"].split(" ")[0] for row in ROWS)
    told = {"OFAC SDN list", "etherscan-labels", "graphsense-tagpacks"}
    head = BOOK[: BOOK.index("\naddress,")]
    docs = (REPO / "docs/settings.md").read_text("utf-8")
    for name in told:
        count = sources[name.split(" ")[0]]
        assert re.search(rf"^# +{count}  {name}", head, re.MULTILINE), name
        assert re.search(rf"^\| .*{name}.*\| {count}[ |]", docs, re.MULTILINE), name
    assert f"for {len(ROWS)} well-known" in docs


def test_licences_are_kept():
    """The notices of both projects whose data is shipped go with every copy of it."""
    notice = (REPO / "NOTICE").read_text("utf-8")
    for holder in ("Brian Lee Cheow Teng", "Iknaio Cryptoasset Analytics", "AIT Austrian"):
        assert holder in notice
    assert "The above copyright notice and this permission notice shall be included" in notice


def test_the_sanctioned_are_on_the_list_of_that_day():
    """Each of them stands on OFAC's list of the date that its line names."""
    path = shared("data/ofac/ofac_digital_currency_addresses_2026-08-20.tsv")
    with path.open(encoding="utf-8") as file:
        listed = {row["address"].lower() for row in csv.DictReader(file, delimiter="\t")}
    found = [row for row in ROWS if row["category"] == "sanctioned"]
    assert {row["address"].lower() for row in found} <= listed
    assert {(row["source"], row["date"]) for row in found} == {("OFAC SDN list", "2026-08-20")}


def test_tags_are_as_the_source_has_them():
    """Each name of etherscan-labels is that file's name for the address."""
    tags = json.loads(shared(f"{_LABELS}/etherscan.combinedAccountLabels.json").read_text("utf-8"))
    for row in ROWS:
        if row["source"] == "etherscan-labels":
            assert tags[row["address"].lower()]["name"] == row["name"]


def test_a_name_that_others_contradict_is_marked_low():
    """What public lists give to two different holders is no more than low, or not there; but
    an address that OFAC lists is on its list whatever others call it."""
    with shared("data/labels/label_conflicts.tsv").open(encoding="utf-8") as file:
        disputed = {row["address"].lower() for row in csv.DictReader(file, delimiter="\t")}
    found = [row for row in ROWS if row["address"].lower() in disputed]
    assert found
    assert {row["confidence"] for row in found if row["source"] != "OFAC SDN list"} == {"low"}


# --- tokens --------------------------------------------------------------------------------

_LABELS = "data/labels/etherscan_labels_2023-10"


def test_every_token_says_who_confirms_it():
    """Under a canonical contract, with name, source and date; decimals that cannot be mistaken."""
    for (chain, contract), asset in LOADED.assets.items():
        assert canonical(LOADED.chains[chain], contract) == contract
        assert asset.name
        assert re.search("project sheet|etherscan-labels|tagpack|answer of", asset.source)
        assert DATE.match(asset.date)
        assert asset.decimals == _decimals(chain, asset.symbol), asset


def _decimals(chain: str, symbol: str) -> int:
    if chain == "bnb":
        return 18  # all of Binance's pegged tokens, unlike the originals
    return {"USDT": 6, "USDT0": 6, "USDC": 6, "USDC.e": 6, "XAUt": 6, "WBTC": 8}.get(symbol, 18)


@pytest.mark.parametrize("file", ["assets", "chains", "issuers"])
def test_written_addresses_have_their_checksum(file: str):
    """A wrong digit would show in the capitals, so every EVM contract is written with them.
    Nothing else holds them: what is shipped is not hashed at each start."""
    text = (REPO / f"config/{file}.yaml").read_text("utf-8")
    written = re.findall(r"0x[0-9a-fA-F]{40}\b", re.sub(r"#.*", "", text))
    assert written
    if file == "assets":
        assert len(written) == sum(chain != "tron" for chain, _ in LOADED.assets)
    for address in written:
        assert display(LOADED.chains["ethereum"], address.lower()) == address


def test_stablecoins_are_those_of_the_sheet():
    """Every USDT and USDC on a known chain is as in the table of the explorers' sheet, and
    what it calls unverified is not called sure."""
    text = shared("explorers/SPEC.md").read_text("utf-8")
    table = text[text.index("| token | chain | contract |") : text.index("## 11.")]
    names = {"BSC": "bnb"}
    sheet = {
        (names.get(chain, chain.lower()), address.lower() if address[0] == "0" else address): row
        for row, chain, cell in re.findall(r"^(\| USD[^|]+\| ([^|]+) \|(.+)\|)$", table, re.M)
        for address in re.findall(r"0x[0-9a-fA-F]{40}|T[1-9A-Za-z]{33}", cell)
    }
    ours = {k: a for k, a in LOADED.assets.items() if a.symbol.startswith("USD")}
    assert set(ours) - set(sheet) == {("bnb", "0x8ac76a51cc950d9822d68b83fe1ad97b32cd580d")}
    assert {key for key in sheet if key[0] in LOADED.chains} <= set(ours)
    for key, row in sheet.items():
        if key in ours and "[U]" in row:
            assert ours[key].confidence == "medium"


def test_tags_of_tokens_are_in_the_file_of_their_explorer():
    """What names an explorer's tag as its source has one there."""
    checked = 0
    for (_, contract), asset in LOADED.assets.items():
        for site in re.findall(r"etherscan-labels \(([\w.]+)\)", asset.source):
            path = shared(f"{_LABELS}/{TAGS[site]}.combinedAccountLabels.json")
            assert contract in json.loads(path.read_text("utf-8")), asset
            checked += 1
    assert checked > 10


def test_issuers_are_those_of_verified_tokens():
    """Each with its events, under a contract that is written with its checksum."""
    text = (REPO / "config/issuers.yaml").read_text("utf-8")
    written = re.findall(r'^    "(0x\w+)":', text, re.MULTILINE)
    assert all(display(LOADED.chains["ethereum"], a.lower()) == a for a in written)
    found = {(c.key, i.contract): i for c in LOADED.chains.values() for i in c.issuers}
    assert len(found) == len(written) + 1  # and Tron's
    for key, issuer in found.items():
        assert LOADED.assets[key].symbol == issuer.symbol
        assert issuer.families


def test_contracts_of_tokens_are_tagged_so():
    """Each line's name is the tag of its chain's explorer, and ends in what makes it a token; the
    head of the file counts them as they are."""
    sites = {"bnb": "bscscan", "polygon": "polygonscan", "arbitrum": "arbiscan"}
    told = (REPO / "config/token_contracts.csv").read_text("utf-8")
    counts = Counter(chain for chain, _ in LOADED.contracts)
    for chain, count in counts.items():
        site = sites.get(chain, {"ethereum": "etherscan"}.get(chain, chain))
        tags = json.loads(shared(f"{_LABELS}/{site}.combinedAccountLabels.json").read_text("utf-8"))
        assert f" {count} {chain}" in told
        for (key, address), known in LOADED.contracts.items():
            if key == chain:
                assert canonical(LOADED.chains[key], address) == address
                assert tags[address]["name"].strip() == known.label
                assert re.search(r"(Token|Stablecoin|Coin)( V\d)?\Z", known.label)


def test_contracts_of_tokens_were_never_sanctioned():
    """A line there would keep a sanctioned address from being watched: OFAC has listed a token's
    own contract once."""
    folder = shared("data/ofac/daily_snapshots_lowercased/2025-03-21.json.gz").parent
    listed = {
        address
        for path in folder.glob("*.json.gz")
        for address in json.loads(gzip.decompress(path.read_bytes()))["addresses"]
    }
    assert "0x77777feddddffc19ff86db637967013e6c6a116c" in listed
    assert not listed & {address for _, address in LOADED.contracts}
