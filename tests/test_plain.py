"""Hostile text made harmless, exact amounts, times."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal, localcontext

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.model import UINT256_MAX, Status, plain

ANY_TEXT = st.text(st.characters(codec=None), max_size=300)
HEADER_BREAKERS = "\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029"


@given(ANY_TEXT)
@example('safe".example')
@example('ht"tp')
def test_clean_leaves_nothing_that_acts(text):
    """Whatever the text: one line, encodable, capped, no invisible or direction character."""
    shown = plain.clean(text)
    shown.encode("utf-8")
    assert len(shown) <= 32
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    assert not any(breaker in shown for breaker in HEADER_BREAKERS)
    assert "http" not in shown.lower()
    assert not re.search(r"\w\.[^\W\d]", shown)  # what programs make links of


@given(ANY_TEXT)
@example("a" * 29 + ": bcd")  # is cut behind the colon
@example('0":0')
@example('safe".example')
@example("'\"'")
@example("`''`")
def test_cleaning_twice_changes_nothing(text):
    """What has been cleaned once is stable, so that it does not matter who cleans it."""
    once = plain.clean(text)
    assert plain.clean(once) == once


@given(ANY_TEXT, st.integers(1, 100))
def test_tidy_keeps_its_limit(text, limit):
    """The limit holds for every text."""
    assert len(plain.tidy(text, limit)) <= limit


@given(st.lists(st.integers(0, 10**9), min_size=2, max_size=40), st.integers(30, 200))
def test_a_line_is_cut_between_words(figures, limit):
    """Half a figure would be read as a whole one. The longest here takes 13 characters, which a
    line has in its second half."""
    words = [f"{figure:,}" for figure in figures]
    shown = plain.tidy(" ".join(words), limit).removesuffix(" …").split(" ")
    assert shown == words[: len(shown)]
    assert len(" ".join(shown)) >= min(limit // 2, len(" ".join(words)))


def test_a_word_without_an_end_is_cut_all_the_same():
    """A name of a million letters is nobody's sentence."""
    assert plain.tidy(f"seen at {'x' * 100}", 30) == f"seen at {'x' * 21}…"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("USDT", "USDT"),
        ("US\u202eDT", "USDT"),
        ("U\u200bSD\u00adT\ufeff", "USDT"),
        ("a\r\nBcc: x@y.z", "a Bcc: x(at)y[.]z"),
        ("visit https://evil.com/x", "visit hxxps[:]//evil[.]com/x"),
        ("t.me/claim", "t[.]me/claim"),
        ("evil。com", "evil[.]com"),
        ("mailto:a@b.cd", "mailto[:]a(at)b[.]cd"),
        ("@everyone", "(at)everyone"),
        ("v1.5", "v1.5"),
        ("\ud800bad", "bad"),
        ("a\0b", "a b"),
        ("\u3164\u2800", ""),
        ('x"; OUT 5,000,000.00 USDT; "', "x, OUT 5,000,000.00 USDT,"),
        ("\u201cx\u201d\uff1b \uff02y\u2033 \u00abz\u00bb ''w''", "x, y z w"),
        ("x" * 100_000, "x" * 31 + "…"),
    ],
)
def test_clean_examples(text, shown):
    """Each trick that was seen in the wild, and what is left of it."""
    assert plain.clean(text) == shown


@given(st.integers(0, UINT256_MAX), st.integers(0, plain.MAX_DECIMALS))
def test_amounts_lose_no_digit(units, decimals):
    """Taking separators and the point out again gives the integer back, in both forms."""
    full = plain.amount(units, decimals).replace(",", "")
    assert int(full.replace(".", "")) == units
    assert len(full.partition(".")[2]) == decimals
    whole, _, part = plain.amount_short(units, decimals).replace(",", "").partition(".")
    assert int(whole + part.ljust(decimals, "0")) == units


