"""Chains of Bitcoin's kind side by side: one form for every spelling of a script, lists of
plain Bitcoin that stay Bitcoin's, and what a chain hides refused by that name."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world.listed import take_list
from world.record import new_record

from monitor.app.settings import load
from monitor.chains import encodings
from monitor.chains.address import AddressError, canonical
from monitor.chains.encodings import Script
from monitor.chains.family import Form
from monitor.chains.names import ChainNames, Unclear, from_encoding
from monitor.chains.table import family_of
from monitor.demo.world.explorer import Explorer
from monitor.demo.world.ledger import UtxoLedger
from monitor.demo.world.moves import Input, Output, UtxoTx
from monitor.loops import find
from monitor.loops.poll import Poller, PollWorld
from monitor.loops.pool import SourcePool
from monitor.model import Chain, Entry, SourceConfig, Subject
from monitor.model.errors import ConfigError
from monitor.net import sources
from monitor.net.http import Http
from monitor.watchlist import entries, export
from monitor.watchlist.imports import rows, tables

CHAINS = load.load(Path("/nonexistent"), {}).chains
NEW = ("litecoin", "dogecoin", "dash", "zcash", "bitcoin-cash")
HASH = bytes(range(1, 21))
# One key at Zcash, as ZIP-320 has it: https://zips.z.cash/zip-0320
T1 = "t1VmmGiyjVNeCjxDZzg7vZmd99WyzVby9yC"
TEX = "tex1s2rt77ggv6q989lr49rkgzmh5slsksa9khdgte"

# The examples of the cashaddr document: the same hashes in both forms.
# https://github.com/bitcoincashorg/bitcoincash.org/blob/master/spec/cashaddr.md
CASHADDR_VECTORS = [
    ("1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu", "qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a"),
    ("1KXrWXciRDZUpQwQmuM1DbwsKDLYAYsVLR", "qr95sy3j9xwd2ap32xkykttr4cvcu7as4y0qverfuy"),
    ("16w1D5WRVKJuZUsSRzdLp9w3YGcgoxDXb", "qqq3728yw0y47sqn6l2na30mcw6zm78dzqre909m2r"),
    ("3CWFddi6m4ndiGyKqzYvsFYagqDLPVMTzC", "ppm2qsznhks23z7629mms6s4cwef74vcwvn0h829pq"),
    ("3LDsS579y7sruadqu11beEJoTjdFiFCdX4", "pr95sy3j9xwd2ap32xkykttr4cvcu7as4yc93ky28e"),
    ("31nwvkZwyPdgzjBJZXfDmSWsC4ZLKpYyUw", "pqq3728yw0y47sqn6l2na30mcw6zm78dzq5ucqzc37"),
]


LONG = encodings.encode_cashaddr("bitcoincash", Script.P2SH, bytes(range(32)))


def spelt(version: int, digest: bytes = HASH) -> str:
    """A base58 address under a version of one byte or two."""
    size = 1 if version < 256 else 2
    return encodings.encode_base58check(version.to_bytes(size, "big"), digest)


# -- one form for every spelling --------------------------------------------------------------


@pytest.mark.parametrize(("legacy", "cash"), CASHADDR_VECTORS)
def test_bitcoin_cash_has_one_form(legacy: str, cash: str) -> None:
    """With prefix and without, in capitals, legacy, and BitPay's C... and H...: one address."""
    chain = CHAINS["bitcoin-cash"]
    form = f"bitcoincash:{cash}"
    found = encodings.base58check(legacy)
    bitpay = spelt({0: 28, 5: 40}[found.version[0]], found.hash)
    for text in (form, cash, form.upper(), cash.upper(), legacy, bitpay, f" {cash} "):
        assert canonical(chain, text) == form


def test_addresses_for_tokens_are_the_same_scripts() -> None:
    """CashTokens' z... and r... say what a wallet understands, not where coins lie."""
    chain = CHAINS["bitcoin-cash"]
    # Of https://github.com/cashtokens/cashtokens: one hash for a key, with tokens and without.
    plain = "bitcoincash:qr6m7j9njldwwzlg9v7v53unlr4jkmx6eylep8ekg2"
    tokens = "bitcoincash:zr6m7j9njldwwzlg9v7v53unlr4jkmx6eycnjehshe"
    assert canonical(chain, tokens) == canonical(chain, plain) == plain


def test_litecoin_scripts_are_written_as_today() -> None:
    """3... and M... are one script."""
    chain = CHAINS["litecoin"]
    assert canonical(chain, spelt(5)) == canonical(chain, spelt(50)) == spelt(50)
    assert spelt(50).startswith("M")
    assert canonical(chain, spelt(48)) == spelt(48)
    segwit = encodings.encode_segwit("ltc", 0, HASH)
    assert canonical(chain, segwit.upper()) == segwit


