"""The watchlist: what it takes, what it refuses with which line, and how it is edited."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model import Asset, Chain, Entry, Severity
from monitor.model.errors import ConfigError
from monitor.watchlist import edit as watchlist_edit
from monitor.watchlist import entries
from monitor.watchlist.yaml_nodes import MAX_BYTES

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = (ROOT / "watchlist.example.yaml").read_bytes()

CHAINS = {
    c.key: c
    for c in (
        Chain("ethereum", "Ethereum", "evm", "ETH", 18, 65, (), 1),
        Chain("bnb", "BNB Chain", "evm", "BNB", 18, 15, (), 56),
        Chain("arbitrum", "Arbitrum One", "evm", "ETH", 18, 4560, (), 42161),
        Chain("bitcoin", "Bitcoin", "utxo", "BTC", 8, 6, bech32="bc", base58=(0, 5)),
        Chain("tron", "Tron", "tron", "TRX", 6, 19),
    )
}
USDT = Asset("ethereum", "0xdac17f958d2ee523a2206206994597c13d831ec7", "USDT", 6)
SIM = "0x4F47Bc496083C727c5fbe3CE9CDf2B0f6496270c"
SIM2 = "0xd04E33461FEA8302c5E1e13895b60cEe8AEfda7F"
SIM3 = "0x76EA76CA4Eb727f18956aB93445a94c5280412B9"
KIM = "1D6gG9iKEhPitTcWRJiniuj1jYM2hNeAfJ"
TRON = "TXhf9nU9bjo1j9z5qEesHdr6gtdndfnA4T"


def parse(text: str | bytes) -> entries.Parsed:
    return entries.parse(
        text,
        CHAINS,
        channels={"desk-mail", "case-tool"},
        assets=[USDT],
        timezones={"Europe/Zurich", "UTC"},
    )


def block(extra: str = "", address: str = SIM, chain: str = "ethereum") -> str:
    lines = f"addresses:\n  - address: {address}\n    chain: {chain}\n"
    return lines + "".join(f"    {line}\n" for line in extra.splitlines())


def test_the_example_loads_without_a_problem():
    """The shipped example is in order, and its count fits."""
    parsed = entries.parse(EXAMPLE, CHAINS)
    assert parsed.problems == ()
    assert parsed.whole
    assert (parsed.count, parsed.blocks, len(parsed.entries)) == (5, 5, 7)
    assert parsed.timezone == "Europe/Zurich"


def test_an_entry_goes_before_its_case_and_its_case_before_the_defaults():
    """Each line holds from the nearest place that says it; thresholds merge by asset."""
    text = (
        "defaults:\n  severity: low\n  since: 2023-01-01\n  min_amount: {ETH: 0.5, USDT: 1}\n"
        "cases:\n  A-1:\n    title: First\n    severity: high\n    reason: case reason\n"
        "    min_amount: {USDT: 100}\n    addresses:\n"
        f"      - address: {SIM}\n        chains: [ethereum, bnb]\n        reason: own\n"
        f"      - {{address: {TRON}, chain: tron, severity: severe}}\n"
        f"addresses:\n  - {{address: {KIM}, chain: bitcoin}}\n"
        f"  - {{address: {SIM2}, chain: bnb, case: A-1}}\n"
    )
    parsed = parse(text)
    assert parsed.problems == ()
    first, second, tron, single, sent = parsed.entries
    assert (first.subject.chain, second.subject.chain) == ("ethereum", "bnb")
    assert first.subject.address == SIM.lower()
    assert (first.severity, first.reason, first.title) == (Severity.HIGH, "own", "First")
    assert first.min_amount == {"ETH": "0.5", "USDT": "100"}
    assert (tron.severity, tron.reason, tron.case) == (Severity.SEVERE, "case reason", "A-1")
    assert (single.severity, single.case, single.since) == (Severity.LOW, "", "2023-01-01")
    assert (sent.reason, sent.severity) == ("case reason", Severity.HIGH)


def test_plain_scalars_stay_the_text_that_was_written():
    """An unquoted address, `no`, a date and digits are text, not numbers or truth values."""
    digits = "0x" + "1" * 40
    [entry] = parse(block("label: no\ntags: [12:30:45, 0123]", address=digits)).entries
    assert entry.subject.address == digits
    assert (entry.label, entry.tags) == ("no", ("12:30:45", "0123"))


def test_every_key_of_a_block_reaches_the_entry():
    """Each line of the grammar sets its field."""
    extra = (
        "label: Wallet\ncase: A-1\nreason: why\nsource: list\ntags: [one, two]\nseverity: severe\n"
        "direction: out\nmin_amount:\n  ETH: 0.01\n"
        "  0xdAC17F958D2ee523a2206206994597C13D831ec7: 5\ntell_when: final\nsince: 18000000\n"
        'channels: [desk-mail]\nbusy: yes\nretired: 2026-11-20 m.ortiz "case closed"'
    )
    parsed = parse(block(extra))
    assert parsed.problems == ()
    [entry] = parsed.entries
    assert entry.min_amount == {"ETH": "0.01", USDT.contract: "5"}
    assert (entry.label, entry.case, entry.reason, entry.source) == ("Wallet", "A-1", "why", "list")
    assert (entry.tags, entry.channels, entry.busy) == (("one", "two"), ("desk-mail",), True)
    assert (entry.direction, entry.tell_when, entry.since) == ("out", "final", "18000000")
    assert entry.retired == '2026-11-20 m.ortiz "case closed"'
    assert entry.line == 2


# (text, line of the problem, part of what it says)
BAD = {
    "not a list": ("just text\n", 1, "is not a watchlist"),
    "list at the top": ("- a\n", 1, "is not a watchlist"),
    "unknown top key": ("adresses: []\n", 1, "Did you mean addresses"),
    "unknown block key": (block("severty: high"), 4, "Did you mean severity"),
    "duplicate top key": (block() + "addresses: []\n", 4, "written twice (first on line 1)"),
    "duplicate block key": (block("label: a\nlabel: b"), 5, "written twice (first on line 4)"),
    "alias": ("defaults: &d\n  severity: low\naddresses: *d\n", 1, "alias or anchor"),
    "tag": (block("label: !!python/name:os.system x"), 4, "YAML tag"),
    "second document": (block() + "---\naddresses: []\n", 4, "second document"),
    "too deep": ("a: " + "[" * 30 + "]" * 30, 1, "nested more than 20"),
    "much too deep": ("a: " + "[" * 5000, 1, "nested more than 20"),  # libyaml's own limit
    "much too deep in braces": ("a: " + "{b: " * 5000, 1, "nested more than 20"),
    "much too deep in dashes": ("a:\n  " + "- " * 5000 + "x\n", 2, "nested more than 20"),
    "tab": ("addresses:\n\t- address: x\n", 2, "tab"),
    "open bracket": ("addresses:\n  - address: x\n    chains: [a\n", 3, "bracket"),
    "open quote": (block("label: 'x"), 4, "quote that is never closed"),
    "colon in a text": (block("label: Sim: one"), 4, '"quotes"'),
    "not aligned": ("addresses:\n  - address: x\n   chain: y\n", 3, "spaces"),
    "no colon": ("version: 1\naddresses\ncount: 1\n", 3, "no colon"),
    "invisible character": (block("label: a\u202eb"), 4, "U+202E"),
    "NUL": (block("label: a\0b"), 4, "U+0000"),
    "not UTF-8": (block().encode() + b"    label: caf\xe9\n", 4, "0xe9"),
    "UTF-16": (block().encode("utf-16"), 1, "UTF-16"),
    "too large": ("#" * (MAX_BYTES + 1), 0, "larger than"),
    "version": ("version: 2\n", 1, "version: 1"),
    "time zone": ("timezone: Europe/Zürich\n", 1, "Did you mean Europe/Zurich"),
    "count differs": (block() + "count: 2\n", 4, "holds 1 address blocks"),
    "count is no number": (block() + "count: two\n", 4, "Write 1"),
    "defaults is a text": ("defaults: high\n", 1, "name: value"),
    "cases is a list": ("cases:\n  - A\n", 2, "cases: needs"),
    "case name": ("cases:\n  'A\"1':\n    title: x\n", 2, "not a case name"),
    "retired in a case": ("cases:\n  A:\n    retired: x\n", 3, "not a setting of case A"),
    "addresses is a mapping": ("addresses:\n  address: x\n", 2, "dash"),
    "block is a text": (f"addresses:\n  - {SIM}\n", 2, "- address: ..."),
    "no address": ("addresses:\n  - chain: ethereum\n", 2, "has no address"),
    "no chain": (f"addresses:\n  - address: {SIM}\n", 2, "has no chain"),
    "empty address": (block(address=""), 2, "address: is empty"),
    "chain and chains": (block("chains: [bnb]"), 4, "beside chain"),
    "unknown chain": (block(chain="etherium"), 3, "Did you mean ethereum"),
    "chain by symbol": (block(chain="btc"), 3, "Did you mean bitcoin"),
    "chain is a list": (block(chain="[ethereum]"), 3, "chains: [one, two]"),
    "chain list as text": (block(chain="ethereum, bnb"), 3, "in brackets"),
    "same chain twice": (block(chain="x").replace("chain: x", "chains: [bnb, bnb]"), 3, "twice"),
    "wrong checksum": (block(address=SIM.replace("F", "f", 1)), 2, "checksum"),
    "short address": (block(address=SIM[:-1]), 2, "is not an address of Ethereum"),
    "no 0x": (block(address=SIM[2:]), 2, f"Write {SIM}"),
    "space in the address": (block(address=SIM[:9] + " " + SIM[9:]), 2, "space inside"),
    "look-alike letter": (block(address=SIM.replace("c", "\u0441", 1)), 2, "looks like"),
    "zero address": (block(address="0x" + "0" * 40), 2, "zero address"),
    "zero address of Tron": (
        block(address="T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb", chain="tron"),
        2,
        "zero address",
    ),
    "wrong chain": (block(address=TRON), 2, "looks like a Tron address"),
    "lower-cased base58": (block(address=KIM.lower(), chain="bitcoin"), 2, "not an address"),
    "severity": (block("severity: hihg"), 4, "Did you mean high"),
    "severity is a list": (block("severity: [high]"), 4, "one text"),
    "direction": (block("direction: inn"), 4, "both, in, out"),
    "tell_when": (block("tell_when: confirmd"), 4, "Did you mean confirmed"),
    "busy": (block("busy: maybe"), 4, "yes, no"),
    "amount with a comma": (block("min_amount: {ETH: '0,01'}"), 4, "amount in coins"),
    "amount below zero": (block("min_amount: {ETH: -1}"), 4, "amount in coins"),
    "amount in other digits": (block("min_amount:\n  ETH: １２"), 5, "amount in coins"),
    "amount with an exponent": (block("min_amount:\n  ETH: 1e5"), 5, "amount in coins"),
    "amount without a coin": (block("min_amount: 5"), 4, "{ETH: 0.01}"),
    "amount of an unknown coin": (block("min_amount: {USTD: 1}"), 4, "Did you mean USDT"),
    "amount of a bad contract": (block("min_amount: {0x12: 1}"), 4, "not an address"),
    "since is a year": (block("since: 2023"), 4, "2023-01-31"),
    "since is a joined day": (block("since: 20230131"), 4, "2023-01-31"),
    "since is no day": (block("since: 2023-02-30"), 4, "neither a day nor a block"),
    "since in words": (block("since: yesterday"), 4, "neither a day nor a block"),
    "one block on two chains": (
        block("since: 17000000").replace("chain: ethereum", "chains: [ethereum, bnb]"),
        4,
        "another day on every chain",
    ),
    "unknown channel": (block("channels: [desk-mial]"), 4, "Did you mean desk-mail"),
    "no channel": (block("channels: []"), 4, "list of names"),
    "empty label": (block("label:"), 4, "label: is empty"),
    "long label": (block("label: " + "x" * 121), 4, "longer than 120"),
    "retired without why": (block("retired: 2026-11-20 m.ortiz"), 4, "when, who and why"),
    "retired on no day": (block('retired: 2026-13-20 a "b"'), 4, "when, who and why"),
    "case inside a case": (
        f"cases:\n  A:\n    addresses:\n      - {{address: {SIM}, chain: bnb, case: B}}\n",
        4,
        "stands under case A",
    ),
    "same subject twice": (
        block() + f"  - address: '{SIM.lower()}'\n    chain: ethereum\n",
        4,
        "(first on line 2)",
    ),
}


# The mistake is elsewhere: the good block beside it is still taken.
KEPT = {"count differs", "count is no number", "duplicate top key", "same subject twice"}


@pytest.mark.parametrize("name", BAD)
def test_a_mistake_is_told_with_its_line_and_remedy(name: str):
    """Each bad text gives one problem: file and line, what is wrong, what to do."""
    text, line, part = BAD[name]
    parsed = parse(text)
    assert [p.place for p in parsed.problems] == [
        f"watchlist.yaml:{line}" if line else "watchlist.yaml"
    ]
    problem = parsed.problems[0]
    assert part in str(problem)
    assert problem.reason
    assert problem.remedy
    assert len(parsed.entries) == (name in KEPT)


def test_all_problems_come_at_once_and_good_entries_are_kept():
    """Three blocks, two of them wrong in three ways: three problems, one entry."""
    text = (
        f"addresses:\n  - address: {SIM}\n    chain: ethereum\n    severity: hihg\n"
        f"    since: soon\n  - address: {SIM2}\n    chain: ethereum\n"
        f"  - address: {TRON}\n    chain: trom\n"
    )
    parsed = parse(text)
    assert [p.place[-1] for p in parsed.problems] == ["4", "5", "9"]
    assert [e.subject.address for e in parsed.entries] == [SIM2.lower()]
    assert parsed.whole


def test_a_mistake_in_the_defaults_refuses_what_stands_under_them():
    """An entry is never taken with another severity than the one that was meant."""
    parsed = parse("defaults:\n  severity: sever\n" + block())
    assert parsed.entries == ()
    assert len(parsed.refused) == 1
    assert len(parsed.problems) == 1


def test_one_subject_may_stand_in_two_cases():
    """Two cases may each have an entry for one address, with ids of their own."""
    text = block("case: A") + f"  - address: {SIM}\n    chain: ethereum\n    case: B\n"
    parsed = parse(text)
    assert parsed.problems == ()
    assert len({e.id for e in parsed.entries}) == 2


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm():
    """What a Windows editor saves reads the same, with the same lines."""
    windows = b"\xef\xbb\xbf" + EXAMPLE.replace(b"\n", b"\r\n")
    assert entries.parse(windows, CHAINS).entries == entries.parse(EXAMPLE, CHAINS).entries


def test_a_file_cut_at_any_byte_ends_no_watch():
    """No cut raises, retires an entry, or passes for a complete file."""
    whole = entries.parse(EXAMPLE, CHAINS).entries
    text = EXAMPLE.rstrip()
    for cut in range(len(text)):
        parsed = entries.parse(text[:cut], CHAINS)
        change = entries.difference(whole, parsed.entries, parsed.refused)
        assert change.retired == ()
        kept = len(change.missing) + len(change.refused) + len(change.changed)
        assert kept + len(change.unchanged) == len(whole)
        assert parsed.count is None or not parsed.whole


@given(st.binary(max_size=200) | st.text(max_size=200), st.integers(0, len(EXAMPLE)))
def test_no_content_raises(data: bytes | str, at: int):
    """Whatever is written into a file, reading it gives a value; unreadable is never silent."""
    raw = data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass")
    for content in (data, EXAMPLE[:at] + raw + EXAMPLE[at:]):
        parsed = parse(content)
        assert parsed.whole or parsed.problems


def entry(text: str) -> Entry:
    [found] = parse(text).entries
    return found


def test_difference_names_what_is_new_changed_missing_and_retired():
    """Every entry falls into exactly one part of the difference."""
    stay, edit = entry(block()), entry(block(address=SIM2))
    gone, ends = (
        entry(block(address=TRON, chain="tron")),
        entry(block(address=KIM, chain="bitcoin")),
    )
    edited = entry(block("severity: high", address=SIM2))
    retired = entry(block('retired: 2026-11-20 a "b"', address=KIM, chain="bitcoin"))
    fresh = entry(block(address=SIM3))
    change = entries.difference([stay, edit, gone, ends], [stay, edited, retired, fresh])
    assert change.added == (fresh,)
    assert change.changed == ((edit, edited),)
    assert change.missing == (gone,)
    assert change.retired == (retired,)
    assert change.unchanged == (stay,)


def test_a_moved_line_is_no_change_and_a_lifted_retirement_is_one():
    """Only what an entry says counts, not where it stands."""
    moved = parse("# note\n" + block()).entries[0]
    assert entries.difference([entry(block())], [moved]).unchanged == (moved,)
    retired = entry(block('retired: 2026-11-20 a "b"'))
    assert entries.difference([retired], [entry(block())]).changed
    assert entries.difference([retired], []).missing == ()


def test_a_refused_edit_is_neither_missing_nor_changed():
    """An entry whose new lines hold a mistake stays as it was, and is told as refused."""
    stored = entry(block())
    parsed = parse(block("severity: hihg"))
    change = entries.difference([stored], parsed.entries, parsed.refused)
    assert (change.missing, change.refused) == ((), (stored,))


def test_adding_keeps_every_byte_of_the_file():
    """A new block goes under its case, the count is raised, the rest is untouched."""
    before = EXAMPLE.decode()
    after = watchlist_edit.add(
        before, CHAINS, address=SIM3, chain="ethereum", case="SIM-2023", label='Sim: "3" #x'
    )
    new = [line for line in after.split("\n") if line not in before.split("\n")]
    assert new == [
        f"      - address: {SIM3}",
        '        label: "Sim: \\"3\\" #x"',
        "count: 6",
    ]
    [added] = entries.difference(
        entries.parse(before, CHAINS).entries, entries.parse(after, CHAINS).entries
    ).added
    assert (added.label, added.case, added.severity) == ('Sim: "3" #x', "SIM-2023", "severe")


@pytest.mark.parametrize(
    "before",
    [
        "",
        "version: 1",
        "addresses:\r\n# none yet\r\n",
        "cases:\n  A:\n    title: x\n",
        block(),
        "#x",
    ],
)
def test_adding_works_from_any_start(before: str):
    """An empty, short or Windows file takes its first block, and several chains."""
    after = watchlist_edit.add(before, CHAINS, address=SIM3, chain=["ethereum", "bnb"], case="A")
    added = [e for e in parse(after).entries if e.subject.address == SIM3.lower()]
    assert [e.case for e in added] == ["A", "A"]
    assert all(line in after for line in before.split("\n"))
    assert ("\r\n" in before) == (after.count("\n") == after.count("\r\n") > 0)


@pytest.mark.parametrize(
    ("before", "address", "part"),
    [
        (block(), SIM, "twice"),
        (block(), SIM[:-1], "not an address"),
        (block("severity: x"), SIM3, "not a severity"),
        (f"addresses: [{{address: {SIM}, chain: bnb}}]\n", SIM3, "in brackets"),
    ],
)
def test_adding_refuses_what_would_not_be_taken(before: str, address: str, part: str):
    """A duplicate, a wrong address or a file that is not in order changes nothing."""
    with pytest.raises(ConfigError, match=part):
        watchlist_edit.add(before, CHAINS, address=address, chain="ethereum")


def test_retiring_adds_one_line_to_the_right_block():
    """Only the named entry ends, and the reason survives odd characters."""
    before = EXAMPLE.decode()
    target = entries.parse(before, CHAINS).entries[3]
    after = watchlist_edit.retire(
        before, CHAINS, target.id, when="2026-11-20", name="m.ortiz", why='it\'s: "over" #1'
    )
    assert len(after.split("\n")) == len(before.split("\n")) + 1
    change = entries.difference(
        entries.parse(before, CHAINS).entries, entries.parse(after, CHAINS).entries
    )
    assert [e.id for e in change.retired] == [target.id]
    assert change.retired[0].retired == "2026-11-20 m.ortiz \"it's: 'over' #1\""
    assert len(change.unchanged) == 6


@pytest.mark.parametrize(
    ("which", "name", "part"),
    [(0, "m.ortiz", "also watches bnb, arbitrum"), (3, 'm "o" ortiz', "holds a double quote")],
)
def test_retiring_refuses_what_it_cannot_say_in_one_line(which: int, name: str, part: str):
    """A block of several chains, or a name with a quote, is refused with a remedy."""
    text = EXAMPLE.decode()
    target = entries.parse(text, CHAINS).entries[which]
    with pytest.raises(ConfigError, match=part):
        watchlist_edit.retire(text, CHAINS, target.id, when="2026-11-20", name=name, why="x")


@pytest.mark.parametrize("name", ["M. Ortiz", "Seán O'Brien", "Li: desk #2"])
def test_whoever_acknowledges_can_retire_too(name: str):
    """Names with blanks stand in the file as they are said."""
    text = EXAMPLE.decode()
    target = entries.parse(text, CHAINS).entries[3]
    after = watchlist_edit.retire(text, CHAINS, target.id, when="2026-11-20", name=name, why="x")
    change = entries.difference(
        entries.parse(text, CHAINS).entries, entries.parse(after, CHAINS).entries
    )
    assert [e.retired for e in change.retired] == [f'2026-11-20 {name} "x"']


def test_retiring_refuses_an_unknown_or_retired_entry():
    """Nothing is written for an entry that is not there or has ended."""
    text = block('retired: 2026-11-20 a "b"')
    for entry_id, part in (("E-0000", "holds no entry"), (entry(text).id, "retired already")):
        with pytest.raises(ConfigError, match=part):
            watchlist_edit.retire(text, CHAINS, entry_id, when="2026-11-21", name="a", why="b")
