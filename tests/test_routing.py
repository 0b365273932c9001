"""Who is told what: rules narrow, and never silence an alert."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.decide import routing
from monitor.model import (
    Alert,
    AlertKind,
    ChannelConfig,
    Direction,
    Entry,
    Lane,
    Only,
    Severity,
    Subject,
)
from monitor.model.facts import IncidentNotice, Notice
from monitor.model.ways import NOBODY, Unacknowledged

ENTRY = Entry("E-1", Subject("dev", "0x" + "a" * 40), case="NK-07", tags=("dprk", "sdn"))
MAIL = ChannelConfig("mail", "email", to=("desk@example.org",))
OPS = ChannelConfig("ops", "email", frozenset({"operations"}))
BOSS = ChannelConfig("boss", "email", frozenset({"escalation"}))
CASES = frozenset({"NK-07"})
HOOK = ChannelConfig("hook", "webhook", machine=True)


def alert(kind: AlertKind = AlertKind.MOVEMENT, severity: str = "high", **more: object) -> Alert:
    given = {"direction": Direction.OUT, "entry_id": "E-1", "lane": Lane.NEWS} | more
    return Alert("A-1", kind, severity=Severity(severity), created=0, **given)  # type: ignore[arg-type]


def names(told: Alert, *channels: ChannelConfig, entry: Entry | None = ENTRY) -> set[str]:
    return {name for _, name, _ in routing.routes(told, entry, {c.name: c for c in channels})}


@pytest.mark.parametrize(
    ("only", "taken"),
    [
        (Only(severity=frozenset({"high"})), True),
        (Only(severity=frozenset({"severe"})), False),
        (Only(case=frozenset({"NK-07", "NK-08"})), True),
        (Only(case=frozenset({"NK-08"})), False),
        (Only(tags=frozenset({"sdn"})), True),
        (Only(tags=frozenset({"mixer"})), False),
        (Only(direction=frozenset({"out"})), True),
        (Only(direction=frozenset({"in"})), False),
        (Only(severity=frozenset({"high"}), case=frozenset({"NK-08"})), False),
    ],
)
def test_rules_narrow(only: Only, taken: bool) -> None:
    """A channel takes what its rules name; several lines must all hold."""
    narrow = replace(MAIL, name="narrow", only=only)
    assert names(alert(), narrow, MAIL) == ({"narrow", "mail"} if taken else {"mail"})


def test_entry_names_its_channels_itself() -> None:
    """The channels of an entry go before the rules of channels."""
    narrow = replace(MAIL, name="narrow", only=Only(case=frozenset({"OTHER"})))
    assert names(alert(), narrow, MAIL, entry=replace(ENTRY, channels=("narrow",))) == {"narrow"}


def test_channel_that_no_longer_exists() -> None:
    """An entry that names a channel which was taken away is told to the desk."""
    assert names(alert(), MAIL, OPS, entry=replace(ENTRY, channels=("gone",))) == {"mail"}


def test_escalation_channel_gets_nothing_at_first() -> None:
    """A channel of the escalation alone is told of nothing, unless there is no other."""
    assert names(alert(), MAIL, BOSS) == {"mail"}
    assert names(alert(), BOSS) == {"boss"}


def test_notice_without_its_audience_goes_to_everybody() -> None:
    """News about ourselves reach the desk where nobody is of the operations."""
    desk = replace(MAIL, audience=frozenset({"desk"}))
    notice = alert(AlertKind.NOTICE, entry_id=None, direction=None, audience="operations")
    assert names(notice, desk, BOSS, entry=None) == {"mail"}
    assert names(notice, desk, OPS, entry=None) == {"ops"}


def test_start_up_summary_passes_a_rule_on_direction() -> None:
    """What has no direction is not kept from a channel by a rule about directions."""
    out = replace(MAIL, only=Only(direction=frozenset({"out"})))
    assert names(alert(AlertKind.HISTORY, direction=None), out, OPS) == {"mail"}


def test_cases_stay_apart_when_no_rule_fits() -> None:
    """What no channel would take goes to those of its case before it goes to others."""
    mine = replace(MAIL, name="mine", only=Only(severity=frozenset({"severe"}), case=CASES))
    other = replace(MAIL, name="other", only=Only(case=frozenset({"NK-08"})))
    assert names(alert(), mine, other) == {"mine"}
    unruled = replace(MAIL, name="unruled", only=Only(severity=frozenset({"severe"})))
    assert names(alert(), other, unruled) == {"unruled"}
    assert names(alert(), other) == {"other"}  # better told to the wrong desk than to nobody


def test_notices_go_round_channels_of_single_cases() -> None:
    """They may name any case: a channel with a rule about cases gets them only if all have."""
    narrow = replace(MAIL, name="narrow", only=Only(case=CASES))
    notice = alert(AlertKind.NOTICE, entry_id=None, direction=None, audience="operations")
    assert names(notice, narrow, OPS, entry=None) == {"ops"}
    assert names(notice, narrow, entry=None) == {"narrow"}


_sets = {
    "severity": st.frozensets(st.sampled_from([s.value for s in Severity])),
    "case": st.frozensets(st.sampled_from(["NK-07", "NK-08"])),
    "tags": st.frozensets(st.sampled_from(["dprk", "mixer"])),
    "direction": st.frozensets(st.sampled_from([d.value for d in Direction])),
}
_channels = st.builds(
    replace,
    st.sampled_from([MAIL, OPS, BOSS, HOOK]),
    only=st.builds(Only, **_sets),
    audience=st.frozensets(st.sampled_from(["desk", "operations", "escalation"]), min_size=1),
    quiet_hours=st.none() | st.just((0, 1439)),
)


@given(
    st.lists(_channels, max_size=4, unique_by=lambda c: c.name),
    st.sampled_from(list(AlertKind)),
    st.sampled_from([s.value for s in Severity]),
    st.sampled_from([None, *Direction]),
    st.none() | st.lists(st.sampled_from(["mail", "ops", "gone"])),
)
def test_nothing_is_told_to_nobody(
    channels: list[ChannelConfig],
    kind: AlertKind,
    severity: str,
    direction: Direction | None,
    wanted: list[str] | None,
) -> None:
    """Whatever the rules say, an alert is owed to somebody, and to nobody twice; without any
    channel it is owed to the first that comes."""
    entry = replace(ENTRY, channels=None if wanted is None else tuple(wanted))
    told = alert(kind, severity, direction=direction)
    owed = [n for _, n, _ in routing.routes(told, entry, {c.name: c for c in channels})]
    assert owed
    assert (owed == [NOBODY]) is (not channels)
    assert len(owed) == len(set(owed))


def trouble(key: str, closed: int | None = None) -> Alert:
    facts = Notice(incident=IncidentNotice(key, "Something is wrong.", 0, closed))
    return alert(
        AlertKind.NOTICE, entry_id=None, direction=None, audience="operations", facts=facts
    )


_PAIR = replace(MAIL, to=("a", "b"))
_WAYS = [("mail", "a"), ("mail", "b"), ("ops", "ops"), ("hook", "hook"), ("boss", "boss")]


@given(
    st.lists(st.sampled_from([_PAIR, OPS, BOSS, HOOK]), max_size=4, unique_by=lambda c: c.name),
    st.sampled_from(["channel:mail", "channel:mail/a", "channel:ops", "channel:hook"]),
    st.frozensets(st.sampled_from(_WAYS)),
)
def test_news_of_trouble_take_no_way_that_fails(
    channels: list[ChannelConfig], key: str, failing: frozenset[tuple[str, str]]
) -> None:
    """However many fail: somebody whose way works is told, and where nobody's does, it waits."""
    told = trouble(key)
    configs = {each.name: each for each in channels}
    owed = [name for _, name, _ in routing.routes(told, None, configs, failing)]
    works = {c.name for c in channels for r in c.recipients if (c.name, r) not in failing}
    assert owed == [NOBODY] if not works else set(owed) <= works
    for name in owed if works else ():
        to = routing.able(told, configs[name], failing, others=False)
        assert not failing.intersection((name, each) for each in to)