def test_zcash_knows_a_key_by_two_names() -> None:
    """tex1... is the t1... that shielded coins may not go to."""
    chain = CHAINS["zcash"]
    assert canonical(chain, TEX) == canonical(chain, T1) == T1
    with pytest.raises(AddressError, match="checksum"):
        canonical(chain, f"{TEX[:-1]}q")


@given(st.binary(min_size=20, max_size=20), st.sampled_from(NEW), st.booleans())
def test_a_form_stays_as_it_is_and_says_its_chain(digest: bytes, key: str, script: bool) -> None:
    """Every script of the five chains: canonical again, of one chain, refused by every other
    one that writes addresses another way."""
    chain = CHAINS[key]
    form = canonical(chain, spelt(chain.base58[script], digest))
    assert canonical(chain, form) == form
    assert from_encoding(form, CHAINS) == (key,)
    others = {k for k, c in CHAINS.items() if family_of(c).form(c, form) is Form.PREFERRED}
    assert others == {key}


@pytest.mark.parametrize("key", NEW)
def test_a_mistyped_address_is_refused_with_what_to_do(key: str) -> None:
    """Nothing is guessed, and the chain is not called wrong where it is right."""
    chain = CHAINS[key]
    form = canonical(chain, spelt(chain.base58[0]))
    mistyped = (form[:-1], f"{form[:-3]}{form[-1]}{form[-3:-1]}", form[:-20] + "0" + form[-19:])
    for wrong in (*mistyped, *(each.rpartition(":")[2] for each in mistyped)):
        with pytest.raises(AddressError) as error:
            canonical(chain, wrong)
        assert "Copy the address again" in error.value.remedy


@pytest.mark.parametrize(
    ("key", "address", "hint"),
    [
        ("bitcoin", spelt(48), "a Litecoin address"),
        ("bitcoin", spelt(30), "a Dogecoin address"),
        ("dogecoin", spelt(76), "a Dash address"),
        ("dash", spelt(0x1CB8), "a Zcash address"),
        ("litecoin", canonical(CHAINS["bitcoin-cash"], spelt(0)), "a Bitcoin Cash address"),
        ("bitcoin-cash", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "a Bitcoin address"),
        ("dogecoin", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "a Bitcoin address"),
        ("zcash", spelt(0), "a Bitcoin address"),
        ("dash", "T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb", "a Tron address"),
    ],
)
def test_another_chains_address_is_refused_by_its_name(key: str, address: str, hint: str) -> None:
    """The commonest mistake is the chain: the remedy names the one it looks like."""
    with pytest.raises(AddressError, match="is not an address of") as error:
        canonical(CHAINS[key], address)
    assert error.value.remedy == f"It looks like {hint}: correct the chain"


def test_a_prefix_of_another_coin_is_refused() -> None:
    """eCash writes the same hashes under its own prefix."""
    other = encodings.encode_cashaddr("ecash", Script.P2PKH, HASH)
    for text in (other, other.partition(":")[2]):
        with pytest.raises(AddressError):
            canonical(CHAINS["bitcoin-cash"], text)


@pytest.mark.parametrize(
    ("script", "size"),
    [(Script.P2PKH, 24), (Script.P2PKH, 32), (Script.P2SH, 24), (Script.P2SH, 64)],
)
def test_a_hash_that_no_script_has_is_refused(script: Script, size: int) -> None:
    """The encoding knows more sizes than the chain: nobody could ever own such an address."""
    with pytest.raises(AddressError, match=f"a hash of {size} bytes"):
        canonical(
            CHAINS["bitcoin-cash"], encodings.encode_cashaddr("bitcoincash", script, bytes(size))
        )
    assert canonical(CHAINS["bitcoin-cash"], LONG) == LONG


def test_a_public_key_names_the_addresses_of_its_chain() -> None:
    """In the chain's own form."""
    key = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
    for chain, lead in (("bitcoin-cash", "bitcoincash:q"), ("zcash", "t1"), ("dogecoin", "D")):
        with pytest.raises(AddressError) as error:
            canonical(CHAINS[chain], key)
        assert f"matter: {lead}" in error.value.remedy


