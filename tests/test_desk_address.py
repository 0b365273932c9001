"""The page of an address: who sees what of it, that its sums add up, that nothing of it is left
out of its file, and that hostile names do nothing."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest
from test_messages import HOSTILE
from werkzeug.test import Client
from world.desk_open import Open, client
from world.desk_record import COIN_B, COIN_C, EVE, MIDDLE, OUR, SHOP, TOKEN, USDT, A, B, Made, made

from monitor.model import Entry, Subject
from monitor.model.desk import Person, Role, Sight
from monitor.model.desk_address import Place, Seeing, Wanted, Way
from monitor.store import desk_address
from monitor.store.guard import DATABASE
from monitor.store.rows import entry_terms
from monitor.store.sqlite import Store

READER = Person("r.guest", Role.READER, enrolled=1)
ANALYST = Person("a.keller", Role.ANALYST, enrolled=1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Case A watches A, case B watches B; both dealt with MIDDLE, and once with each other."""
    return made(tmp_path_factory.mktemp("home"))


@pytest.fixture
def guard() -> Open:
    return Open()


@pytest.fixture
def lead(world: Made, guard: Open) -> Iterator[Client]:
    with client(world.home, guard) as made:
        yield made


def text(page: str) -> str:
    """What stands on a page, in one line."""
    return " ".join(re.sub("<[^>]+>", " ", page).split())


def got(by: Client, path: str, code: int = 200) -> str:
    answer = by.get(path)
    assert answer.status_code == code, answer.text[:500]
    return answer.text


def pages(by: Client, path: str) -> Iterator[str]:
    """A page and all that follow it."""
    at: str | None = path
    while at:
        page = got(by, at)
        yield page
        following = re.search(r'rel="next" href="([^"#]+)', page)
        at = following[1].replace("&amp;", "&") if following else None


def rows(path: Path, sql: str, *params: object) -> list[tuple[object, ...]]:
    store = Store(path / DATABASE, readonly=True)
    try:
        return [tuple(row) for row in store.read(sql, list(params))]
    finally:
        store.close()


def test_head_says_who_watches_it(lead: Client) -> None:
    said = text(got(lead, f"/a/ethereum/{A}"))
    assert "Wallet of A" in said
    assert "case-a" in said
    assert "order of court A" in said
    assert "Same key elsewhere" in said
    assert "Plain coin transfers" in said


def test_another_spelling_leads_to_the_page(lead: Client) -> None:
    answer = lead.get(f"/a/ethereum/{A.upper().replace('0X', '0x')}?late=1")
    assert (answer.status_code, answer.location) == (302, f"/a/ethereum/{A}?late=1")
    assert lead.get("/a/ethereum/0x12").status_code == 404
    assert lead.get(f"/a/nowhere/{A}").status_code == 404
    assert lead.get(f"/a/ethereum/{'0x' + '9' * 40}").status_code == 404


def test_every_address_of_the_record_has_a_page(lead: Client) -> None:
    said = text(got(lead, f"/a/ethereum/{SHOP}"))
    assert "Not watched; seen in 3 transfers; what else it did is not known." in said
    assert "Nothing was read of this address itself" in said


def test_pages_hold_every_movement_once(lead: Client, world: Made) -> None:
    """Also where many have the same time, whatever the filter is."""
    found = []
    for page in pages(lead, f"/a/ethereum/{A}?all=1"):
        found += re.findall(r'data-name="When"><a href="(/tx/[^"]+)"', page)
    expected = rows(
        world.home, "SELECT tx FROM transfer WHERE ? IN (sender, recipient) AND chain = ?",
        A, "ethereum",
    )  # fmt: skip
    assert len(found) > 200
    assert sorted(found) == sorted(f"/tx/ethereum/{tx}" for (tx,) in expected)