def test_news_of_trouble_go_to_others_first() -> None:
    """Other channels, else the other recipients, else (it is over) whom it was about."""
    notice, mine = trouble("channel:mail/a"), frozenset({("mail", "a")})
    assert [n for _, n, _ in routing.routes(notice, None, {"mail": _PAIR, "ops": OPS}, mine)] == [
        "ops"
    ]
    assert [n for _, n, _ in routing.routes(notice, None, {"mail": _PAIR}, mine)] == ["mail"]
    assert routing.able(notice, _PAIR, mine, others=True) == ("b",)
    alone = replace(MAIL, to=("a",))
    assert [n for _, n, _ in routing.routes(notice, None, {"mail": alone}, mine)] == [NOBODY]
    assert [n for _, n, _ in routing.routes(notice, None, {"mail": alone})] == ["mail"]


@pytest.mark.parametrize(
    ("hours", "minute", "held"),
    [
        ((22 * 60, 7 * 60), 23 * 60, True),
        ((22 * 60, 7 * 60), 0, True),
        ((22 * 60, 7 * 60), 7 * 60 - 1, True),
        ((22 * 60, 7 * 60), 7 * 60, False),
        ((22 * 60, 7 * 60), 12 * 60, False),
        ((12 * 60, 13 * 60), 12 * 60 + 30, True),
        ((12 * 60, 13 * 60), 13 * 60, False),
    ],
)
def test_quiet_hours(hours: tuple[int, int], minute: int, held: bool) -> None:
    """They hold back what can wait, over midnight too, and never what is urgent."""
    quiet = replace(MAIL, quiet_hours=hours)
    assert routing.waits(quiet, urgent=False, minute=minute) is held
    assert not routing.waits(quiet, urgent=True, minute=minute)
    assert not routing.waits(MAIL, urgent=False, minute=minute)


