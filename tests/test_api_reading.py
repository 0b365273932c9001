"""What programs read: every address of the table, held against its description, within what the
token may see, page by page and all at once."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import desk_traced
import pytest
import test_desk_leaks as leaks
from werkzeug.test import Client
from world.api import Program, part, token
from world.desk_open import Open, client
from world.desk_record import CANARY, COIN_A, EVE, MIDDLE, TOKEN, A, B, Made, made
from world.deskbook import NOW, as_home, verified_book

from monitor.loops.desk import work
from monitor.model.acts import DAEMON, Actor, ActorKind
from monitor.model.desk import Role
from monitor.model.ids import stable_id
from monitor.store.guard import DATABASE
from monitor.store.sqlite import Store
from monitor.web.api import sending
from monitor.web.api.routes import ROUTES, routes_at

T = int(time.time())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Made:
    found = made(tmp_path_factory.mktemp("home"))
    store = Store(found.home / DATABASE)
    with store.write() as conn:  # a list of case B that names whom A paid; a message of both
        leaks._list_of_b(conn, found.home)
        leaks._message_of_both(conn, found)
    for name, role, case in (
        ("a.keller", Role.ANALYST, "case-a"), ("l.roth", Role.LEAD, ""),
        ("a.rossi", Role.AUDITOR, ""), ("g.guest", Role.READER, "case-a"),
    ):  # fmt: skip
        work.add_person(store, DAEMON, name, role, T)
        work.enrolled(store, DAEMON, name, T)
        if case:
            work.set_member(store, DAEMON, case, name, True, "for a test", T)
    lead = Actor(ActorKind.PERSON, "l.roth", "signed in")
    for case in ("case-a", "case-b"):
        words = CANARY if case == "case-b" else "of A"
        work.note(store, lead, case, None, f"note {words}", T, case)
    work.take(store, lead, [found.alert_a], T)
    store.close()
    return found


@pytest.fixture(scope="module")
def browser(world: Made) -> Iterator[Client]:
    with client(world.home, Open()) as opened:
        yield opened


def program(world: Made, browser: Client, maker: str) -> Program:
    return Program(browser, token(world.home, maker))


@pytest.fixture(scope="module")
def lead(world: Made, browser: Client) -> Program:
    return program(world, browser, "l.roth")


@pytest.fixture(scope="module")
def member(world: Made, browser: Client) -> Program:
    return program(world, browser, "a.keller")


@pytest.fixture(scope="module")
def auditor(world: Made, browser: Client) -> Program:
    return program(world, browser, "a.rossi")


def paths(world: Made, case: str = "case-a", address: str = A) -> list[str]:
    """One address for each route that reads."""
    alert, entry = world.alert_a, world.entry_a
    if case == "case-b":
        alert, entry = world.alert_b, world.entry_b
    parts = {
        "{case}": case, "{chain}": "ethereum", "{address}": address, "{hash}": world.both,
        "{list}": "of-b" if case == "case-b" else "customers",
    }  # fmt: skip
    found = []
    for route in ROUTES:
        if route.method != "GET":
            continue
        path = route.path
        for name, value in parts.items():
            path = path.replace(name, part(value))
        id_ = entry if path.startswith("/entries") else alert
        id_ = "M-1" if path.startswith("/groups") else id_
        found.append(path.replace("{id}", id_))
    return found


NOT_THERE = ("/traces/", "/lists/customers/changes", "/rests", "/jobs/")


def test_every_address_answers_as_it_is_described(auditor: Program, world: Made) -> None:
    """`Program` holds each answer against the description."""
    for path in paths(world):
        said = auditor.get(path)
        missing = any(each in path for each in NOT_THERE) and "/decisions" not in path
        assert said.status_code == (404 if missing else 200), (path, said.text[:300])
        if "items" in (said.json if said.mimetype.endswith("json") else {}):
            reading = said.json["reading"]
            assert isinstance(reading["complete"], bool), path
            assert reading["said"], path


def test_nothing_of_another_case_is_ever_told(member: Program, lead: Program, world: Made) -> None:
    """Every address, for its own case, for the other one, and in all forms."""
    hidden = (CANARY, world.entry_b, world.alert_b, "case-b")
    seen = 0
    middle = f"/alerts/{stable_id('A', 'middle')}"
    mine = {*paths(world), *paths(world, address=MIDDLE), middle, f"{middle}/history"}
    for path in mine | {*paths(world, "case-b", B)}:
        for accept in ("", sending.NDJSON, sending.CSV):
            text = member.get(path, accept=accept).text
            asked = [each for each in hidden if each in path]
            for each in hidden:
                assert each not in text or each in asked, (path, accept, each)
            assert CANARY not in text, (path, accept)
        seen += any(each in lead.get(path).text for each in hidden)
    assert seen > 10  # it is there, for who may see it


def test_what_is_not_seen_and_what_is_not_there_cannot_be_told_apart(
    member: Program, world: Made
) -> None:
    nowhere = {
        world.alert_b: "A-AAAAAAAAAA", world.entry_b: "E-AAAAAAAAAA", "case-b": "case-z",
        world.friend_of_b: "0x" + "17" * 20, world.only_b: "0x" + "9" * 64,
    }  # fmt: skip
    for path in paths(world, "case-b", world.friend_of_b):
        path = path.replace(world.both, world.only_b)  # noqa: PLW2901
        for there, gone in nowhere.items():
            if there not in path:
                continue
            one, other = member.get(path), member.get(path.replace(there, gone))
            text = other.text.replace(gone, there)
            strip = lambda t: {**json.loads(t), "log": "", "as_of": ""}  # noqa: E731
            assert strip(one.text) == strip(text), path


@pytest.mark.parametrize("who", ["l.roth", "a.keller"])
def test_all_rows_at_once_are_the_pages(world: Made, browser: Client, who: str) -> None:
    for path in paths(world):
        mine = program(world, browser, who)  # each has its own pace
        (route, _), *_ = routes_at(path)
        if not route.listing or mine.get(path).status_code != 200 or path == "/tokens":
            continue  # of tokens it is told when they were used: it changes as one asks
        items = mine.every(path, limit=3)
        whole = mine.get(path, accept=sending.NDJSON)
        assert rows_of(whole.data) == items, path
        table = mine.get(path, accept=sending.CSV)
        assert len(table_of(table.data)) == len(items), path


def rows_of(data: bytes) -> list[Any]:
    """The rows of a download that is whole."""
    body, _, last = data.rstrip(b"\n").rpartition(b"\n")
    body += b"\n" if body else b""
    end = json.loads(last)["end"]
    rows = [json.loads(line) for line in body.splitlines()]
    assert (end["count"], end["sha256"]) == (len(rows), hashlib.sha256(body).hexdigest())
    assert isinstance(end["reading"]["complete"], bool)
    return rows


def table_of(data: bytes) -> list[list[str]]:
    rows = list(csv.reader(io.StringIO(data.decode())))
    word, number, digest, _, read, said = rows[-1]
    assert (word, read) == ("end", "not complete")
    assert said
    body = data[: data.rindex(f"end,{number},{digest}".encode())]
    assert digest == hashlib.sha256(body).hexdigest()
    assert int(number) == len(rows) - 2
    return rows[1:-1]


def test_a_download_that_broke_off_is_seen(lead: Program) -> None:
    data = lead.get("/movements", accept=sending.NDJSON).data
    assert len(rows_of(data)) > 5
    for cut in range(1, len(data) - 1, 37):
        with pytest.raises((AssertionError, ValueError, KeyError, TypeError, IndexError)):
            rows_of(data[:cut])


def test_a_download_takes_a_scope_and_is_one_at_a_time(
    world: Made, browser: Client, lead: Program
) -> None:
    weak = Program(browser, token(world.home, "l.roth", "cases:read"))
    assert weak.get("/movements").status_code == 200
    assert weak.get("/movements", accept=sending.CSV).status_code == 403
    assert lead.get("/movements", accept="application/xml").status_code == 406
    assert lead.get("/movements", accept=sending.CSV, limit=5).status_code == 400
    slow = browser.get(
        "/api/v1/movements", base_url="http://localhost:8788", buffered=False,
        headers={"Authorization": f"Bearer {lead.key}", "Accept": sending.NDJSON},
    )  # fmt: skip
    said = lead.get("/movements", accept=sending.CSV)
    assert said.status_code == 429
    assert said.headers["Retry-After"]
    slow.close()
    assert lead.get("/movements", accept=sending.CSV).status_code == 200


def test_amounts_are_exact_texts(lead: Program) -> None:
    found = lead.every("/movements", limit=50)
    assert all(isinstance(each["amount"]["raw"], str) for each in found)
    coins = [each for each in found if each["amount"]["asset"]["contract"] is None]
    assert any(each["amount"]["shown"] for each in coins)


def test_cells_of_a_table_are_no_formulas(lead: Program) -> None:
    for path in ("/movements", "/entries", "/alerts"):
        for row in table_of(lead.get(path, accept=sending.CSV).data):
            assert not any(cell[:1] in ("=", "+", "@") for cell in row), row


def test_movements_by_filter(lead: Program, world: Made) -> None:
    everything = lead.every("/movements", limit=50)
    for query, fits in (
        (
            {"case": "case-a"},
            lambda m: {A, EVE, COIN_A} & {m["from"], m["to"]},
        ),
        ({"chain": "bitcoin"}, lambda m: m["chain"] == "bitcoin"),
        ({"status": "orphaned"}, lambda m: m["status"] == "orphaned"),
        ({"kind": "erc721"}, lambda m: m["kind"] == "erc721"),
        ({"asset": TOKEN}, lambda m: m["amount"]["asset"]["contract"] == TOKEN),
    ):
        found = lead.every("/movements", limit=3, **query)
        assert found, query
        assert found == [each for each in everything if fits(each)], query


def test_a_transaction_of_both_is_seen_as_far_as_it_may_be(
    member: Program, lead: Program, world: Made
) -> None:
    mine = member.get(f"/transactions/ethereum/{world.both}").json
    assert world.alert_a in mine["alerts"]
    assert world.alert_b not in mine["alerts"]
    every = lead.get(f"/transactions/ethereum/{world.both}").json["alerts"]
    assert {world.alert_a, world.alert_b} < {*every}
    assert member.get(f"/transactions/ethereum/{world.only_b}").status_code == 404
    spent = member.get(f"/transactions/bitcoin/{world.spent}").json
    assert spent["whole"] is True
    assert len(spent["legs"]) == 3


def test_an_address_of_our_own_is_given_to_nobody(lead: Program, world: Made) -> None:
    from world.desk_record import OUR

    assert lead.get(f"/addresses/ethereum/{OUR}").status_code == 404
    for path in ("/movements", f"/addresses/ethereum/{A}/movements"):
        text = lead.get(path).text
        assert OUR not in text
        assert "ours:Customer 17" in text


def test_an_address_is_found_in_any_spelling(lead: Program) -> None:
    mixed = lead.get(f"/addresses/ethereum/{A.upper().replace('0X', '0x')}").json
    assert mixed["address"].lower() == A
    assert lead.get(f"/addresses/bitcoin/{COIN_A}").json["chain"] == "bitcoin"
    assert lead.get("/addresses/ethereum/nonsense").status_code == 404
    assert lead.get("/addresses/nochain/0x1").status_code == 404


def test_an_address_that_nobody_watches_says_so(lead: Program) -> None:
    reading = lead.get(f"/addresses/ethereum/{MIDDLE}/movements").json["reading"]
    assert reading["complete"] is False
    assert "Nobody watches it" in reading["said"]


def test_who_may_read_what_people_did(member: Program, auditor: Program, lead: Program) -> None:
    assert member.get("/audit").status_code == 403
    assert lead.get("/audit").status_code == 403
    rows = auditor.every("/audit", limit=7)
    numbers = [each["number"] for each in rows]
    assert numbers == sorted(numbers, reverse=True)
    assert any(each["who"] == "l.roth" for each in rows)
    assert member.get("/users").status_code == 403
    assert {each["maker"] for each in member.every("/tokens")} == {"a.keller"}


def test_a_case_whose_name_holds_a_slash(tmp_path: Path) -> None:
    world = made(tmp_path / "home")
    with_slash = "X/notes"
    store = Store(world.home / DATABASE)
    work.add_person(store, DAEMON, "l.roth", Role.LEAD, T)
    work.enrolled(store, DAEMON, "l.roth", T)
    with store.write() as conn:
        conn.execute("UPDATE entry SET case_id = ? WHERE case_id = 'case-a'", (with_slash,))
    store.close()
    with client(world.home, Open()) as browser:
        mine = program(world, browser, "l.roth")
        said = mine.get(f"/cases/{part(with_slash)}")
        assert said.json["id"] == with_slash
        assert mine.get(f"/cases/{part(with_slash)}/notes").json["items"] == []
        assert mine.get("/cases/X/notes").status_code == 404


def test_the_table_tells_what_there_is(lead: Program) -> None:
    assert lead.send("DELETE", "/alerts").status_code == 405
    assert lead.send("DELETE", "/alerts").headers["Allow"] == "GET"
    assert lead.get("/nothing").status_code == 404
    assert lead.get("/alerts/").status_code == 404
    for accept in ("*/*", sending.NDJSON, sending.NDJSON):  # a download that nobody reads ends
        assert lead.send("HEAD", "/alerts", headers={"Accept": accept}).data == b""


# -- traces ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A case with a trace, and a lead's token."""
    with verified_book(tmp_path_factory.mktemp("book")) as book:
        desk_traced.take(book, NOW)
        home = as_home(book)
        with client(home, Open()) as browser:
            yield Program(browser, token(home, "ann"))