def test_fees_and_empty_transfers_are_folded_and_counted(lead: Client) -> None:
    said = text(got(lead, f"/a/ethereum/{A}"))
    whole = re.search(r"([\d,]+) movements; ([\d,]+) of them fees or empty transfers", said)
    assert whole is not None
    number, folded = (int(each.replace(",", "")) for each in whole.groups())
    shown = sum(page.count('data-name="When"') for page in pages(lead, f"/a/ethereum/{A}"))
    assert shown == number - folded
    assert folded == 26


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("way=in", f"recipient = '{A}' AND sender <> '{A}'"),
        ("way=out", f"sender = '{A}' AND recipient IS NOT '{A}' AND kind <> 'frozen'"),
        ("asset=coin", "contract IS NULL"),
        (f"asset={TOKEN}", f"contract = '{TOKEN}'"),
        (f"asset={USDT}&least=150&most=250.5",
         f"contract = '{USDT}' AND CAST(amount AS INTEGER) BETWEEN 150000000 AND 250500000"),
        (f"with={SHOP}", f"'{SHOP}' IN (sender, recipient)"),
        ("since=2026-11-05&until=2026-11-06", "time >= 1793836800 AND time < 1794009600"),
        ("status=pending", "status = 'pending'"),
        ("status=orphaned", "status = 'orphaned'"),
        ("late=1", "late = 1"),
        ("lane=quiet", "id IN (SELECT transfer FROM alert_transfer x JOIN alert a "
         "ON a.id = x.alert WHERE a.lane = 'quiet')"),
        ("lane=none", "id NOT IN (SELECT transfer FROM alert_transfer)"),
    ],
)  # fmt: skip
def test_filters(lead: Client, world: Made, query: str, where: str) -> None:
    path = f"/a/ethereum/{A}?all=1&{query}"
    found = [
        tx
        for page in pages(lead, path)
        for tx in re.findall(r'data-name="When"><a href="/tx/ethereum/([^"]+)"', page)
    ]
    side = f"'{A}' IN (sender, recipient) AND chain = 'ethereum'"
    expected = rows(world.home, f"SELECT tx FROM transfer WHERE {side} AND {where}")
    assert expected
    assert sorted(found) == sorted(tx for (tx,) in expected)


@pytest.mark.parametrize("query", ["least=5", "since=yesterday", "status=odd", "with=0x12",
                                   "lane=loud", f"asset={USDT}&least=NaN"])  # fmt: skip
def test_a_filter_that_is_not_understood_shows_nothing(lead: Client, query: str) -> None:
    page = got(lead, f"/a/ethereum/{A}?{query}")
    assert 'role="alert"' in page
    assert 'data-name="When"' not in page


@pytest.mark.parametrize("after", ["x", "1.", ".1", "9" * 40 + ".1", "-1.5", "1.1.1", "٣.٣"])
def test_a_cursor_that_is_not_ours_begins_anew(lead: Client, after: str) -> None:
    page = lead.get(f"/a/ethereum/{A}", query_string={"after": after})
    assert page.status_code == 200
    assert 'data-name="When"' in page.text


def test_the_file_holds_all_and_its_end_is_true(lead: Client, world: Made) -> None:
    answer = lead.get(f"/a/ethereum/{A}/movements.csv?all=1")
    assert answer.mimetype == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]
    body, _, end = answer.data.removesuffix(b"\r\n").rpartition(b"\r\n")
    lines = list(csv.DictReader(io.StringIO(body.decode() + "\r\n")))
    expected = rows(
        world.home, "SELECT count(*) FROM transfer WHERE ? IN (sender, recipient) AND chain = ?",
        A, "ethereum",
    )  # fmt: skip
    assert len(lines) == expected[0][0]
    digest = hashlib.sha256(body + b"\r\n").hexdigest()
    assert end.decode() == f"end,{len(lines)},{digest}"
    usdt = [line for line in lines if line["contract"] == USDT]
    assert all(Decimal(u["amount"]).scaleb(-6) == Decimal(u["amount_decimal"]) for u in usdt)
    assert not [line for line in lines if re.search("[^0-9]", line["amount"])]
    few = lead.get(f"/a/ethereum/{A}/movements.csv?with={SHOP}&all=1").data.split(b"\r\n")
    assert len(few) == 1 + 3 + 1 + 1  # header, rows, end, what follows the last line break