@pytest.mark.parametrize("key", NEW)
def test_burnt_coins_are_nobodys_on_every_chain(key: str) -> None:
    """The hash behind a burn address of Bitcoin has no key elsewhere either."""
    family, chain = family_of(CHAINS[key]), CHAINS[key]
    burnt = encodings.base58check("1BitcoinEaterAddressDontSendf59kuE").hash
    sink = family.nobodys(canonical(chain, spelt(chain.base58[0], burnt)))
    assert sink is not None
    assert sink.rule == "burn address"
    assert not family.nobodys(canonical(chain, spelt(chain.base58[0])))


# -- lists ------------------------------------------------------------------------------------


def plan(data: str, *given_: str) -> rows.ImportPlan:
    names = ChainNames(CHAINS, ("USDT",))
    table = tables.read(data.encode(), "list", lambda text: names.key(text) is not None)
    terms = rows.Terms(CHAINS, {"desk-mail"}, {"USDT"}, given_, {}, quieter=False)
    return rows.plan(table, (), terms)


def taken(found: rows.ImportPlan) -> list[tuple[str, str]]:
    assert not found.refused, [p for each in found.refused for p in each.problems]
    return [(e.subject.chain, e.subject.address) for e in found.entries]


def test_a_plain_bitcoin_list_stays_bitcoins() -> None:
    """1... and 3... are other chains' older spellings too: those never compete."""
    segwit = "bc1qgdjqv0av3q56jvd82tkdjpy7gdp9ut8tlqmgrpmv24sq90ecnvqqjwvw97"
    listed = [spelt(0), spelt(5), segwit]
    assert taken(plan("\n".join(listed))) == [("bitcoin", a) for a in listed]


def test_a_mixed_list_without_a_chain_is_told_apart() -> None:
    """Each address by its own form, Bitcoin Cash with its prefix and without."""
    cash = canonical(CHAINS["bitcoin-cash"], spelt(0))
    other = canonical(CHAINS["bitcoin-cash"], spelt(5))
    listed = [spelt(48), spelt(50), spelt(30), spelt(22), spelt(76), spelt(16), spelt(0x1CB8),
              spelt(0x1CBD), cash, other.partition(":")[2], spelt(0)]  # fmt: skip
    chains = ["litecoin"] * 2 + ["dogecoin"] * 2 + ["dash"] * 2 + ["zcash"] * 2
    chains += ["bitcoin-cash"] * 2 + ["bitcoin"]
    found = plan("\n".join(listed))
    assert [chain for chain, _ in taken(found)] == chains
    assert [address for _, address in taken(found)][8:10] == [cash, other]


@pytest.mark.parametrize(
    ("version", "named", "address"),
    [(0, "bitcoin-cash", None), (5, "bitcoin-cash", None), (5, "litecoin", spelt(50))],
)
def test_older_spellings_are_taken_where_a_person_names_the_chain(
    version: int, named: str, address: str | None
) -> None:
    """By a column, a coin or --chain; in the chain's form of today."""
    form = address or canonical(CHAINS[named], spelt(version))
    text, symbol = spelt(version), CHAINS[named].symbol
    for found in (
        plan(f"address,chain\n{text},{named}\n"),
        plan(f"address,ticker\n{text},{symbol}\n"),
        plan(f"{text}\n", named),
    ):
        assert taken(found) == [(named, form)]
    assert taken(plan(f"{text}\n", named, "bitcoin")) == [("bitcoin", text)]


def test_both_spellings_are_one_entry() -> None:
    """A list that has an address twice, once each way, watches it once."""
    cash = canonical(CHAINS["bitcoin-cash"], spelt(0))
    found = plan(f"address,chain\n{cash},BCH\n{spelt(0)},BCH\n{cash.partition(':')[2]},BCH\n")
    assert (len(taken(found)), found.repeated) == (1, 2)


@pytest.mark.parametrize("written", [spelt(0), "with the prefix", "without"])
def test_the_watchlist_takes_every_spelling(written: str) -> None:
    """Under one id; and what is exported comes in again as the same."""
    cash = canonical(CHAINS["bitcoin-cash"], spelt(0))
    text = {"with the prefix": cash, "without": cash.partition(":")[2]}.get(written, written)
    read = entries.parse(f"addresses:\n  - {{address: {text}, chain: bitcoin-cash}}\n", CHAINS)
    assert read.problems == ()
    assert [e.subject for e in read.entries] == [Subject("bitcoin-cash", cash)]
    assert export.entry_object(read.entries[0], CHAINS)["address"] == cash
    assert read.entries[0].id == entries.parse(
        f"addresses:\n  - {{address: '{cash}', chain: bitcoin-cash}}\n", CHAINS
    ).entries[0].id  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["{cash}", "bitcoin-cash {cash}", "bitcoin-cash:{cash}", "BCH:{bare}", "{bare}", "{old}"],
)
def test_commands_find_every_spelling(text: str) -> None:
    """--address as people copy it from the list, from a wallet, from an explorer."""
    cash = canonical(CHAINS["bitcoin-cash"], spelt(0))
    written = text.format(cash=cash, bare=cash.partition(":")[2], old=spelt(0))
    assert Subject("bitcoin-cash", cash) in find.subjects(CHAINS, written)