def test_a_trace_adds_up_in_every_answer(traced: Program) -> None:
    (line,) = traced.every("/traces")
    path = f"/traces/{part(line['case'])}"
    assert traced.get(path).json == line
    whole = traced.get(f"{path}/graph").json
    assert (whole["state"], whole["sha256"]) == (line["state"], line["sha256"])
    assert len(whole["nodes"]) == line["nodes"]
    totals = [each for each in whole["totals"] if each["method"] != "poison"]
    assert totals
    for each in totals:
        assert float(each["difference"]) == 0
    hops = traced.every(f"{path}/hops", limit=5)
    assert hops
    for each in hops:
        went = sum(int(each[name]) for name in ("rests", "ended", "waits", "went_on", "difference"))
        assert int(each["arrived"]) == went
    partly = sum(not each["complete"] for each in whole["nodes"])
    reading = traced.get(f"{path}/hops").json["reading"]
    assert partly == 0 or reading["complete"] is False
    assert f"State {line['state']} of the trace" in reading["said"]
    ends = traced.every(f"{path}/ends")
    assert ends == [each for each in whole["nodes"] if each["stop"]]
    waiting = traced.every(f"{path}/frontier")
    states = ("queued", "waiting_for_approval")
    assert len(waiting) == sum(each["state"] in states for each in whole["nodes"])
    rests = traced.every(f"/cases/{part(line['case'])}/rests")
    by_node = {
        (each["chain"], each["address"], held["asset"]["contract"]): held["amount"]
        for each in whole["nodes"]
        for held in each["holds"]
        if each["state"] != "source"
    }
    for each in rests:
        key = (each["chain"], each["address"], each["asset"]["contract"])
        assert each["traced"] == by_node[key]