def test_counterparties_add_up_to_movements(world: Made) -> None:
    """In and out by asset, of what stands; with amounts beyond the database's own numbers."""
    store = Store(world.home / DATABASE, readonly=True)
    moves = desk_address.of(store, Sight(None, loose=True), Subject("ethereum", A))
    sums: dict[tuple[str, str], int] = {}
    for each in moves.sums():
        key = (each.contract, each.way.value)
        sums[key] = sums.get(key, 0) + each.amount
    plain: dict[tuple[str, str], int] = {}
    for row in moves.each(Wanted(every=True)):
        if row.status.value in ("provisional", "final"):
            key = (row.contract or "", row.way.value)
            plain[key] = plain.get(key, 0) + row.amount
    store.close()
    assert sums == plain
    assert plain[TOKEN, "in"] > 2**255


def test_sums_stand_on_the_pages(lead: Client) -> None:
    for path in (f"/a/ethereum/{A}", f"/a/ethereum/{A}/counterparties?sort=count"):
        said = text(got(lead, path))
        assert "All together" in said
        assert re.search(r"USDT 20,100 0 20,100 ", said), said


def test_all_counterparties_can_be_paged(lead: Client) -> None:
    for sort in ("last", "first", "count", "name", "nonsense"):
        found: list[str] = []
        for page in pages(lead, f"/a/ethereum/{A}/counterparties?sort={sort}"):
            found += re.findall(r'class="whole"[^>]*>\s*<a class="mono" href="([^"]+)"', page)
        assert len(found) == len(set(found)) > 100


def test_order_is_the_newest_first_and_unconfirmed_before_it(world: Made) -> None:
    store = Store(world.home / DATABASE, readonly=True)
    moves = desk_address.of(store, Sight(None, loose=True), Subject("ethereum", A))
    found = list(moves.each(Wanted(every=True)))
    order = [(row.time is None, row.time or 0, row.id) for row in found]
    assert order == sorted(order, reverse=True)
    assert found[0].time is None
    first = moves.page(Wanted(every=True), None, 1)[:1]
    second = moves.page(Wanted(every=True), Place(first[0].time, first[0].id), 1)[:1]
    assert [*first, *second] == moves.page(Wanted(every=True), None, 1)[:2]
    ways = {row.way for row in found}
    store.close()
    assert ways == set(Way)


# -- who sees what -------------------------------------------------------------------------------


def test_a_member_of_one_case_sees_nothing_of_another(
    world: Made, guard: Open, lead: Client
) -> None:
    """Neither entries nor labels, alerts, counts; of a shared counterparty their own part."""
    for person in (READER, ANALYST):
        guard.person, guard.cases = person, ["case-a"]
        assert "Wallet of A" in got(lead, f"/a/ethereum/{A}")
        middle = text(got(lead, f"/a/ethereum/{MIDDLE}"))
        assert "Not watched in a case that you see; seen in 1 transfer;" in middle
        assert "Only movements with addresses of cases that you see." in middle
        crawled = [
            got(lead, path)
            for path in (
                *(f"/a/ethereum/{A}", f"/a/ethereum/{A}?all=1", f"/a/ethereum/{A}/counterparties"),
                *(f"/a/ethereum/{A}/movements.csv?all=1", f"/a/ethereum/{MIDDLE}"),
                *(f"/a/ethereum/{B}", f"/a/ethereum/{MIDDLE}/movements.csv?all=1"),
                *(f"/a/ethereum/{B}/counterparties", f"/tx/ethereum/{world.both}"),
            )
        ]
        for page in crawled:
            assert world.canary.casefold() not in page.casefold()
            assert "case-b" not in page
            assert world.alert_b not in page
        # B is seen as the counterparty that it is, and only in what it had with A.
        assert "seen in 1 transfer;" in text(crawled[5])
        assert lead.get(f"/tx/ethereum/{world.only_b}").status_code == 404
        assert lead.get(f"/a/ethereum/{world.friend_of_b}").status_code == 404
    guard.person, guard.cases = READER, []
    assert lead.get(f"/a/ethereum/{A}").status_code == 404
    guard.person, guard.cases = ANALYST, []
    assert lead.get(f"/a/ethereum/{A}").status_code == 404