@pytest.mark.parametrize(
    ("units", "decimals", "full", "short"),
    [
        (1_000_000_000_000, 6, "1,000,000.000000", "1,000,000"),
        (12_500_000_000_000_000_000, 18, "12.500000000000000000", "12.5"),
        (1, 18, "0.000000000000000001", "0.000000000000000001"),
        (100, 0, "100", "100"),
        (0, 6, "0.000000", "0"),
        (1234, None, "1,234 raw units", "1,234 raw units"),
        (1234, 255, "1,234 raw units", "1,234 raw units"),
        (1234, 10**77, "1,234 raw units", "1,234 raw units"),
        (1234, -1, "1,234 raw units", "1,234 raw units"),
        (UINT256_MAX, 18, None, None),
    ],
)
def test_amount_examples(units, decimals, full, short):
    """Exact, with separators; absurd decimals give raw units and no large computation."""
    if full is None:
        wanted = "115792089237316195423570985008687907853269984665640564039457584007913129639935"
        assert plain.amount(units, decimals).replace(",", "").replace(".", "") == wanted
    else:
        assert (plain.amount(units, decimals), plain.amount_short(units, decimals)) == (full, short)


@given(st.integers(-(10**20), 10**20))
def test_times_never_raise(seconds):
    """A block time that no calendar holds is unknown, not a crash."""
    assert plain.utc(seconds).endswith("UTC") or plain.utc(seconds) == "unknown"
    assert plain.when(seconds, "Europe/Zurich")
    assert plain.when(seconds, "No/Where") == plain.utc(seconds)


def test_desk_time_names_the_day_where_it_differs():
    """The desk's day is only repeated where it is another one."""
    late = 1795392000 - 1800  # 23:30 UTC
    assert plain.when(late, "Europe/Zurich") == (
        "2026-11-22 23:30:00 UTC (2026-11-23 00:30:00 Zurich)"
    )
    assert plain.when(late, "America/New_York") == "2026-11-22 23:30:00 UTC (18:30:00 New York)"


@given(st.integers(0, UINT256_MAX), st.integers(0, plain.MAX_DECIMALS))
def test_what_a_person_reads_is_near_and_never_nothing(units, decimals):
    """Within a thousandth of the exact amount, short behind the point, 0 only for 0."""
    said = plain.amount_said(units, decimals)
    if said.startswith("less than "):
        assert 0 < Decimal(units).scaleb(-decimals) < Decimal("0.00000001")
        return
    about, figure = said.startswith("about "), Decimal(said.removeprefix("about ").replace(",", ""))
    with localcontext(prec=200):
        exact = Decimal(units).scaleb(-decimals)
        assert (figure == 0) == (units == 0)
        assert (figure != exact) <= about
        assert abs(figure - exact) <= exact / 1000
    assert len(said.partition(".")[2]) <= 12


@pytest.mark.parametrize(
    ("units", "decimals", "said"),
    [
        (1_000_000_000_000, 6, "1,000,000"),
        (12_500_000_000_000_000_000, 18, "12.5"),
        (16_999_496_000_000_000_000, 18, "about 16.999"),
        (60_020_000, 8, "0.6002"),
        (1, 8, "0.00000001"),
        (65_432_100_000_000_000, 18, "about 0.06543"),
        (1, 18, "less than 0.00000001"),
        (999_999_999_999, 6, "about 1,000,000"),
        (0, 18, "0"),
        (1234, None, "1,234 raw units"),
    ],
)
def test_amounts_as_a_person_says_them(units, decimals, said):
    """Exact where that is short; what is rounded says so."""
    assert plain.amount_said(units, decimals) == said


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "0 s"), (34, "34 s"), (360, "6 min"), (7800, "2 h 10 min"), (273_600, "3 d 4 h")],
)
def test_durations(seconds, words):
    """Durations in the unit that a person would choose."""
    assert plain.duration(seconds) == words


def test_every_status_has_words():
    """No status can reach a mail without words for it."""
    assert set(plain.PLAIN_STATUS) == set(Status)


@given(ANY_TEXT)
@example("'\u200b'")
@example("`''`")
def test_words_in_quotes_do_not_close_them(text):
    """Nor do two single quotes, which look like a double one."""
    shown = plain.unquoted(text)
    assert plain.unquoted(shown) == shown
    assert not set(shown) & {'"', ";", "\u201c", "\u201d", "\u00ab", "\u00bb"}
    assert "''" not in shown
    assert "``" not in shown
