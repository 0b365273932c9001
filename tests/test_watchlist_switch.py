"""Following is switched on in the text of a watchlist: one line of one case, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_watchlist import CHAINS, KIM, SIM, SIM2, SIM3, TRON

from monitor.model.errors import ConfigError, NotInOrder
from monitor.model.terms import Terms
from monitor.watchlist import entries
from monitor.watchlist.follow_edit import follow

ADDRESSES = f"    addresses:\n      - {{address: {SIM}, chain: ethereum}}\n"


def followed(text: str) -> dict[str, Terms | None]:
    """By case."""
    parsed = entries.parse(text, CHAINS)
    assert parsed.problems == ()
    return {entry.case: entry.follow for entry in parsed.entries}


@pytest.mark.parametrize(
    ("before", "since", "after"),
    [
        # no word of it: in front of the addresses, after what stands there
        ("cases:\n  A:\n    title: t # x\n    # who\n@", "",
         "cases:\n  A:\n    title: t # x\n    follow: yes\n    # who\n@"),
        ("cases:\n  A:\n@    title: t\n", "2026-11-22",
         "cases:\n  A:\n    follow:\n      since: 2026-11-22\n@    title: t\n"),
        ("cases:\n  A:\n    reason: >\n      of\n      two\n@", "",
         "cases:\n  A:\n    reason: >\n      of\n      two\n    follow: yes\n@"),
        # it said no, and a person says yes now
        ("cases:\n  A:\n    follow: no  # not yet\n@", "",
         "cases:\n  A:\n    follow: yes  # not yet\n@"),
        ("cases:\n  A:\n    follow: \"no\"\n@", "2026-11-22",
         "cases:\n  A:\n    follow:\n      since: 2026-11-22\n@"),
        # it began later
        ("cases:\n  A:\n    follow:\n      since: 2026-11-25 # d\n      hops: 3\n@", "2026-11-22",
         "cases:\n  A:\n    follow:\n      since: 2026-11-22 # d\n      hops: 3\n@"),
        ("cases:\n  A:\n    follow:\n      since: 2026-11-25\n@", "",
         "cases:\n  A:\n    follow:\n      since: first\n@"),
        # the defaults say from when on
        ("defaults:\n  follow: {since: 2026-11-25}\ncases:\n  A:\n    follow: no\n@", "",
         "defaults:\n  follow: {since: 2026-11-25}\ncases:\n  A:\n    follow:\n"
         "      since: first\n@"),
        ("defaults:\n  follow: {since: 2026-11-25}\ncases:\n  A:\n    follow:\n      hops: 3\n@",
         "2026-11-22",
         "defaults:\n  follow: {since: 2026-11-25}\ncases:\n  A:\n    follow:\n      hops: 3\n"
         "      since: 2026-11-22\n@"),
        # a case that is only named
        (f"addresses:\n  - address: {SIM}\n    chain: ethereum\n    case: A", "",
         f"addresses:\n  - address: {SIM}\n    chain: ethereum\n    case: A\n\ncases:\n  A:\n"
         "    follow: yes\n"),
        (f"cases:\naddresses:\n  - address: {SIM}\n    chain: ethereum\n    case: A\n", "",
         f"cases:\n  A:\n    follow: yes\naddresses:\n  - address: {SIM}\n    chain: ethereum\n"
         "    case: A\n"),
        (f"cases:\n  A:\naddresses:\n  - address: {SIM}\n    chain: ethereum\n    case: A\n", "",
         f"cases:\n  A:\n    follow: yes\naddresses:\n  - address: {SIM}\n    chain: ethereum\n"
         "    case: A\n"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_one_line_says_it(before: str, since: str, after: str, end: str) -> None:
    before, after = (each.replace("@", ADDRESSES).replace("\n", end) for each in (before, after))
    done = follow(before, CHAINS, "A", since=since)
    if end in before:
        assert done.text == after
    assert followed(done.text) == {"A": done.terms}
    assert (done.terms.since, done.addresses) == (since or "first", 1)
    with pytest.raises(ConfigError, match=r"already\. Nothing to do"):
        follow(done.text, CHAINS, "A", since=since)


ONE = f"  - address: {SIM}\n    chain: ethereum\n"


@pytest.mark.parametrize(
    ("text", "since", "why"),
    [
        (f"addresses:\n{ONE}", "", "watches no address of case"),
        (f"addresses:\n{ONE}    case: B\n", "", "published lists alone"),
        (f'addresses:\n{ONE}    case: A\n    retired: 2026-11-20 a "b"\n', "", "watches no"),
        (f"addresses:\n{ONE}    case: A\n    canary: 6\n    since: 2026-11-22\n", "", "watches no"),
        (f"cases:\n  A: {{addresses: [{{address: {SIM}, chain: ethereum}}]}}\n", "", "in brackets"),
        (f"cases: {{A: {{addresses: [{{address: {SIM}, chain: ethereum}}]}}}}\n", "", "brackets"),
        (f"cases: {{}}\naddresses:\n{ONE}    case: A\n", "", "in brackets"),
        (f"cases:\n  A:\n    follow: {{since: 2026-11-25}}\n{ADDRESSES}", "", "in brackets"),
        (f"cases:\n  A:\n    follow:\n      no\n{ADDRESSES}", "", "not written in one line"),
        (f"cases:\n  A:\n    follow: {{since: 17000000}}\n{ADDRESSES}", "2026-11-22", "block 1700"),
        (f"cases:\n  A:\n    follow: yes\n{ADDRESSES}", "2026-11-22", "Nothing to do"),
        (f"cases:\n  A:\n    follow: {{since: 2026-11-20}}\n{ADDRESSES}", "2026-11-22", "Nothing"),
        (f"defaults:\n  follow: yes\ncases:\n  A:\n{ADDRESSES}", "", "Nothing to do"),
        (f"addresses:\n{ONE}    case: A\n", "soon", "soon is none"),
    ],
)
def test_what_is_in_the_way_is_said(text: str, since: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why) as refused:
        follow(text, CHAINS, "A", since=since)
    assert all(each.place.startswith("watchlist.yaml") for each in refused.value.problems)
    with pytest.raises(NotInOrder):
        follow(f"{text}odd: line\n", CHAINS, "A", since=since)


_LINES = ("title: t", "reason: >\n      of two\n      lines", "tags: [x, y]", "severity: high",
          "# a note", "follow: no", "follow: yes", "follow:\n      hops: 3",
          "follow:\n      since: 2026-11-25", "min_amount:\n      ETH: 5")  # fmt: skip
_PLACES = st.lists(st.sampled_from((KIM, SIM, SIM2, SIM3, TRON)), unique=True, max_size=3)
_CHAIN = {KIM: "bitcoin", TRON: "tron"}


@st.composite
def lists(draw: st.DrawFn) -> str:
    """A watchlist with several cases, of which some are only named."""
    some = draw(st.sampled_from(("", "follow: yes", "follow: no", "follow: {since: 2026-11-25}")))
    text = f"# ours\ndefaults:\n  severity: low\n{f'  {some}' if some else ''}\n"
    blocks = []
    under = draw(st.lists(st.sampled_from(("A", "B", "C#1")), unique=True))
    text += "cases:\n" if under else draw(st.sampled_from(("", "cases:\n")))
    for case in under:
        mine = draw(st.lists(st.sampled_from(_LINES), unique_by=lambda x: x.split(":")[0]))
        rows = [f"    {line}\n" for line in mine]
        if found := draw(_PLACES):
            said = "".join(f"      - address: {a}\n        chain: {_CHAIN.get(a, 'bnb')}\n"
                           for a in found)  # fmt: skip
            rows.insert(draw(st.integers(0, len(rows))), f"    addresses:\n{said}")
        text += f'  "{case}":\n' + "".join(rows) + draw(st.sampled_from(("", "\n", "  # end\n")))
    for case in draw(st.lists(st.sampled_from(("A", "B", "D", "")), unique=True)):
        for a in draw(_PLACES):
            # another chain than under the case: no address stands there twice
            chain = _CHAIN.get(a, "ethereum")
            if chain == "ethereum" or case not in under:
                more = f"    case: {case}\n" if case else ""
                blocks.append(f"  - address: {a}\n    chain: {chain}\n{more}")
    text += "addresses:\n" + "".join(blocks) if blocks else ""
    return text if draw(st.booleans()) else text.replace("\n", "\r\n")


@given(lists(), st.sampled_from(("A", "B", "C#1", "D")), st.sampled_from(("", "2026-11-22")))
def test_whatever_the_list_all_of_the_case_is_followed_and_nothing_else_changes(
    text: str, case: str, since: str
) -> None:
    before = entries.parse(text, CHAINS)
    mine = [entry for entry in before.entries if entry.case == case]
    now = mine[0].follow if mine else None
    if before.problems or not mine or (now and now.since in ("first", since)):
        why = "." if before.problems else "Nothing to do" if mine else "no address of case"
        with pytest.raises(NotInOrder if before.problems else ConfigError, match=why):
            follow(text, CHAINS, case, since=since)
        return
    done = follow(text, CHAINS, case, since=since)
    after = entries.parse(done.text, CHAINS)
    assert after.problems == ()
    for was, now in zip(before.entries, after.entries, strict=True):
        assert replace(was, line=0, follow=None) == replace(now, line=0, follow=None)
        assert now.follow == (done.terms if was.case == case else was.follow)
    assert done.terms.since == (since or "first")
    lines, kept = text.splitlines(), done.text.splitlines()
    gone = [line for line in lines if lines.count(line) > kept.count(line)]
    assert all("follow:" in line or "since:" in line for line in gone)
    assert ("\r\n" in text) == (done.text.count("\n") == done.text.count("\r\n"))