def test_what_is_refused_looks_like_nothing(guard: Open, lead: Client, world: Made) -> None:
    guard.person, guard.cases = READER, ["case-a"]
    hidden = got(lead, f"/a/ethereum/{world.friend_of_b}", 404)
    nothing = got(lead, f"/a/ethereum/{'0x' + '7' * 40}", 404)
    stamp = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC|\d{10}|\d\d:\d\d:\d\d")
    assert stamp.sub("", hidden) == stamp.sub("", nothing)


def test_seeing(world: Made) -> None:
    store = Store(world.home / DATABASE, readonly=True)
    a, b, none = Sight(frozenset({"case-a"})), Sight(frozenset({"case-b"})), Sight(frozenset())

    def of(sight: Sight, address: str) -> Seeing:
        return desk_address.of(store, sight, Subject("ethereum", address)).seeing

    assert of(a, A) is of(b, B) is Seeing.ALL
    assert of(a, MIDDLE) is of(b, MIDDLE) is of(a, B) is Seeing.PART
    assert of(none, A) is of(a, world.friend_of_b) is Seeing.NOTHING
    assert of(b, world.followed) is Seeing.ALL
    assert of(a, world.followed) is Seeing.NOTHING
    store.close()


def test_a_transaction_that_comes_as_a_whole_is_seen_as_a_whole(
    guard: Open, lead: Client, world: Made
) -> None:
    """All legs are read with any of them: they say nothing of who else is watched."""
    guard.person, guard.cases = READER, ["case-a"]
    tx = got(lead, f"/tx/bitcoin/{world.spent}")
    assert "Inputs 0.001, outputs 0.00099, fee 0.00001 BTC" in text(tx)
    for address in (COIN_B, COIN_C):
        assert address in tx
        said = text(got(lead, f"/a/bitcoin/{address}"))
        assert "Not watched in a case that you see; seen in 1 transfer;" in said
        assert world.canary not in said
    guard.cases = []
    assert lead.get(f"/tx/bitcoin/{world.spent}").status_code == 404


def test_who_looks_is_told(guard: Open, lead: Client) -> None:
    """Once a person, case and day: what is watched of an address is the case's."""
    guard.person, guard.cases = ANALYST, ["case-a"]
    for _ in range(2):
        got(lead, f"/a/ethereum/{A}")
        got(lead, f"/a/ethereum/{MIDDLE}")
    found = guard.file.rows("SELECT name, case_id FROM looked WHERE name = ?", ("a.keller",))
    assert [tuple(row) for row in found] == [("a.keller", "case-a")]


def test_a_followed_address_is_seen_by_its_case(guard: Open, lead: Client, world: Made) -> None:
    guard.person, guard.cases = READER, ["case-b"]
    assert "Followed for case" in text(got(lead, f"/a/ethereum/{world.followed}"))


# -- hostile text, addresses of our own ----------------------------------------------------------


def test_hostile_names_do_nothing(lead: Client) -> None:
    """What contracts and people call themselves is text, in pages and in the file."""
    page = got(lead, f"/a/ethereum/{A}?all=1") + got(lead, f"/a/ethereum/{EVE}")
    assert "<script>alert" not in page
    assert "onerror=" not in page.replace("&#34;", '"').split("<main")[0]
    assert not re.search(r"<img[^>]*onerror", page)
    assert "unverified token" in page
    assert "style=" not in page
    file = lead.get(f"/a/ethereum/{A}/movements.csv?all=1").text
    assert not re.search(r'(^|[,;"])\s*[=+@-][^,]', file, re.MULTILINE)