def test_next_channel_leaves_out_what_does_not_work() -> None:
    """An alert goes down the chain, each channel once, those that are switched off later."""
    chain = ("a", "b", "c")
    assert routing.next_channel([], chain, []) == "a"
    assert routing.next_channel([], chain, ["a"]) == "b"
    assert routing.next_channel(["b"], chain, []) == "a"
    assert routing.next_channel(["a", "b", "c"], chain, []) is None


@pytest.mark.parametrize(
    ("made", "passed", "to"),
    [
        (100, (), ["a"]),
        (101, (), []),  # not long enough ago
        (900, (), []),  # by a clock that ran ahead: it waits since passing on began
        (50, (("a",), 100), ["c"]),  # b is switched off
        (50, (("a",), 101), []),
        (50, (("a", "c"), 60), []),  # the chain has come to its end
    ],
)
def test_each_step_of_passing_on_waits_its_time(
    made: int, passed: tuple[object, ...], to: list[str]
) -> None:
    """From the making of the alert, or from the step before."""
    alert = Unacknowledged("A-1", made, *passed)  # type: ignore[arg-type]
    owed = routing.passed_on([alert], ("a", "b", "c"), {"b"}, 300, since=200, now=400)
    assert owed == [("A-1", channel) for channel in to]


def test_cases_of_others_stay_hidden() -> None:
    """A channel that is told of one case may see the labels of no other."""
    narrow = replace(MAIL, only=Only(case=frozenset({"NK-07"})))
    other = replace(ENTRY, id="E-2", case="NK-08")
    named = replace(ENTRY, id="E-3", case="NK-09", channels=("mail",))
    assert routing.allowed_cases(narrow, [ENTRY, other, named]) == {"NK-07", "NK-09"}
