"""What people say of the addresses of a published list: by acts, and kept over its versions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from world.deskbook import ANN, ON, joined_in
from world.listed import take_list
from world.logged import erase
from world.published import Desk, Line, address, key, lines, met

from monitor.loops import list_rows, list_words
from monitor.loops.desk import wishes, work
from monitor.loops.desk.carrying import carry_out
from monitor.loops.desk.claims import Claims
from monitor.messages import loglines
from monitor.model import Baseline, Severity, Subject
from monitor.model.acts import DAEMON, Actor, ActorKind, Respell
from monitor.model.desk import Role
from monitor.model.desk_work import Proposal
from monitor.model.errors import ConfigError
from monitor.model.lists import RowState
from monitor.store import listing, watch
from monitor.store.commit import commit
from monitor.store.verify import handout
from monitor.store.verify.chain import parsed
from monitor.watchlist import listed

KIM = Actor(ActorKind.CLI, "Kim", "a name given to a command")
ROWS = lines(*range(20)) + lines(30, 31, entity="7", name="BETA")
WETH = "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    made.take(ROWS, "2026-03-01")
    yield made
    made.store.close()


def say(desk: Desk, what: str, *pairs: str, why: str = "because") -> str:
    return list_words.set_of_list(desk.lists, {"USDC"}, KIM, "ofac", what, pairs, why)


def retire(desk: Desk, what: str, why: str = "no longer ours to watch") -> str:
    return list_words.retire_of_list(desk.lists, KIM, "ofac", what, why)


def insist(desk: Desk, what: str) -> str:
    return list_words.insist_of_list(desk.lists, KIM, "ofac", what, "the court wants it")


def told(desk: Desk) -> list[str]:
    """The log in words."""
    texts = desk.store.read("SELECT text FROM log_text WHERE text IS NOT NULL ORDER BY seq")
    return [loglines.said(parsed(row["text"]) or {}) for row in texts]


# -- set -------------------------------------------------------------------------------------


def test_an_address_is_told_otherwise_and_stays_so(desk: Desk) -> None:
    said = say(
        desk,
        ROWS[0].address.upper().replace("0X", "0x"),
        "severity=low",
        "min_amount=USD=1000,ETH:0.5",
    )
    assert said.startswith(
        f"set       severity=low, min_amount=USD=1000,ETH=0.5 of {ROWS[0].address} on list ofac: "
    )
    for _ in range(2):
        entry = desk.entries()[key(ROWS[0])]
        assert (entry.severity, entry.min_amount) == (Severity.LOW, {"USD": "1000", "ETH": "0.5"})
        assert desk.entries()[key(ROWS[1])].severity is Severity.HIGH
        desk.take([*ROWS, *lines(50)], "2026-03-02")
        desk.reopen()
        desk.lists.settle()
    say(desk, ROWS[0].address, "severity=")
    entry = desk.entries()[key(ROWS[0])]
    assert (entry.severity, entry.min_amount) == (Severity.HIGH, {"USD": "1000", "ETH": "0.5"})
    assert desk.differences() == []
    assert any("severity taken back" in line for line in told(desk))


def test_an_entity_is_told_otherwise_with_its_later_addresses(desk: Desk) -> None:
    say(desk, "7", "busy=yes", "incoming=as severity", "chains=ethereum,bnb,bitcoin")
    desk.take([*ROWS, *lines(32, entity="7", name="BETA")], "2026-03-02")
    mine = {k: e for k, e in desk.entries().items() if k.endswith(" 7")}
    assert {k.partition("/")[0] for k in mine} == {"ethereum", "bnb"}
    assert len(mine) == 6
    assert all(e.busy and e.incoming == "" for e in mine.values())
    say(desk, ROWS[20].address, "busy=no")  # of one address goes before that
    assert not desk.entries()[key(ROWS[20])].busy
    assert desk.entries()[key(ROWS[21])].busy
    assert desk.differences() == []


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ((), "KEY=VALUE: is missing. Write for example"),
        (("severety=low",), "'severety=low' is nothing to set. Did you mean severity=VALUE?"),
        (("follow=yes",), "is nothing to set. Write KEY=VALUE with one of busy, severity"),
        (("severity=lower",), "severity: 'lower' is not a severity. Did you mean low?"),
        (("severity=low", "severity=high"), "is given twice"),
        (("busy=maybe",), "busy: 'maybe' is not a busy. Write one of yes, no"),
        (("incoming=weekly",), "incoming: 'weekly' is no choice. Write daily, or 'as severity'"),
        (
            ("min_amount=5",),
            "min_amount: '5' names no coin. Write for example  min_amount=USD=5000",
        ),
        (("min_amount={USD: lots}",), "is not an amount in coins"),
        (("min_amount={FOO: 1}",), "FOO"),
        (("chains=etherium",), "Did you mean ethereum?"),
        (("channels=desk",), "is not a channel of config/channels.yaml"),
        (("severity=low\nbusy: yes",), "has signs that cannot be printed"),
        (("chains=[ethereum",), "chains: "),
        (("chains={ethereum: 1}",), "chains: needs a list of names"),
    ],
)
def test_what_cannot_be_set_is_said_with_its_remedy(
    desk: Desk, pairs: tuple[str, ...], said: str
) -> None:
    before = desk.entries()
    with pytest.raises(ConfigError) as error:
        say(desk, ROWS[0].address, *pairs)
    assert said in str(error.value)
    assert desk.entries() == before
    assert listing.all_words(desk.store, "ofac") == []


def test_who_is_not_on_the_list_is_said_with_who_is_near(desk: Desk) -> None:
    wrong = ROWS[3].address[:-1] + ("0" if ROWS[3].address[-1] != "0" else "1")
    with pytest.raises(ConfigError, match=f"Did you mean {ROWS[3].address}"):
        say(desk, wrong, "busy=yes")
    for text in ("%", "", "' OR 1=1", "%%%%%%%%", "0x" + "f" * 500):
        with pytest.raises(ConfigError, match="is no address or entity of this list"):
            say(desk, text, "busy=yes")
    with pytest.raises(ConfigError, match="is no list in use"):
        list_words.set_of_list(desk.lists, (), KIM, "ofak", ROWS[0].address, ["busy=yes"], "x")
    with pytest.raises(ConfigError, match="Say why"):
        say(desk, ROWS[0].address, "busy=yes", why=" ")


def test_two_words_of_one_second_are_two(desk: Desk) -> None:
    for _ in range(3):
        say(desk, ROWS[0].address, "busy=yes")
        say(desk, ROWS[0].address, "busy=no")
    assert len(listing.all_words(desk.store, "ofac")) == 6
    assert not desk.entries()[key(ROWS[0])].busy
    assert desk.differences() == []


# -- retire ----------------------------------------------------------------------------------


def test_a_watch_is_ended_by_a_person_and_stays_ended(desk: Desk) -> None:
    assert retire(desk, ROWS[5].address).startswith(f"retired   {ROWS[5].address} of list ofac: ")
    assert key(ROWS[5]) not in desk.entries()
    desk.take([*lines(*range(20), programs=("OTHER",)), *ROWS[20:]], "2026-03-02")  # only changed
    assert key(ROWS[5]) not in desk.entries()
    desk.set(severity=Severity.MEDIUM)
    assert key(ROWS[5]) not in desk.entries()
    ended = desk.watched()[key(ROWS[5])].entry.retired
    assert ended.endswith('Kim "no longer ours to watch"')
    with pytest.raises(ConfigError, match="is retired already"):
        retire(desk, ROWS[5].address)
    assert desk.differences() == []


def test_a_removal_is_decided_by_a_person(desk: Desk) -> None:
    desk.take(ROWS[1:], "2026-03-05")
    (gone,) = listing.removals(desk.store, "ofac")
    retire(desk, gone.entry.subject.address, why="delisted, the case is closed")
    assert listing.removals(desk.store, "ofac") == []
    assert desk.differences() == []


def test_listed_again_is_watched_again_as_from_first_contact(desk: Desk) -> None:
    """Months of old movements would come as news otherwise."""
    (row,) = desk.store.read("SELECT id FROM entry WHERE listed = ?", [ROWS[0].address])
    entry = row["id"]
    base = Baseline(100, 1_700_000_000, 1_700_000_000)
    met(desk.store, entry, base)
    desk.take(ROWS[1:], "2026-03-05")
    retire(desk, ROWS[0].address)
    assert desk.watched()[key(ROWS[0])].baseline == base
    desk.take(ROWS, "2026-06-05")
    watched = desk.watched()[key(ROWS[0])]
    assert (watched.active, watched.baseline, watched.entry.id) == (True, None, entry)
    assert watched.entry.retired == ""
    (row,) = desk.store.read("SELECT history, added FROM entry WHERE id = ?", [entry])
    assert row["history"] == "due"
    (due,) = desk.store.read("SELECT due FROM scope WHERE address = ?", [ROWS[0].address])
    assert due["due"] == 0
    assert desk.differences() == []


def test_what_was_ended_by_mistake_is_watched_again(desk: Desk) -> None:
    retire(desk, ROWS[5].address)
    assert insist(desk, ROWS[5].address).startswith(f"insisted  {ROWS[5].address} of list ofac: ")
    assert key(ROWS[5]) in desk.entries()
    with pytest.raises(ConfigError, match="is refused by no rule"):
        insist(desk, ROWS[5].address)
    assert desk.differences() == []


def test_a_list_that_left_the_settings_can_still_be_let_go(desk: Desk) -> None:
    desk.configs = {}
    desk.reopen()
    retire(desk, ROWS[5].address)
    assert key(ROWS[5]) not in desk.entries()
    assert len(desk.entries()) == len(ROWS) - 1
    assert desk.differences() == []


# -- insist ----------------------------------------------------------------------------------


def test_a_person_may_insist_against_a_rule(desk: Desk) -> None:
    weth = Line(WETH)
    desk.take([*ROWS, weth], "2026-03-02")
    assert key(weth) not in desk.entries()
    insist(desk, WETH)
    for day in ("2026-03-03", "2026-03-04"):
        assert key(weth) in desk.entries()
        desk.take([*ROWS, weth, *lines(60)], day)
    words = listing.words(desk.store, "ofac")
    (row,) = listing.histories(desk.store, "ofac", [WETH])[WETH, "1"]
    assert listed.state(row, 9, words, watched=True) is RowState.WATCHED
    assert listed.state(row, 9, {}, watched=False) is RowState.REFUSED
    assert desk.differences() == []


def test_while_the_desk_is_on_it_is_proposed(desk: Desk) -> None:
    """By a typed name, against a rule and to end a watch; done once another person agreed."""
    weth = Line(WETH)
    desk.take([*ROWS, weth], "2026-03-02")
    joined_in(desk.store, "ann", Role.LEAD)
    claims = Claims(desk.store, ON)
    for kind, what in ((wishes.INSIST, WETH), (wishes.OF_LIST, ROWS[0].address)):
        said = claims.of_list(KIM, kind, "ofac", what, "the court wants it", 5)
        name = said.split()[1].rstrip(";")
        work.answer(desk.store, ON, ANN, name, True, "", 6)
    assert key(weth) not in desk.entries()

    def insisted(proposal: Proposal, actor: Actor) -> str:
        assert "agreed to by ann" in actor.authority
        what, why = str(proposal.args["address"]), str(proposal.args["why"])
        return list_words.insist_of_list(desk.lists, actor, "ofac", what, why)

    def ended(proposal: Proposal, actor: Actor) -> str:
        what, why = str(proposal.args["address"]), str(proposal.args["why"])
        return list_words.retire_of_list(desk.lists, actor, "ofac", what, why)

    carry_out(desk.store, {wishes.INSIST: insisted, wishes.OF_LIST: ended}, 7)
    assert key(weth) in desk.entries()
    assert key(ROWS[0]) not in desk.entries()
    states = desk.store.read("SELECT DISTINCT state FROM proposal")
    assert [row["state"] for row in states] == ["done"]
    assert desk.differences() == []


def test_nobody_can_insist_on_what_cannot_be_watched(desk: Desk) -> None:
    desk.take([*ROWS, Line("no address", "8")], "2026-03-02")
    with pytest.raises(ConfigError, match="cannot be watched at all: "):
        insist(desk, "no address")


# -- the log ---------------------------------------------------------------------------------


def test_name_and_reason_of_a_word_can_be_erased(desk: Desk) -> None:
    say(desk, ROWS[0].address, "busy=yes", "severity=low", why="Jane Doe lives there")
    (row,) = desk.store.read(
        "SELECT seq FROM log_text WHERE text LIKE '%Jane Doe%' AND text LIKE '%\"word\"%'"
    )
    erase(desk.store, [row["seq"]])
    found = desk.store.read("SELECT name, why FROM list_word")
    assert [tuple(each) for each in found] == [("", ""), ("", "")]
    assert desk.entries()[key(ROWS[0])].severity is Severity.LOW
    assert desk.differences() == []


def test_the_log_says_what_was_done(desk: Desk) -> None:
    say(desk, "7", "busy=yes")
    lines_ = told(desk)
    assert any(line.startswith("took version 1 of list ofac of 2026-03-01 (") for line in lines_)
    assert "list ofac, version 1: 22 rows new or changed, 0 gone or changed" in lines_
    assert lines_[-1] == 'said of entity:7 of list ofac: busy true ("because")'
    assert any(line.startswith("watched because of list ofac: E-") for line in lines_)
    assert any(line.startswith("changed because of list ofac: E-") for line in lines_)


def test_a_case_holds_its_own_parts_alone(desk: Desk) -> None:
    say(desk, "7", "busy=yes")
    retire(desk, ROWS[0].address)
    for case, mine in (("OFAC-7", "entity:7"), ("OFAC-1", ROWS[0].address)):
        rows = desk.store.read(
            "SELECT text FROM log_text t JOIN log_case c ON c.seq = t.seq WHERE case_id = ? "
            "AND text LIKE '%\"word\"%'",
            [case],
        )
        assert len(rows) == 1
        assert mine in rows[0]["text"]
    assert address(1) not in "".join(
        row["text"]
        for row in desk.store.read(
            "SELECT text FROM log_text t JOIN log_case c ON c.seq = t.seq WHERE case_id = 'OFAC-7'"
        )
    )


# -- rows, as people see them ----------------------------------------------------------------


def seen(desk: Desk, nr: int | None = None) -> dict[str, tuple[str, str, list[str]]]:
    """By address: state, reason, chains."""
    versions = listing.publications(desk.store, "ofac")
    found = list_rows.rows(desk.store, "ofac", versions[-1 if nr is None else nr - 1])
    return {
        each.row.row.published.address: (each.state.value, each.reason, [*each.chains])
        for each in found
    }


def test_rows_say_how_they_stand(desk: Desk) -> None:
    later = [*ROWS[1:], Line(WETH), Line("no address", "8")]
    desk.take(later, "2026-03-05")
    retire(desk, ROWS[5].address)
    say(desk, ROWS[6].address, "chains=[ethereum, bnb]")
    found = seen(desk)
    assert len(found) == len(ROWS) + 2
    assert found[ROWS[1].address] == ("watched", "", ["ethereum"])
    assert found[ROWS[0].address][:2] == ("removed", "not on it since 2026-03-05; still watched")
    assert found[ROWS[5].address][0] == "listed"
    assert found[ROWS[5].address][1].startswith("ended 20")
    assert found[WETH][0] == "refused"
    assert found["no address"][0] == "refused"
    assert sorted(found[ROWS[6].address][2]) == ["bnb", "ethereum"]
    before = seen(desk, 1)
    assert len(before) == len(ROWS)
    assert before[ROWS[0].address][0] == "removed"
    retire(desk, ROWS[0].address)
    assert "; ended 20" in seen(desk)[ROWS[0].address][1]


def test_of_a_row_that_came_and_went_the_last_time_is_shown(desk: Desk) -> None:
    for number, rows in enumerate((ROWS[1:], ROWS, ROWS[1:]), 2):
        desk.take(rows, f"2026-03-0{number}")
    found = list_rows.rows(desk.store, "ofac", listing.publications(desk.store, "ofac")[-1])
    (gone,) = [each.row for each in found if each.state is RowState.REMOVED]
    assert (gone.since, gone.until) == ("2026-03-03", "2026-03-04")


def test_changes_say_what_was_and_is(desk: Desk) -> None:
    desk.take([*ROWS[1:20], *lines(40), *lines(30, 31, entity="7", name="BETA LTD")], "2026-03-05")
    old, new = listing.publications(desk.store, "ofac")
    found = sorted(list_rows.changes(desk.store, "ofac", old, new), key=lambda each: each[0])
    assert [each[0] for each in found] == ["added", "changed", "changed", "removed"]
    assert found[0][1].row.row.published.address == address(40)
    for word, now, was in found[1:3]:
        assert word == "changed"
        assert was
        assert was.row.row.published.entity.name == "BETA"
        assert now.row.row.published.entity.name == "BETA LTD"
    assert found[3][1].state is RowState.REMOVED


# -- what others do to entries of lists ------------------------------------------------------


def test_an_address_that_is_written_anew_keeps_the_rule_of_its_id(desk: Desk) -> None:
    old = Subject("ethereum", ROWS[0].address)
    new = Subject("ethereum", address(77))
    commit(desk.store, DAEMON, Respell(1_790_000_000, [(old, new.address)]))
    (entry,) = (e for e in desk.entries().values() if e.subject == new)
    assert entry.id == listed.entry_id("ofac", new, "1")
    assert desk.differences() == []


def test_the_watchlist_leaves_entries_of_lists_alone(desk: Desk) -> None:
    """A list that does not hold them, and a person who would end one there."""
    before = desk.entries()
    take_list(desk.store, [], "an empty watchlist", 1_790_000_000)
    assert desk.entries() == before
    assert watch.absent_entries(desk.store) == []
    assert desk.differences() == []


def test_a_case_is_handed_out_with_its_own_lists_alone(desk: Desk) -> None:
    """Also one that an entity had before the settings named another."""
    say(desk, "7", "busy=yes")
    desk.set(case="DESK-{entity}")
    for case in ("OFAC-7", "DESK-7"):
        counts = handout.Counts()
        text = "".join(handout.lines(desk.store, case, "2026-03-01", "Kim", counts))
        assert counts.shown
        assert "ALPHA" not in text
        assert ROWS[1].address not in text
    text = "".join(handout.lines(desk.store, "OFAC-7", "2026-03-01", "Kim", handout.Counts()))
    assert ROWS[20].address in text
    assert "entity:7" in text