def test_our_own_addresses_are_veiled(lead: Client, world: Made) -> None:
    said = got(lead, f"/a/ethereum/{A}?all=1&least=&with=")
    file = lead.get(f"/a/ethereum/{A}/movements.csv?all=1").text
    tx = got(lead, f"/tx/ethereum/{world.to_us}")
    for each in (said, file, tx):
        assert OUR not in each.lower()
    assert "ours:Customer 17" in text(tx)
    assert "ours:Customer 17" in file
    assert lead.get(f"/a/ethereum/{OUR}").status_code == 404
    page = got(lead, f"/a/ethereum/{A}?all=1&with={OUR}")
    assert "ours:Customer 17" not in page
    assert 'data-name="When"' not in page


def test_a_transaction_says_who_said_so(lead: Client, world: Made) -> None:
    said = text(got(lead, f"/tx/ethereum/{world.both}"))
    assert "etherscan, 2026-" in said
    assert "a" * 64 in said
    assert world.alert_b in said
    assert lead.get("/tx/ethereum/0x00").status_code == 404


# -- what can be asked for -----------------------------------------------------------------------


def proposals(world: Made) -> list[tuple[object, ...]]:
    return rows(world.home, "SELECT kind, case_id, args, state, name FROM proposal ORDER BY rowid")


@pytest.fixture
def own(tmp_path: Path) -> Made:
    """A record of one's own, which may be changed."""
    world = made(tmp_path / "home")
    store = Store(world.home / DATABASE)
    with store.write() as conn:
        conn.execute("INSERT INTO person (name, role, added, enrolled) VALUES (?,?,1,1)",
                     ("a.keller", "analyst"))  # fmt: skip
    store.close()
    return world


def test_watching_and_naming_are_asked_for_once(own: Made) -> None:
    guard = Open(ANALYST, ["case-a"])
    with client(own.home, guard) as by:
        page = got(by, f"/a/ethereum/{SHOP}?do=watch")
        assert 'data-key="w"' in page
        assert '<option value="case-a">' in page
        assert "case-b" not in page
        wanted = {"case": "case-a", "severity": "high", "label": "A shop", "source": "us",
                  "why": "A paid it thrice", "once": "w1"}  # fmt: skip
        for _ in range(2):
            answer = by.post(f"/a/ethereum/{SHOP}/watch", data=wanted)
            assert (answer.status_code, answer.location) == (303, f"/a/ethereum/{SHOP}")
        named = {"label": "Corner Shop", "category": "service", "source": "a registry",
                 "date": "2026-11-01", "why": "It says so", "once": "n1"}  # fmt: skip
        assert by.post(f"/a/ethereum/{SHOP}/name", data=named).status_code == 303
        said = text(got(by, f"/a/ethereum/{SHOP}"))
    found = proposals(own)
    assert [(kind, case, state, name) for kind, case, _, state, name in found] == [
        ("watch", "case-a", "agreed", "a.keller"),
        ("name", "", "agreed", "a.keller"),
    ]
    assert f'"address":"{SHOP}"' in str(found[0][2])
    assert "Asked for: to watch it" in said
    assert "Asked for: a name" in said