def test_a_trace_is_drawn_by_every_method(traced: Program) -> None:
    (line,) = traced.every("/traces")
    path = f"/traces/{part(line['case'])}/graph"
    drawn = {
        method: traced.get(path, accept="image/svg+xml", method=method).data
        for method in ("libr", "fifo", "haircut")
    }
    assert all(each.startswith(b"<svg") for each in drawn.values())
    assert drawn["libr"] == traced.get(path, accept="image/svg+xml", method="libr").data
    assert traced.get(path, accept="image/png").data.startswith(b"\x89PNG")
    assert traced.get(path, method="libr").json["method"] == "libr"
    assert traced.get(path, method="poison").status_code == 400
    assert traced.get(path, as_of="2001-01-01").status_code == 400
    assert traced.get(path, as_of="2015-01-01").status_code == 404
    assert traced.get(path, state=1).json["state"] == 1
    assert traced.get(path, state=99).status_code == 404


def test_a_decision_about_a_trace_is_of_the_state_that_was_seen(traced: Program) -> None:
    (line,) = traced.every("/traces")
    path = f"/traces/{part(line['case'])}"
    waiting = traced.every(f"{path}/frontier")[0]
    address = {"chain": waiting["chain"], "address": waiting["address"]}
    body = {"decision": "follow", "addresses": [address], "why": "the next one"}
    assert traced.post(f"{path}/decisions", body).status_code == 428
    assert traced.post(f"{path}/decisions", body, match='"other"').status_code == 412
    tag = traced.get(path).headers["ETag"]
    said = traced.post(f"{path}/decisions", body, match=tag)
    assert said.status_code in (202, 422), said.text


