"""Published lists at the desk: how each stands, what changed and what is known of it, and what
somebody does about a row. A list of another case is not there at all."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from werkzeug.test import Client
from world.desk_open import Open, client
from world.deskbook import person
from world.published import Desk, Line, address, lines

from monitor.loops import list_words
from monitor.loops.desk import wishes, work
from monitor.loops.desk.carrying import carry_out
from monitor.loops.desk.proposing import ALL
from monitor.loops.lists import Lists
from monitor.model.acts import DAEMON, Actor
from monitor.model.acts_desk import SetMember
from monitor.model.desk import DeskSettings, Person, Role, Sight
from monitor.model.desk_work import Member, Proposal, Standing
from monitor.model.lists import ListConfig
from monitor.store import desk as people
from monitor.store import listing
from monitor.store.commit import commit
from monitor.store.guard import BEGUN, DATABASE, lock
from monitor.store.sight import of_case, of_entries
from monitor.store.sqlite import Store
from monitor.web.desk.publications import PAGE

Say = Callable[[Lists, Actor, str, str, str], str]
CANARY = "Zebrafinch-77"
ON = DeskSettings(on=True)
WETH = "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"
HOSTILE = "<script>alert(1)</script>\u202eevil"
FIRST = [*lines(*range(5)), Line(WETH, "3", "TOKEN"), *lines(30, entity="7", name="BETA")]
SECOND = [
    *lines(0, 1, 2, name=HOSTILE),  # renamed; 3 and 4 are removed
    Line(WETH, "3", "TOKEN"),
    *lines(30, entity="8", name="GAMMA"),  # moved from 7
    *lines(40, entity="9", name="DELTA"),  # added
    Line("not an address at all", "9", "DELTA"),
]
OFAC = {
    "kind": "ofac_sdn", "url": "https://lists.example/sdn.xml", "title": "OFAC", "watch": "yes",
    "case": "OFAC-{entity}", "chains": "published",
}  # fmt: skip
OF_B = {"kind": "csv", "file": "b.csv", "title": f"List {CANARY}", "case": "case-b", "watch": "yes"}
OF_A = {"kind": "csv", "file": "a.csv", "title": "List of A", "case": "case-a", "watch": "no"}
OURS = {"kind": "text", "file": "ours.txt", "ours": True, "title": "Our customers"}


@dataclass
class Made:
    home: Path
    publisher: Desk

    def commit(self) -> None:
        """Everything that was agreed to is carried out, as the daemon does it."""
        lists = self.publisher.lists
        kinds = {
            wishes.NOT_FOR_US: partial(_of_list, lists, list_words.not_for_us),
            wishes.OF_LIST: partial(_of_list, lists, list_words.retire_of_list),
            wishes.INSIST: partial(_of_list, lists, list_words.insist_of_list),
        }
        carry_out(self.publisher.store, kinds, int(time.time()))

    def proposals(self) -> list[Proposal]:
        return people.proposals(self.publisher.store, ALL)


def _of_list(lists: Lists, say: Say, proposal: Proposal, actor: Actor) -> str:
    name, address_, why = (str(proposal.args[each]) for each in ("list", "address", "why"))
    return say(lists, actor, name, address_, why)


def listed_home(home: Path) -> Made:
    """OFAC in two versions, a list of case A, one of case B, one that is our own."""
    (home / "config").mkdir(parents=True)
    tree = {"ofac": OFAC, "of-a": OF_A, "of-b": OF_B, "customers": OURS}
    (home / "config/lists.yaml").write_text(json.dumps({"lists": tree}), "utf-8")
    (home / "config/settings.yaml").write_text(json.dumps({"web": {"desk": True}}), "utf-8")
    (home / "watchlist.yaml").write_text('{"addresses": []}', "utf-8")
    for name in ("a.csv", "b.csv", "ours.txt"):
        (home / name).write_text("address,chain,name\n", "utf-8")
    configs = {
        "ofac": ListConfig("ofac", "ofac_sdn", "OFAC", url=str(OFAC["url"]), watch=True,
                           case="OFAC-{entity}"),
        "of-a": ListConfig("of-a", "csv", "List of A", file=home / "a.csv", case="case-a"),
        "of-b": ListConfig("of-b", "csv", f"List {CANARY}", file=home / "b.csv", case="case-b",
                           watch=True),
        "customers": ListConfig("customers", "text", "Our customers", file=home / "ours.txt",
                                ours=True),
    }  # fmt: skip
    publisher = Desk(home, configs)
    (home / BEGUN).touch()
    publisher.take(FIRST, "2026-03-01")
    publisher.take(SECOND, "2026-03-20", **{"shrunk": True})
    head = "address,chain,name\n"
    publisher.take(f"{head}{address(50)},ethereum,Friend of A\n", name="of-a")
    publisher.take(f"{head}{address(60)},ethereum,{CANARY}\n", name="of-b")
    publisher.take(f"{address(70)}\n", name="customers")
    publisher.lists.settle()
    for name, role in (("m.ortiz", Role.ANALYST), ("k.brandt", Role.LEAD)):
        work.add_person(publisher.store, DAEMON, name, role, 1)
        work.enrolled(publisher.store, DAEMON, name, 1)
        member = SetMember(1, Member("case-a", name, 1), "for a test")
        commit(publisher.store, DAEMON, member)
    return Made(home, publisher)


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """For tests that change nothing."""
    return listed_home(tmp_path_factory.mktemp("lists"))


@pytest.fixture
def world(tmp_path: Path) -> Made:
    return listed_home(tmp_path / "home")


@pytest.fixture
def guard() -> Open:
    return Open(
        person=Person("m.ortiz", Role.ANALYST, enrolled=1), cases=("case-a",), lists=["ofac"]
    )


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition("<main")[2]))


def row_of(page: str, word: str) -> str:
    """The first row of the table that holds a word, as text."""
    rows = re.findall(r"<tr>.*?</tr>", page.partition('table class="cards listed')[2], re.S)
    return text_of("<main" + next(each for each in rows if word in each))


def key_of(page: str, act: str, word: str) -> str:
    rows = re.findall(r"<tr>.*?</tr>", page, re.S)
    mine = next(each for each in rows if word in each and f"do={act}&" in each)
    found = re.search(r"row=([0-9a-f]+)", mine)
    assert found
    return found[1]


def test_every_list_that_may_be_seen_says_how_it_stands(still: Made, guard: Open) -> None:
    with client(still.home, guard) as browser:
        seen = {}
        for role in Role:
            guard.person = Person("m.ortiz", role, enrolled=1)
            said = browser.get("/lists")
            assert said.status_code == 200
            seen[role] = set(re.findall(r'href="/lists/([^"]+)"', said.text))
            assert (CANARY in said.text) is (role in (Role.LEAD, Role.AUDITOR))
        page = text_of(said.text)
    assert seen == {
        Role.READER: {"of-a"},
        Role.ANALYST: {"ofac", "of-a"},
        Role.LEAD: {"ofac", "of-a", "of-b", "customers"},
        Role.AUDITOR: {"ofac", "of-a", "of-b", "customers"},
        Role.ADMIN: {"of-a"},
    }
    assert "List of A" in page


@pytest.mark.parametrize("role", list(Role))
def test_a_list_that_may_not_be_seen_is_not_there(still: Made, guard: Open, role: Role) -> None:
    guard.person = Person("m.ortiz", role, enrolled=1)
    with client(still.home, guard) as browser:
        nowhere = text_of(browser.get("/lists/no-such-list").text).partition("As of")[0]
        for name in ("ofac", "of-a", "of-b", "customers"):
            hidden = name not in re.findall(r'href="/lists/([^"]+)"', browser.get("/lists").text)
            for path in (f"/lists/{name}", f"/lists/{name}?view=all&q={CANARY}"):
                said = browser.get(path)
                if hidden:
                    assert said.status_code == 404
                    assert text_of(said.text).partition("As of")[0] == nowhere
            form = {"row": "0" * 24, "why": "x", "once": "1"}
            if role in (Role.ANALYST, Role.LEAD):
                assert browser.post(f"/lists/{name}/retire", data=form).status_code == 404
            else:
                assert browser.post(f"/lists/{name}/retire", data=form).status_code == 403


def test_changes_say_what_happened_and_what_is_known(still: Made, guard: Open) -> None:
    with client(still.home, guard) as browser:
        page = browser.get("/lists/ofac").text
        first = browser.get("/lists/of-a").text
    assert "number 2" in text_of(page)
    assert "of 2026-03-20" in text_of(page)
    assert "1 token contract" in text_of(page)
    gone = row_of(page, address(3))
    assert gone.startswith((" removed", "removed"))
    assert "not on it since 2026-03-20; still watched" in gone
    assert "looking back" in gone
    assert "in no recorded movement that you see" in gone
    changed = row_of(page, address(0))
    assert "changed" in changed
    assert "name: ALPHA before, <script>" in changed.replace("&lt;", "<").replace("&gt;", ">")
    assert "\u202e" not in page
    assert "<script>alert" not in page
    new, old = (
        row_of(page.replace(other, ""), address(30))
        for other in ("now listed for", "before listed")
    )
    assert "moved to another owner" in new
    assert "before listed for BETA (7)" in row_of(page, "before listed for")
    assert "now listed for GAMMA (8)" in row_of(page, "now listed for")
    assert "moved" in old
    assert "added" in row_of(page, address(40))
    assert "added, not readable" in row_of(page, "not an address at all")
    assert "is nothing that Fundwatch knows as an address" in page or "refused" in page
    assert "All rows" in text_of(first)  # of one version its rows
    assert "Friend of A" in first


def test_rows_can_be_narrowed_by_what_stands_in_the_address_bar(still: Made, guard: Open) -> None:
    with client(still.home, guard) as browser:

        def found(query: str) -> int:
            page = browser.get(f"/lists/ofac?{query}").text.partition("cards listed")[2]
            return page.count("<tr>") - 1 if page else 0

        assert found("view=all") == 7
        assert found("view=all&to=1") == 7
        assert found("view=all&rule=any") == 2
        assert found("view=all&rule=token+contract") == 1
        assert found("view=all&watched=yes") == 5
        assert found("view=all&watched=no") == 2
        assert found(f"view=all&q={address(40)[5:20].upper()}") == 1
        assert found("view=all&q=delta") == 2
        assert found("view=all&q=%25") == 0
        assert found("view=gone") == 3
        assert found("view=changes&from=1&to=1") == 0
        assert found("view=changes&from=2&to=1") == found("view=changes") == 9
        for odd in ("view=x", "from=9&to=x", "after=%00", "rule=x&watched=x", "do=take&row=x"):
            assert browser.get(f"/lists/ofac?{odd}").status_code == 200


def test_the_case_of_a_list_is_named_to_who_may_see_it(world: Made, guard: Open) -> None:
    path = world.home / "config/lists.yaml"
    path.write_text(path.read_text("utf-8").replace("OFAC-{entity}", CANARY), "utf-8")
    with client(world.home, guard) as browser:
        assert CANARY not in browser.get("/lists/ofac").text
        guard.cases = ("case-a", CANARY)
        assert CANARY in browser.get("/lists/ofac").text


def test_all_rows_of_a_filter_come_as_a_file_with_their_number(still: Made, guard: Open) -> None:
    with client(still.home, guard) as browser:
        for query, number in (("view=all", 7), ("view=changes", 9), ("view=all&rule=any", 2)):
            page = browser.get(f"/lists/ofac?{query}").text
            link = re.search(r'href="(/lists/ofac/rows.csv[^"]+)"', page)
            assert link
            data = browser.get(link[1].replace("&amp;", "&")).data
            body, _, last = data.rstrip().rpartition(b"\r\n")
            digest = hashlib.sha256(body + b"\r\n").hexdigest()
            assert last == f"end,{number},{digest}".encode()
            assert len(body.split(b"\r\n")) == number + 1
        assert b"moved to another owner" in browser.get("/lists/ofac/rows.csv").data
        for name in ("of-b", "customers", "no-such-list"):
            assert browser.get(f"/lists/{name}/rows.csv").status_code == 404
        guard.person = Person("k.brandt", Role.LEAD, enrolled=1)
        assert browser.get("/lists/customers/rows.csv").status_code == 404


def test_our_own_addresses_are_shown_to_nobody(still: Made, guard: Open) -> None:
    guard.person = Person("k.brandt", Role.LEAD, enrolled=1)
    with client(still.home, guard) as browser:
        page = browser.get("/lists/customers?view=all").text
        assert "shown nowhere" in page
        assert address(70) not in page
        assert browser.get("/lists/of-b?view=all").text.count(CANARY) > 1


def test_what_may_be_seen_is_the_same_however_it_is_asked_for(still: Made) -> None:
    """By a column that is named alone, too: inside a query of its own it must not mean another."""
    store = still.publisher.store
    for lists in ([], ["ofac"], ["of-b"], ["ofac", "of-b"]):
        sight = Sight(frozenset({"case-a"}), loose=True, lists=frozenset(lists))
        found = [
            {row["id"] for row in store.read(f"SELECT id FROM entry WHERE {said}", params)}
            for said, params in (
                of_case(sight), of_case(sight, "entry.case_id"), of_entries(sight),
            )
        ]  # fmt: skip
        mine = {"ofac": 8, "of-b": 1}
        assert found[0] == found[1] == found[2]
        assert len(found[0]) == sum(mine[each] for each in lists)


# -- acts ----------------------------------------------------------------------------------------


def post(browser: Client, name: str, act: str, **form: str) -> int:
    data = {"why": "as agreed", "once": f"{act}{form}", **form}
    return int(browser.post(f"/lists/{name}/{act}", data=data).status_code)


def test_a_row_is_taken_into_a_case_of_ones_own(world: Made, guard: Open) -> None:
    with client(world.home, guard) as browser:
        page = browser.get("/lists/ofac").text
        key = key_of(page, "take", address(40))
        form = browser.get(f"/lists/ofac?view=changes&do=take&row={key}").text
        assert "Take into case" in form
        assert 'value="case-a"' in form
        good = {"row": key, "case": "case-a", "severity": "high", "chain": "Ethereum"}
        for wrong in ({"case": "case-b"}, {"case": ""}, {"severity": "x"}, {"chain": "Tron"}):
            assert post(browser, "ofac", "take", **{**good, **wrong}) == 422
        assert world.proposals() == []
        for _ in range(2):
            assert post(browser, "ofac", "take", **good) == 303
    (made,) = world.proposals()
    assert (made.kind, made.case, made.state) == (wishes.WATCH, "case-a", Standing.AGREED)
    assert made.args["lines"] == {
        "address": address(40), "chain": "ethereum", "case": "case-a", "reason": "as agreed",
        "label": "DELTA", "source": "OFAC, version of 2026-03-20", "severity": "high",
    }  # fmt: skip


def test_retiring_takes_a_second_person_and_shows_afterwards(world: Made, guard: Open) -> None:
    with client(world.home, guard) as browser:
        key = key_of(browser.get("/lists/ofac").text, "retire", address(3))
        assert post(browser, "ofac", "retire", row=key) == 303
        (made,) = world.proposals()
        assert (made.kind, made.state) == (wishes.OF_LIST, Standing.WAITING)
        assert made.id in browser.get("/lists/ofac").text
        work.answer(
            world.publisher.store, ON, person("k.brandt"), made.id, True, "", int(time.time())
        )
        world.commit()
        row = row_of(browser.get("/lists/ofac").text, address(3))
        assert "not watched" in row
        assert "as agreed" in row
        assert "Retire" not in row
        assert post(browser, "ofac", "retire", row=key) == 422  # it stands otherwise by now


def test_what_is_not_for_us_stays_so_until_somebody_insists(world: Made, guard: Open) -> None:
    """Of a list that is only compared."""
    with client(world.home, guard) as browser:
        key = key_of(browser.get("/lists/of-a").text, "not_for_us", address(50))
        assert post(browser, "of-a", "not_for_us", row=key) == 303
        (made,) = world.proposals()
        assert (made.case, made.state) == ("case-a", Standing.AGREED)  # only its people know
        world.commit()
        row = row_of(browser.get("/lists/of-a").text, address(50))
        assert "as agreed" in row
        assert "Not for us" not in row
    world.publisher.set("of-a", watch=True)
    assert world.publisher.entries("of-a") == {}
    said = list_words.insist_of_list(
        world.publisher.lists, person("k.brandt"), "of-a", address(50), "after all"
    )
    assert "watched on" in said
    assert len(world.publisher.entries("of-a")) == 1
    assert world.publisher.differences() == []


def test_insisting_against_a_rule_and_who_may_act(world: Made, guard: Open) -> None:
    with client(world.home, guard) as browser:
        page = browser.get("/lists/ofac?view=all").text
        key = key_of(page, "insist", WETH)
        assert "Insist" not in row_of(page, "not an address at all")
        assert post(browser, "ofac", "insist", row=key) == 303
        assert world.proposals()[0].kind == wishes.INSIST
        assert post(browser, "ofac", "insist", row="0" * 24) == 404
        assert post(browser, "ofac", "no-act", row=key) == 404
        assert post(browser, "ofac", "shrunk") == 422  # none waits
        for role in (Role.READER, Role.AUDITOR, Role.ADMIN):
            guard.person = Person("m.ortiz", role, enrolled=1)
            assert post(browser, "ofac", "insist", row=key) == 403
            assert "do=insist" not in browser.get("/lists/ofac?view=all").text


def test_a_list_that_shrank_is_taken_by_two(world: Made, guard: Open) -> None:
    with world.publisher.store.write() as conn:
        conn.execute("UPDATE list_state SET held = 'x', held_why = 'it lost 4 of 7 rows'")
    assert listing.state(world.publisher.store, "ofac").held
    with client(world.home, guard) as browser:
        page = browser.get("/lists/ofac").text
        assert "A newer version is not taken" in page
        assert "Take it all the same" in page
        assert post(browser, "ofac", "shrunk") == 303
        (made,) = world.proposals()
        assert (made.kind, made.state) == (wishes.SHRUNK, Standing.WAITING)
        assert made.args["lists"] == ["ofac"]


def test_a_proposal_about_a_list_of_a_case_is_for_its_people(world: Made, guard: Open) -> None:
    guard.person = Person("k.brandt", Role.LEAD, enrolled=1)
    with lock(world.home), client(world.home, guard) as browser:
        key = key_of(browser.get("/lists/of-b").text, "retire", address(60))
        assert post(browser, "of-b", "retire", row=key) == 303
        (made,) = world.proposals()
        assert made.case == "case-b"
        guard.person = Person("m.ortiz", Role.ANALYST, enrolled=1)
        assert browser.get(f"/proposal/{made.id}").status_code == 404
        for path in ("/inbox?view=second", "/lists", "/health"):
            assert "of-b" not in browser.get(path).text


# -- a long one ----------------------------------------------------------------------------------


def test_a_list_of_a_hundred_thousand_rows_answers_at_once(world: Made, guard: Open) -> None:
    number = 100_000
    store = Store(world.home / DATABASE)
    with store.write() as conn:
        conn.execute(
            "INSERT INTO publication SELECT 'ofac', 3, sha256, '2026-04-01', fetched, bytes, ?, "
            "refused, kind, remarks, taken FROM publication WHERE list = 'ofac' AND nr = 2",
            (number + 7,),
        )
        columns = (
            "list, key, from_nr, says, since, at_least, place, published_as, ticker, network, "
            "entity, name, programs, label, chain, chains, address, rule, reason, warning"
        )
        conn.executemany(
            f"INSERT INTO listing ({columns}) VALUES ('ofac',?,3,'s','2026-04-01',0,'uid',?,'ETH',"
            "'','99','MANY','[]','','ethereum','[\"ethereum\"]',?,'','','')",
            ((f"{n:024x}", f"0x{n:040x}", f"0x{n:040x}") for n in range(1, number + 1)),
        )
        conn.execute("INSERT INTO scope (key, chain, address) SELECT 'ethereum/' || address, "
                     "'ethereum', address FROM listing WHERE from_nr = 3")  # fmt: skip
        (terms,) = conn.execute("SELECT terms FROM entry WHERE list = 'ofac' LIMIT 1").fetchone()
        told = json.loads(terms)
        told["origin"]["entity"] = "99"
        conn.execute(
            "INSERT INTO entry (id, subject, case_id, terms, added, base_height, base_time, "
            "base_head_time, history, brought) SELECT 'E-' || key, 'ethereum/' || address, "
            "'OFAC-99', ?, 1, 1, 1, 1, 'told', '' FROM listing WHERE from_nr = 3",
            (json.dumps(told),),
        )
        conn.execute("ANALYZE")
    store.close()
    with lock(world.home), client(world.home, guard) as browser:
        for name, role in (("m.ortiz", Role.ANALYST), ("k.brandt", Role.LEAD)):
            guard.person = Person(name, role, enrolled=1)
            _answers_at_once(browser, number)


def _answers_at_once(browser: Client, number: int) -> None:
    browser.get("/help")  # the strip looks once in a while, and not for this page
    for path in (
        *("/lists", "/lists/ofac", "/lists/ofac?view=all", "/lists/ofac?view=changes"),
        *("/lists/ofac?view=all&watched=no", "/lists/ofac?view=all&rule=any"),
        *("/lists/ofac?view=gone", "/lists/ofac?view=all&q=DELTA"),
        f"/lists/ofac?view=all&after={number // 2:024x}",
    ):
        best = min(_seconds(browser, path) for _ in range(3))
        assert best < 0.3, (path, best)
    page = browser.get("/lists/ofac?view=all").text
    assert page.count("<tr>") == PAGE + 1
    assert len(page.encode()) < 150_000


def _seconds(browser: Client, path: str) -> float:
    """Of work: what else this machine does while it waits says nothing of the page."""
    begun = time.thread_time()
    assert browser.get(path).status_code == 200
    return time.thread_time() - begun


def test_pages_follow_each_other_without_a_gap(world: Made, guard: Open) -> None:
    many = lines(*range(100, 350), entity="5", name="MANY")
    world.publisher.take([*SECOND, *many], "2026-04-01")
    with client(world.home, guard) as browser:
        for view in ("all", "changes"):
            seen: list[str] = []
            path = f"/lists/ofac?view={view}"
            while path:
                page = browser.get(path).text
                seen += re.findall(r'<td class="whole"><span class="mono">([^<]+)<', page)
                more = re.search(r'rel="next" href="([^"#]+)', page)
                path = more[1].replace("&amp;", "&") if more else ""
            assert len(seen) == len({*seen}) == (257 if view == "all" else 250)


@pytest.fixture(scope="module", autouse=True)
def _closed(still: Made) -> Iterator[None]:
    yield
    still.publisher.store.close()
