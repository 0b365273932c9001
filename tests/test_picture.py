"""A trace as a picture: its sums hold everything, it is stable, safe, and can be read."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from xml.etree import ElementTree

import picture_values as pays
import pytest
import trace_values as story

from monitor.model import Subject
from monitor.model.flow import CONSERVING
from monitor.model.trace import REASONS, Name, Node, State, Stop, Trace, TracedAsset
from monitor.picture import draw, fold, layout, letters, words
from monitor.picture.parts import Box, Picture, Tone

NOW = 1_700_100_000
SVG = "{http://www.w3.org/2000/svg}"
# A story with commingling, an unconfirmed name, a payment back and one to the source.
PAYMENTS = [
    *(("watched", "hub", 1_000_030, 1_000_030), ("watched", "b", 412_300, 412_300)),
    *(("hub", "c", 350_030, 400_000), ("hub", "e", 250_000, 250_000), ("hub", "dust", 280, 280)),
    *(("c", "f", 330_030, 380_000), ("f", "hub", 30_000, 30_000), ("f", "watched", 1_000, 1_000)),
]
STOPS = {"e": "exchange", "dust": "below_value"}


def picture(trace: Trace, **more: object) -> Picture:
    return fold.of_trace(trace, NOW, **more)  # type: ignore[arg-type]


def texts(svg: str) -> list[str]:
    return [each.text or "" for each in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def titles(svg: str) -> list[str]:
    return [each.text or "" for each in ElementTree.fromstring(svg).iter(f"{SVG}title")]


def figure(text: str) -> Decimal:
    return Decimal(text.split(maxsplit=1)[0].replace(",", ""))


def sums(shown: Picture) -> Iterator[dict[str, Decimal]]:
    for column in shown.columns:
        yield {row.name: figure(row.figure) for row in column.rows}


def by_name(shown: Picture, name: str) -> Box:
    return next(box for box in shown.boxes if box.address == pays.address(name))


# --- what it is -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trace", [story.trace(), pays.scattered(3, 200), Trace("A", "", story.Terms())]
)
def test_presentation_attributes_only_and_the_same_bytes(trace: Trace) -> None:
    svg = draw.svg(picture(trace))
    assert svg == draw.svg(picture(trace))
    tags = {each.tag.removeprefix(SVG) for each in ElementTree.fromstring(svg).iter()}
    assert tags <= {"svg", "title", "desc", "defs", "pattern", "rect", "g", "path", "text", "a"}
    assert not re.search(r"\b(style|class|on\w+|src)=", svg)


def test_boxes_bands_and_thin_lines_lead_to_their_place_on_the_page() -> None:
    shown = picture(pays.traced(PAYMENTS, STOPS))
    drawn = ElementTree.fromstring(draw.svg(shown))
    found = {each.get("href"): each[0].text for each in drawn.iter(f"{SVG}a")}
    expected = {
        **{f"#box-{n}": each.title for n, each in enumerate(shown.boxes, 1)},
        **{f"#band-{n}": each.title for n, each in enumerate(shown.bands, 1)},
        **{f"#back-{n}": each.title for n, each in enumerate(shown.backs, 1)},
    }
    assert found == expected
    assert len(shown.backs) == 2


def test_every_box_and_band_says_itself_as_a_sentence() -> None:
    shown = picture(pays.traced(PAYMENTS, STOPS))
    said = titles(draw.svg(shown))
    for each in (*shown.boxes, *shown.bands, *shown.backs, *shown.columns):
        assert each.title in said
    assert any("350,030 USDT of 400,000 USDT" in title for title in said)


def test_addresses_stand_in_full_on_two_lines() -> None:
    shown = picture(pays.traced(PAYMENTS, STOPS))
    lines = texts(draw.svg(shown))
    for box in shown.boxes:
        first, second = letters.halves(box.address)
        assert first in lines
        assert lines[lines.index(first) + 1] == second


# --- sums -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_every_hop_adds_up_however_much_is_folded(seed: int) -> None:
    trace = pays.scattered(seed, 150)
    whole = list(sums(picture(trace)))
    for each in whole[1:]:
        assert each["Arrived"] == each["Rests"] + each["Stopped"] + each["Went on"]
        assert "Differs by" not in each
    assert whole[0]["Sent"] - whole[0].get("Came back", 0) == whole[0]["Out of sources"]
    assert list(sums(picture(trace, boxes=12))) == whole
    rest = sum(each["Rests"] + each["Stopped"] for each in whole[1:])
    assert rest == whole[0]["Out of sources"]


def test_by_each_method_where_a_range_stands() -> None:
    shown = picture(story.trace())
    assert shown.ranged
    hop = {row.name: row.figure for row in shown.columns[2].rows}
    assert hop["Arrived"] == "115,000 to 200,000 USD"
    assert hop["To be read"] == "40,000 to 60,000 USD"
    for method in CONSERVING:
        alone = list(sums(picture(story.trace(method=method))))
        for each in alone[1:]:
            others = sum(each.values()) - each["Arrived"]
            assert each["Arrived"] == others, method


def test_what_does_not_add_up_says_by_how_much() -> None:
    trace = pays.traced(PAYMENTS, STOPS)
    wrong = [
        replace(n, holds=()) if n.subject.address == pays.address("e") else n for n in trace.nodes
    ]
    hop = picture(replace(trace, nodes=tuple(wrong))).columns[2]
    assert {row.name: row.figure for row in hop.rows}["Differs by"] == "250,000 USDT"


def test_what_came_to_nobody_has_a_line() -> None:
    trace = pays.traced(PAYMENTS, STOPS)
    edges = [replace(e, recipient="") if e.amount == 250_000 * 10**6 else e for e in trace.edges]
    hop = list(sums(picture(replace(trace, edges=tuple(edges)))))[1]
    assert hop["Destroyed"] == 250_000
    assert "Differs by" not in hop
    assert "Fees" not in hop


def test_the_drawing_shows_the_sums_of_the_picture() -> None:
    shown = picture(pays.scattered(2, 40))
    lines = iter(texts(draw.svg(shown)))
    for column in shown.columns:
        for row in column.rows:
            assert row.name in lines  # an iterator: in this order
            assert row.figure in lines


def test_without_a_price_each_asset_has_its_own_sums() -> None:
    trace = story.trace(method="fifo")
    bare = tuple(replace(edge, usd=None) for edge in trace.edges)
    shown = picture(replace(trace, edges=bare))
    rows = [(row.name, row.figure) for row in shown.columns[2].rows]
    assert ("Arrived", "115,000 USDT") in rows
    assert ("Turned there", "22 ETH") in rows
    assert ("Turned there", "-55,000 USDT") in rows
    assert ("Went on", "2 ETH") in rows
    assert not any(name == "Differs by" for name, _ in rows)


# --- what is shown ----------------------------------------------------------------------------


def test_at_most_sixty_boxes_and_the_rest_is_counted() -> None:
    trace = pays.scattered(1, 300)
    shown = picture(trace)
    alone = sum(not box.folded for box in shown.boxes)
    assert len(shown.boxes) <= 60
    assert alone > 50
    idle = int(next(w for w in shown.warned if "can be reached" in w).split()[2])
    assert alone + sum(box.folded for box in shown.boxes) + idle == len(trace.nodes)
    piles = [box for box in shown.boxes if box.folded]
    assert all(box.name == f"{box.folded} more addresses" for box in piles)
    assert all(box.folded > 1 for box in piles)


def test_addresses_stand_as_people_copy_them() -> None:
    """With the capitals of the example of EIP-55 in boxes and sentences."""
    known = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
    trace = pays.traced([("watched", "a", 9, 9)])
    moved = [
        replace(n, subject=replace(n.subject, address=known.lower())) if n.hop else n
        for n in trace.nodes
    ]
    edges = [replace(e, recipient=known.lower()) for e in trace.edges]
    shown = picture(replace(trace, nodes=tuple(moved), edges=tuple(edges)))
    assert known in {box.address for box in shown.boxes}
    assert known in shown.bands[0].title


def test_those_of_the_most_value_stay() -> None:
    trace = pays.traced([("watched", f"n{i}", i, i) for i in range(1, 101)])
    shown = picture(trace, boxes=10)
    kept = {box.address for box in shown.boxes if box.column == 1 and not box.folded}
    assert {each.lower() for each in kept} == {pays.address(f"n{i}") for i in range(93, 101)}


def test_payments_back_are_thin_lines_with_their_amount() -> None:
    shown = picture(pays.traced(PAYMENTS, STOPS))
    assert len(shown.columns) == 4
    assert [back.label for back in shown.backs] == ["30,000 USDT", "1,000 USDT"]
    assert "back to an earlier hop" in shown.backs[0].title
    assert {"30,000 USDT", "1,000 USDT"} <= set(texts(draw.svg(shown)))


def test_a_later_payment_does_not_turn_the_picture_round() -> None:
    before = pays.traced(PAYMENTS, STOPS)
    later = [*PAYMENTS, ("hub", "aaa", 300_000, 300_000), ("b", "dust", 400_000, 400_000)]
    after = pays.traced(later, STOPS)
    old = [box.key for box in picture(before).boxes]
    assert [box.key for box in picture(after).boxes if box.key in old] == old


def test_a_name_that_nobody_confirmed_is_a_question() -> None:
    told = {
        "names": (Name("Kraken", "exchange", "tagpacks", "2024-03-01", "low"), Name("Bybit")),
        "stop": Stop("exchange", "named as Kraken by tagpacks (2024-03-01)", confirmed=False),
    }
    box = by_name(picture(pays.traced(PAYMENTS, STOPS, {"e": told})), "e")
    assert (box.state, box.tone) == ("AT EXCHANGE?", Tone.OPEN)
    assert "named by tagpacks, not confirmed" in box.marks
    assert "1 other name" in box.marks
    assert "named as Kraken (tagpacks, 2024-03-01) and as Bybit" in box.title


def test_what_is_not_read_stands_on_top_and_at_its_box() -> None:
    told = {"complete": False, "unread": ("2 gaps",)}
    shown = picture(pays.traced(PAYMENTS, STOPS, {"f": told}))
    assert "NOT EVERYTHING IS READ: 1 of 7 addresses not, or only in part." in shown.warned
    assert "not all read" in by_name(shown, "f").marks
    assert "Not all is read: 2 gaps." in by_name(shown, "f").title


def test_what_no_method_brings_value_to_is_counted_and_not_drawn() -> None:
    shown = picture(pays.traced([*PAYMENTS, ("b", "z", 0, 5)], STOPS))
    assert not any(box.address == pays.address("z") for box in shown.boxes)
    assert any(w.startswith("Not drawn: 1 that can be reached") for w in shown.warned)


def test_one_of_ours_is_never_shown() -> None:
    trace = pays.traced(PAYMENTS, STOPS)
    mine = Subject("ethereum", pays.address("c"))
    shown = picture(replace(trace, touched=(mine,)))
    svg = draw.svg(shown)
    assert "TOUCHES US" in texts(svg)
    for form in (mine.address, letters.halves(mine.address)[0]):
        assert form not in svg
        assert form not in words.alt(shown)


def test_a_trace_of_many_hops_ends_in_one_pile() -> None:
    names = ["watched", *(f"p{number}" for number in range(70))]
    steps = [(a, b, 1000 - i, 1000 - i) for i, (a, b) in enumerate(itertools.pairwise(names))]
    shown = picture(pays.traced(steps))
    assert len(shown.columns) == 25
    assert shown.columns[-1].head == "Hop 24 and beyond"
    assert len(shown.boxes) <= 60
    assert all("Differs by" not in each for each in sums(shown))


@pytest.mark.parametrize("state", State)
def test_every_state_has_a_word(state: State) -> None:
    node = replace(story.NODES[1], state=state)
    word, _ = words.state_of(node, rests=True)
    assert word == word.upper()


def test_every_reason_has_a_word() -> None:
    assert set(words.STOPPED) == set(REASONS)


# --- hostile text -----------------------------------------------------------------------------

WILD = '<script>alert(1)</script>"&\u202e\u0000\x1b[31m' + "A" * 5000


def wild(node: Node) -> Node:
    names = (Name(WILD, "exchange", WILD, WILD),)
    return replace(node, names=names, stop=Stop("exchange", WILD), unread=(WILD,), complete=False)


def test_hostile_text_is_harmless() -> None:
    trace = story.trace(title=WILD, ended=WILD, method="fifo", method_by=WILD)
    token = replace(story.USDT, symbol=WILD, verified=False)
    edges = tuple(replace(edge, asset=token) for edge in trace.edges[:3])
    trace = replace(trace, nodes=tuple(map(wild, trace.nodes)), edges=edges, case=WILD[:60])
    shown = picture(trace, state=WILD, chains={"ethereum": WILD})
    svg = draw.svg(shown)
    ElementTree.fromstring(svg)
    assert "<script" not in svg
    assert not set("\u202e\u0000\x1b") & set(svg + words.alt(shown))
    assert len(svg) < 100_000
    assert max(map(len, texts(svg))) < 250


# --- how it looks -----------------------------------------------------------------------------


def light(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(p * w for p, w in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


def contrast(one: str, other: str) -> float:
    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


def test_colours_can_be_read_and_told_apart_without_colour() -> None:
    for bar, ground, _ in draw._TONES.values():
        assert contrast(bar, ground) > 6
    assert contrast(draw.INK, draw.TRACED) > 6
    assert contrast(draw.TRACED, draw.OTHER) > 1.9
    assert contrast(draw.GREY, draw.PAPER) > 7


@pytest.mark.parametrize("addresses", [3, 55, 300])
def test_boxes_do_not_overlap_and_hold_their_words(addresses: int) -> None:
    plan = layout.plan(picture(pays.scattered(5, addresses)))
    places = list(plan.placed.values())
    for one, other in itertools.combinations(places, 2):
        if one.x == other.x:
            assert one.y + one.height <= other.y + 0.01 or other.y + other.height <= one.y + 0.01
    for each in places:
        assert each.y + 0.01 >= 0
        assert each.y + each.height <= plan.height + 0.01
        assert sum(strip.width for strip in each.gives) <= each.height
        assert sum(strip.width for strip in each.takes) <= each.height


def test_bands_are_as_wide_as_their_value() -> None:
    strips = layout.plan(picture(pays.traced(PAYMENTS, STOPS))).strips
    wide = {strip.band.lines[0]: strip for strip in strips}
    large, small = wide["1,000,030 USDT"], wide["250,000 USDT"]
    assert large.low / small.low == pytest.approx(1_000_030 / 250_000)
    mixed = wide["350,030 USDT"]
    assert mixed.other / mixed.low == pytest.approx((400_000 - 350_030) / 350_030)
    assert wide["280 USDT"].low == 2.0


def test_much_other_money_is_not_drawn_to_scale_and_says_so() -> None:
    shown = picture(pays.traced([("watched", "a", 100, 100), ("a", "b", 60, 900_000)]))
    (wide,) = [strip for strip in layout.plan(shown).strips if strip.cut]
    assert wide.other == pytest.approx(2 * wide.low)
    assert "of 900,000 USDT" in wide.band.lines
    assert "more of it than is drawn" in texts(draw.svg(shown))
    assert "more of it than is drawn" not in texts(draw.svg(picture(pays.traced(PAYMENTS))))


def test_the_same_is_said_in_words() -> None:
    shown = picture(pays.traced(PAYMENTS, STOPS), state="state 3 (1a2b3c4d)")
    said = words.alt(shown)
    assert said.startswith("Case CRANE-01, Salaries: where the money went\n1,411,330 USDT left")
    for each in (*shown.boxes, *shown.bands, *shown.backs, *shown.columns):
        assert each.title in said
    assert "state 3 (1a2b3c4d)" in said
    assert not re.search(r"\b(ours|proceeds|dirty|proof)\b", said)


def test_times_of_a_band_are_short() -> None:
    assert words.span_said(0, 0, year=False) == "1 Jan 00:00"
    assert words.span_said(0, 3600, year=False) == "1 Jan 00:00–01:00"
    assert words.span_said(0, 86_400 * 3, year=True) == "1–4 Jan 1970"
    assert words.span_said(0, 86_400 * 40, year=False) == "1 Jan–10 Feb"
    assert words.span_said(10**18, 10**18, year=False) == ""


def test_words_that_do_not_fit_are_cut_with_a_sign() -> None:
    assert letters.cut("Kraken hot wallet", 12, 60).endswith("…")
    assert letters.width(letters.cut("W" * 90, 12, 60), 12) <= 60
    assert letters.broken("one two three", 11, 40) == ["one two", "three"]


def test_a_token_that_nobody_verified_is_no_wide_band() -> None:
    trace = pays.traced([("watched", "a", 100, 100), ("watched", "b", 100, 100)])
    bait = TracedAsset("ethereum", "0x" + "99" * 20, "", 0, False)
    edges = [replace(e, asset=bait, usd=None) if at else e for at, e in enumerate(trace.edges)]
    source = next(node for node in trace.nodes if node.hop == 0)
    gone = [replace(each, asset=bait, usd=None) for each in source.left]
    nodes = [replace(n, left=(*n.left, *gone)) if n.hop == 0 else n for n in trace.nodes]
    shown = picture(replace(trace, edges=tuple(edges), nodes=tuple(nodes)))
    assert [band.high > 0 for band in shown.bands] == [True, False]
    assert "of an unverified token" in words.alt(shown)