def test_a_trace_is_decided_by_two_where_it_goes_over_a_limit(traced: Program) -> None:
    path = "/traces/C"
    tag = traced.get(path).headers["ETag"]
    body = {"decision": "limit", "name": "hops", "number": 25, "why": "it goes on"}
    said = traced.post(f"{path}/decisions", body, match=tag)
    assert said.status_code == 202, said.text
    assert said.json["said"] == "It waits for a second person."
    (made_,) = traced.every(f"{path}/decisions")
    assert (made_["state"], made_["by"], made_["door"]) == ("waiting", "ann", "token")
    assert "hops" in made_["text"]
    for wrong in (
        {"decision": "burn", "why": "x"}, {"decision": "follow", "why": "x"},
        {"decision": "limit", "name": "patience", "number": 3, "why": "x"},
        {"decision": "method", "name": "poison", "why": "x"},
    ):  # fmt: skip
        assert traced.post(f"{path}/decisions", wrong, match=tag).status_code == 422, wrong


def test_a_request_to_hold_is_kept_and_followed(traced: Program) -> None:
    path = "/cases/C"
    place = next(each for each in traced.every(f"{path}/rests") if each["keepers"])
    body = {
        "chain": place["chain"], "address": place["address"],
        "contract": place["asset"]["contract"] or "", "to": place["keepers"][0]["name"],
    }  # fmt: skip
    said = traced.post(f"{path}/requests", body, key="one")
    assert said.status_code == 200, said.text
    (name,) = said.json["changed"]
    assert traced.post(f"{path}/requests", body, key="one").json["changed"] == [name]
    step = {"stage": "sent", "happened": "2023-11-20T10:00:00Z", "reference": "by courier"}
    done = traced.post(f"{path}/requests/{name}/steps", step)
    (kept,) = traced.every(f"{path}/requests")
    if done.status_code == 200:
        assert kept["stage"] == "sent"
        assert kept["steps"][0]["door"] == "token"
    else:  # the book's clock is another one than this machine's
        assert done.status_code == 422, done.text
    assert traced.post(f"{path}/requests/Q-NOTHERE/steps", step).status_code == 404
    assert traced.post(f"{path}/requests", {**body, "address": "0x1"}).status_code == 422