def test_commands_find_the_prefix_of_a_chain_by_another_name() -> None:
    """bitcoincash:q... is copied from an alert of a chain that a person named "mine"."""
    table = {**CHAINS, "mine": replace(CHAINS["bitcoin-cash"], key="mine", name="Mine")}
    cash = canonical(CHAINS["bitcoin-cash"], spelt(0))
    assert Subject("mine", cash) in find.subjects(table, cash)
    assert find.subjects(table, f"bitcoin-cash:{cash}") == [Subject("bitcoin-cash", cash)]


def test_an_unknown_coin_is_told_where_chains_are_added() -> None:
    """Chains of Bitcoin's kind are, as those of Ethereum's."""
    [refused] = plan(f"coin,address\nXVG,{spelt(30)}\n").refused
    assert "Others of these kinds: config/chains.yaml" in refused.problems[0].remedy


@pytest.mark.parametrize("heading", ["Digital Currency Type", "Currency Code", "coin"])
def test_a_column_of_coins_says_the_chain(heading: str) -> None:
    """Without it 3... would be watched on Bitcoin, where it is somebody else's."""
    assert taken(plan(f"{heading},Address\nLTC,{spelt(5)}\n")) == [("litecoin", spelt(50))]


SOLANA = "is an address of Solana, which is not covered"
NOWHERE = "is not an address of a chain that Fundwatch watches"


@pytest.mark.parametrize(
    ("first", "reason"),
    [*((each, SOLANA) for each in "9AD7"), *((each, NOWHERE) for each in "XLMt")],
)
def test_a_solana_address_is_not_called_mistyped(first: str, reason: str) -> None:
    """It begins as addresses of other chains do, and is longer. The last four are more than 32
    bytes, which is no address of Solana either."""
    [refused] = plan(f"{first}xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin\n").refused
    [problem] = refused.problems
    assert problem.reason == reason


# -- what a chain hides -----------------------------------------------------------------------

HIDDEN = [
    ("zcash", "zs1" + "q" * 75, "shielded"),
    ("zcash", "zc" + "8" * 93, "shielded"),
    ("zcash", "u1" + "q" * 139, "unified"),
    ("litecoin", "ltcmweb1" + "q" * 110, "MWEB"),
    ("bitcoin", "4" + "A" * 94, "Monero"),
    ("bitcoin", "8" + "A" * 94, "Monero"),
    ("bitcoin", "4" + "A" * 105, "Monero"),
]


@pytest.mark.parametrize(("key", "address", "word"), HIDDEN)
def test_what_cannot_be_seen_is_refused_by_that_reason(key: str, address: str, word: str) -> None:
    """In the watchlist, in lists with a chain and without: not as a slip of the pen."""
    read = entries.parse(f"addresses:\n  - {{address: {address}, chain: {key}}}\n", CHAINS)
    found = [read.problems, *(each.problems for data in (
        f"address,chain\n{address},{key}\n", f"address,label\n{address},x\n"
    ) for each in plan(data).refused)]  # fmt: skip
    assert len(found) == 3
    for [problem] in found:
        assert word in problem.reason
        assert "Write" in problem.remedy or "Leave it out" in problem.remedy


@pytest.mark.parametrize("name", ["XMR", "Monero", "Digital Currency Address - XMR"])
def test_a_hidden_chain_is_refused_by_that_reason(name: str) -> None:
    """By its name alone, in a list and behind --chain."""
    unclear = ChainNames(CHAINS).keys(name)
    assert isinstance(unclear, Unclear)
    assert "no explorer can list" in unclear.reason
    with pytest.raises(ConfigError, match="no explorer can list"):
        find.chain_key(CHAINS, name)


# -- read as configured -----------------------------------------------------------------------

NOW = 1_700_100_000


def payment(name: str, payer: str, payee: str, amount: int) -> UtxoTx:
    return UtxoTx(name * 64, (Input("f" * 64, int(name, 16), Output(payer, amount + 10)),),
                  (Output(payee, amount),))  # fmt: skip


