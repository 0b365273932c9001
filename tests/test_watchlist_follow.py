"""The lines of a watchlist about following money: what they take, what they refuse, whom they
hold for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.model import Chain, Entry
from monitor.model.terms import Terms
from monitor.store.rows import entry_terms, to_entry
from monitor.watchlist import edit, entries

CHAINS = {
    "ethereum": Chain("ethereum", "Ethereum", "evm", "ETH", 18, 65, (), 1),
    "base": Chain("base", "Base", "evm", "ETH", 18, 65, (), 8453),
}
SIM = "0x4F47Bc496083C727c5fbe3CE9CDf2B0f6496270c"
TO = "0xd04E33461FEA8302c5E1e13895b60cEe8AEfda7F"
ALL = """
  hops: 3
  min_usd: 0
  min_share: 0.00010
  addresses: 20
  calls: 100
  calls_per_day: 0
  ask_after: never
  tell_usd: 2500.50
  sources: [my-node, other]
  since: 2023-01-31
"""


def parse(text: str) -> entries.Parsed:
    return entries.parse(text, CHAINS, sources=["my-node", "other"])


def a_case(*lines: str, defaults: tuple[str, ...] = (), chain: str = "chain: ethereum") -> str:
    """A watchlist of one case with these lines."""
    above = "".join(f"  {line}\n" for line in defaults)
    own = "".join(f"    {line}\n" for line in lines)
    return (
        f"{'defaults:' if above else ''}\n{above}cases:\n  A:\n    title: t\n{own}"
        f"    addresses:\n      - {{address: {SIM}, {chain}}}\n"
    )


def one(text: str) -> Entry:
    parsed = parse(text)
    assert parsed.problems == ()
    return parsed.entries[0]


def nested(text: str) -> tuple[str, ...]:
    return ("follow:", *filter(None, text.splitlines()))


def test_every_line_reaches_the_terms() -> None:
    """Decimals stay texts, in one form."""
    assert one(a_case(*nested(ALL))).follow == Terms(
        *(3, "0", "0.0001", 20, 100, 0, None, "2500.5", ("my-node", "other"), "2023-01-31")
    )


@pytest.mark.parametrize("line", ["follow: yes", "follow: true", "follow: {}"])
def test_yes_is_enough(line: str) -> None:
    assert one(a_case(line)).follow == Terms()


@pytest.mark.parametrize("line", ["follow: no", "follow: false", "severity: low"])
def test_nothing_is_followed_by_default(line: str) -> None:
    assert one(a_case(line)).follow is None


def test_a_case_goes_before_the_defaults_name_by_name() -> None:
    defaults = ("follow: {hops: 3, calls: 9}",)
    assert one(a_case(defaults=defaults)).follow == Terms(hops=3, calls=9)
    assert one(a_case("follow: {hops: 5}", defaults=defaults)).follow == Terms(hops=5, calls=9)
    assert one(a_case("follow: yes", defaults=defaults)).follow == Terms(hops=3, calls=9)
    assert one(a_case("follow: no", defaults=defaults)).follow is None
    assert one(a_case("follow: {hops: 5}", defaults=("follow: no",))).follow == Terms(hops=5)


def test_a_case_that_has_only_a_name_follows_by_the_defaults() -> None:
    """What belongs to no case is not followed, nor is what shows that reading works."""
    start = "defaults:\n  follow: yes\n  chain: ethereum\naddresses:\n  - address: "
    assert one(f"{start}{SIM}\n    case: B\n").follow == Terms()
    assert one(f"{start}{SIM}\n").follow is None
    canary = "    case: B\n    canary: 6\n    since: 2026-11-22\n"
    assert one(f"{start}{SIM}\n{canary}").follow is None


BAD = {
    "empty": (("follow:",), 5, "follow: yes, follow: no"),
    "perhaps": (("follow: perhaps",), 5, "follow: yes, follow: no"),
    "a list": (("follow: [hops]",), 5, "follow: yes, follow: no"),
    "misspelt": (("follow:", "  hop: 3"), 6, "Did you mean hops"),
    "negative": (("follow:", "  hops: -1"), 6, "Write 0 to 1,000"),
    "a fraction": (("follow:", "  addresses: 2.5"), 6, "Write 0 to 1,000,000"),
    "never hops": (("follow:", "  hops: never"), 6, "is not a number for hops"),
    "no question": (("follow:", "  ask_after: 0"), 6, "Write 1 to 1,000,000, or never"),
    "separators": (("follow:", '  min_usd: "1,000"'), 6, "Write dollars in digits"),
    "exponent": (("follow:", "  tell_usd: 1e3"), 6, "Write dollars in digits"),
    "a share above one": (("follow:", "  min_share: 1.5"), 6, "Write a part of one"),
    "per cent": (("follow:", "  min_share: 5%"), 6, "Write a part of one"),
    "another source": (("follow:", "  sources: [my-nod]"), 6, "Did you mean my-node"),
    "no source": (("follow:", "  sources:"), 6, "needs a list of names"),
    "a year": (("follow:", "  since: 2023"), 6, "could be a year"),
    "a word": (("follow:", "  since: soon"), 6, "neither a day nor a block"),
    "twice": (("follow:", "  hops: 3", "  hops: 4"), 7, "is written twice"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_mistake_is_told_with_its_line_and_remedy(name: str) -> None:
    """And the addresses of the case stay as they are in the record."""
    lines, number, said = BAD[name]
    parsed = parse(a_case(*lines))
    (problem,) = parsed.problems
    assert problem.place == f"watchlist.yaml:{number}"
    assert said in f"{problem.reason} {problem.remedy}"
    assert parsed.entries == ()
    assert len(parsed.refused) == 1


def test_one_address_does_not_say_it() -> None:
    parsed = parse(f"addresses:\n  - address: {SIM}\n    chain: ethereum\n    follow: yes\n")
    (problem,) = parsed.problems
    assert (problem.place, problem.value) == ("watchlist.yaml:4", "follow")
    assert "among the lines of the case" in problem.remedy


def test_a_block_is_another_day_on_every_chain() -> None:
    lines = ("follow:", "  since: 17000000")
    assert one(a_case(*lines)).follow == Terms(since="17000000")
    (problem,) = parse(a_case(*lines, chain="chains: [ethereum, base]")).problems
    assert "another day on every chain" in problem.reason


def test_the_record_keeps_it() -> None:
    """An entry that does not follow has the terms that it had before there was following."""
    entry = one(a_case(*nested(ALL)))
    assert to_entry(entry_terms(entry)) == replace(entry, line=0)
    assert "follow" not in entry_terms(replace(entry, follow=None))
    assert to_entry(entry_terms(replace(entry, follow=None))).follow is None


def test_lines_stay_where_commands_edit_the_list() -> None:
    before = a_case(*nested(ALL))
    after = edit.add(before, CHAINS, address=TO, chain="ethereum", case="A")
    found = parse(after).entries
    assert [entry.follow for entry in found] == [one(before).follow] * 2