def test_what_is_missing_or_not_theirs_is_refused(own: Made) -> None:
    guard = Open(ANALYST, ["case-a"])
    good = {"case": "case-a", "severity": "high", "why": "so", "once": "x"}
    with client(own.home, guard) as by:
        for wrong in ({"case": "case-b"}, {"case": "case-new"}, {"severity": "odd"}, {"why": " "}):
            assert by.post(f"/a/ethereum/{SHOP}/watch", data={**good, **wrong}).status_code == 422
        assert by.post(f"/a/ethereum/{SHOP}/name", data={"label": "x", "category": "service",
                       "why": "so"}).status_code == 422  # fmt: skip
        assert by.post(f"/a/ethereum/{own.friend_of_b}/watch", data=good).status_code == 404
        assert by.post(f"/a/ethereum/{SHOP}/burn", data=good).status_code == 404
        guard.person = READER
        assert by.post(f"/a/ethereum/{SHOP}/watch", data=good).status_code == 403
        assert 'data-key="w"' not in got(by, f"/a/ethereum/{SHOP}?do=watch")
    assert proposals(own) == []


class Live(HTMLParser):
    """What of a page could act: tags, attributes, where its links lead."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links |= {value or "" for name, value in attrs if name in ("href", "src", "action")}


def test_no_name_of_the_corpus_acts(own: Made) -> None:
    """Of tokens, entries, cases and the address book's, on every page and in the file."""
    hostile = [name.encode("utf-8", "replace").decode()[:5000] for name in HOSTILE]
    store = Store(own.home / DATABASE)
    with store.write() as conn:
        for number, name in enumerate(hostile):
            contract = f"0x{number + 7_000:040x}"
            conn.execute("INSERT INTO token VALUES ('ethereum',?,?,?,?)", (contract, name, name, 6))
            leg = f"erc20|{contract}"
            conn.execute(
                "INSERT INTO transfer (chain, tx, leg, kind, contract, sender, recipient, amount, "
                "block_height, time, status, first_seen) "
                "VALUES ('ethereum',?,?,'erc20',?,?,?,'5',1,1800000000,'final',1)",
                (own.both, leg, contract, EVE, A),
            )
            subject, case = Subject("ethereum", f"0x{number + 8_000:040x}"), name[:60]
            entry = Entry(f"E-{number}", subject, name, case, name, name, tags=(name,))
            conn.execute("INSERT INTO scope (key, chain, address) VALUES (?,?,?)",
                         (subject.key, "ethereum", subject.address))  # fmt: skip
            conn.execute(
                "INSERT INTO entry (id, subject, case_id, terms, added, history, brought) "
                "VALUES (?,?,?,?,1,'told','')",
                (entry.id, subject.key, case, entry_terms(entry)),
            )
            conn.execute(
                "INSERT INTO transfer (chain, tx, leg, kind, sender, recipient, amount, "
                "block_height, time, status, first_seen) "
                "VALUES ('ethereum',?,?,'native',?,?,'7',1,1800000001,'final',1)",
                (own.both, f"native|{number}", subject.address, A),
            )
    store.close()
    with client(own.home, Open()) as by:
        read = [
            *(got(by, f"/a/ethereum/0x{n + 8_000:040x}") for n in range(len(hostile))),
            *pages(by, f"/a/ethereum/{A}?all=1"),
            *pages(by, f"/a/ethereum/{A}/counterparties?sort=name"),
            got(by, f"/tx/ethereum/{own.both}"),
            *(by.get("/find", query_string={"q": name[:200]}).text for name in hostile),
            got(by, f"/a/ethereum/{A}?do=watch"),
        ]
        file = got(by, f"/a/ethereum/{A}/movements.csv?all=1")
    for page in read:
        live = Live(page)
        assert not live.tags & {"img", "iframe", "object", "embed", "style", "base"}
        assert not [name for name in live.attributes if name.startswith("on") or name == "style"]
        assert [src for src in live.links if "evil" in src and not src.startswith(("/", "#"))] == []
        assert page.count("<script") <= 1
        assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\0]", page)
    lines = list(csv.reader(io.StringIO(file, newline="")))
    assert {len(line) for line in lines[:-1]} == {len(lines[0])}
    assert not [cell for line in lines for cell in line if re.match(r"[=+@\-\t]", cell)]