@pytest.mark.parametrize("key", NEW)
def test_a_chain_is_read_by_its_row_alone(key: str, tmp_path: Path) -> None:
    """Through Blockbook: what came and what went is recorded under the address's one form and
    told, and who paid is known under his, however the server writes it."""
    chain = replace(CHAINS[key], key="mine")  # of our own ledger: no block of it is known
    me, payer = (canonical(chain, spelt(chain.base58[0], digest)) for digest in (HASH, b"p" * 20))
    ledger = UtxoLedger(time=NOW - 200 * int(chain.block_time), block_time=int(chain.block_time))
    for _ in range(chain.finality + 5):
        ledger.mine()
    written = {"litecoin": spelt(5, b"p" * 20)}.get(key, payer)
    payer = canonical(chain, written)
    record = new_record(tmp_path / "fundwatch.db")
    with Explorer() as explorer, closing(record) as store:
        explorer.add("c", ledger, "blockbook")
        config = SourceConfig(
            "mine", "blockbook", explorer.url("c", "blockbook"), rate_per_second=1000
        )
        source = sources.build(config, chain, Http("mine", config.url, attempts=1))
        entry = Entry("E", Subject("mine", me), label="a label", case="CASE-7")
        take_list(store, [entry], "list", NOW)
        world = PollWorld(
            chains={"mine": chain},
            pools={"mine": SourcePool(chain, [source], sure_for=0.0)},
            assets={},
            route=lambda _alert, _entry: [],
            clock=lambda: NOW,
            interval=lambda _subject: 0,
            since_time=lambda _text: None,
        )
        assert not Poller(store, world).run_pass(everything=True).unread
        ledger.mine([payment("1", written, me, 500)])
        ledger.mine([payment("2", me, written, 300)])
        assert not Poller(store, world).run_pass(everything=True).unread
        legs = store.read("SELECT sender, recipient, amount FROM transfer ORDER BY tx, leg")
        assert [tuple(leg) for leg in legs] == [
            (payer, None, "510"), (None, me, "500"), (me, None, "310"), (None, payer, "300"),
        ]  # fmt: skip
        told = store.read("SELECT kind FROM alert WHERE lane = 'news' ORDER BY rowid")
        assert [alert["kind"] for alert in told] == ["history", "movement", "movement"]


# -- the chains' rows -------------------------------------------------------------------------


def test_a_chain_without_versions_says_nothing_of_an_address() -> None:
    """One of a person's own, whose row leaves them out, takes all and competes with none."""
    own = Chain("own", "Own", "utxo", "OWN", 8, 6)
    table = {**CHAINS, "own": own}
    assert canonical(own, spelt(0)) == spelt(0)
    assert from_encoding(spelt(0), table) == ("bitcoin",)
    assert from_encoding(spelt(99), table, ["own"]) == ("own",)
    assert isinstance(from_encoding(spelt(99), table), Unclear)


def test_a_chain_of_cashaddr_alone() -> None:
    """A row of a person's own that names no versions of base58: its own form is told apart, and
    an address in base58 is no address of it."""
    own = Chain("own", "Own", "utxo", "XEC", 2, 6, cashaddr="ecash")
    form = encodings.encode_cashaddr("ecash", Script.P2SH, HASH)
    assert from_encoding(form, {**CHAINS, "own": own}) == ("own",)
    assert canonical(own, form.partition(":")[2].upper()) == form
    with pytest.raises(AddressError, match="is not an address of Own"):
        canonical(own, spelt(0))


@pytest.mark.parametrize("key", ["bech32", "cashaddr"])
def test_a_prefix_may_be_written_in_capitals(key: str, tmp_path: Path) -> None:
    """In chains.yaml, as in addresses: the form stays that of small letters."""
    (tmp_path / "config").mkdir()
    row = f"{{family: utxo, native: {{symbol: A, decimals: 8}}, finality: 6, {key}: TeST}}"
    (tmp_path / "config/chains.yaml").write_text(f"chains:\n  own: {row}\n")
    own = load.load(tmp_path, {}).chains["own"]
    form = {
        "bech32": encodings.encode_segwit("test", 0, HASH),
        "cashaddr": encodings.encode_cashaddr("test", Script.P2PKH, HASH),
    }[key]
    assert canonical(own, form.upper()) == form


def test_two_chains_of_one_form_have_to_be_named() -> None:
    """A second row for the same coin makes its addresses unclear, and says what to do."""
    table = {**CHAINS, "mine": replace(CHAINS["dogecoin"], key="mine", name="Mine")}
    unclear = from_encoding(spelt(30), table)
    assert isinstance(unclear, Unclear)
    assert unclear.reason == "fits several chains, and the row does not say which"
    assert unclear.remedy == "Say which with --chain or in a column named chain"
    assert from_encoding(spelt(30), table, ["mine"]) == ("mine",)
