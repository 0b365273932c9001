"""The desk in a real browser, over the demo's world under the real daemon: every page, every act.

One test, for the story takes a minute to play. With FUNDWATCH_PICTURES=1 the pictures of docs/desk
are made anew (`make pictures`).
"""

from __future__ import annotations

import html
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Response, sync_playwright
from world import desk_asked, desk_watched
from world.desk import CHROMIUM, User, needs_browser
from world.desk_world import Played, played

from monitor.demo import cast

pytestmark = [pytest.mark.slow, needs_browser]
ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs/desk"
SIZES = ((1400, 1000), (390, 844))
WITH_FLOW = 1_560  # pixels in which the page of a case shows its picture too
MOST_BYTES = 150_000
MOST_PAGES = 120  # that one person's crawl opens
FILES = r"\.(csv|svg|png)(\?|$)"  # what a browser takes along
PHONE = 360  # pixels: the narrowest that is in use
# A time is longest where the desk's day is another one than that of UTC.
_LONGEST = "2026-09-29 23:14:03 UTC (2026-09-30 00:14:03 Buenos Aires)"
_ANOTHER_DAY = (
    f"document.querySelectorAll('time').forEach(each => {{ each.textContent = '{_LONGEST}' }})"
)
# Words that have no more room than a letter or two.
_SQUEEZED = (
    "[...document.querySelectorAll('td, dd, li, p')].filter(each => each.innerText.length > 6 && "
    "each.clientWidth > 0 && each.clientWidth < 30 && each.clientHeight > 60)"
    ".map(each => each.innerText)"
)
# Pages of every kind; the rest is found by their links.
FIRST = (
    *("/inbox", "/c", "/find", "/find?q=crane", "/help", "/help/reading", "/me", "/people"),
    "/tokens",
    *("/inbox?view=second", "/inbox?view=single", "/inbox?view=quiet", "/inbox?view=ourselves"),
    *("/c/HARBOUR-02?view=table", "/c/HARBOUR-02?method=fifo", "/c/HARBOUR-02/flow.svg"),
    *("/following", "/rests", "/c/HARBOUR-02/following", "/c/HARBOUR-02/following?do=limit"),
    *("/c/VAULT-09", "/c/HARBOUR-02", "/c/CRANE-01", "/c/CRANE-01?tab=movements"),
    *("/health", time.strftime("/health?day=%Y-%m-%d", time.gmtime()), "/lists/partner"),
    *(f"/a/tron/{cast.CASH_OUT}", f"/a/ethereum/{cast.HARBOUR}"),
)


@contextmanager
def browsers(made: Played) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        try:
            yield browser
        finally:
            browser.close()


class Watched:
    """A person's browser; what its console says, and whom it asks, is kept."""

    def __init__(self, browser: Browser, made: Played, user: User, **more: Any) -> None:
        self.made, self.said, self.asked = made, list[str](), set[str]()
        self.context: BrowserContext = browser.new_context(base_url=made.url, **more)
        self.page: Page = self.context.new_page()
        self.page.on("console", lambda m: self.said.append(f"{self.page.url}: {m.text}"))
        self.page.on("pageerror", lambda e: self.said.append(f"{self.page.url}: {e}"))
        self.page.on("request", lambda r: self.asked.add(urlsplit(r.url).netloc or r.url[:30]))
        self.page.goto("/sign-in")
        self.page.fill("#name", user.name)
        self.page.fill("#password", user.password)
        self.page.fill("#code", user.now())
        self.page.click("main button")
        assert "/sign-in" not in self.page.url, self.page.inner_text("main")

    def open(self, path: str) -> Response:
        answer = self.page.goto(path)
        assert answer is not None
        return answer

    def quiet(self) -> None:
        """Nothing was said in the console, nobody else was asked."""
        assert self.said == []
        assert self.asked == {urlsplit(self.made.url).netloc}


def links(page: Page) -> list[str]:
    found = page.eval_on_selector_all("a[href]", "all => all.map(a => a.getAttribute('href'))")
    return [each.partition("#")[0] for each in found if each.startswith("/")]


def shape(path: str) -> str:
    """Pages of one kind have one shape: ids and addresses do not count."""
    parts = urlsplit(path)
    query = re.sub(r"=[^&]*", "=", parts.query) if "tab=" not in parts.query else parts.query
    return re.sub(r"/[^/]*[0-9A-Z%][^/]*", "/*", parts.path) + "?" + query


def crawl(who: Watched, begin: tuple[str, ...]) -> dict[str, str]:
    """Everything that somebody can reach by links: address and text. Looking changes nothing."""
    found: dict[str, str] = {}
    todo, kinds = list(begin), dict[str, int]()
    while todo and len(found) < MOST_PAGES:
        path = todo.pop(0)
        if path in found or not path:
            continue
        kind = shape(path)
        if kinds.get(kind, 0) >= 3:  # more of the same kind tell nothing new
            continue
        kinds[kind] = kinds.get(kind, 0) + 1
        if re.search(FILES, path):
            answer_ = who.context.request.get(path)
            assert answer_.status == 200, path
            found[path] = answer_.body().decode(errors="replace")
            continue
        answer = who.open(path)
        assert answer.status == 200, (path, answer.status)
        found[path] = who.page.content()
        assert len(found[path].encode()) < MOST_BYTES, path
        todo += links(who.page)
    return found


def reach(who: Watched, begin: tuple[str, ...]) -> dict[str, str]:
    """Everything that somebody can reach by links, all of it, without drawing it."""
    found: dict[str, str] = {}
    todo = list(begin)
    while todo:
        path = todo.pop(0)
        if path in found or path.startswith("/static"):
            continue
        answer = who.context.request.get(path)
        assert answer.status == 200, (path, answer.status)
        found[path] = html.unescape(answer.body().decode(errors="replace"))
        if "text/html" in answer.headers["content-type"]:
            links_in = re.findall(r'href="(/[^"#]*)', answer.text())
            todo += [html.unescape(each) for each in links_in if "/find?" not in each]
        assert len(found) < 3000
    return found


def test_the_desk_in_a_browser(tmp_path: Path) -> None:
    with played(tmp_path / "desk") as made, browsers(made) as browser:
        lead = Watched(browser, made, made.users["k.brandt"])
        (tx,) = made.read("SELECT '/tx/' || chain || '/' || tx FROM alert WHERE tx <> '' LIMIT 1")
        every = crawl(lead, (*FIRST, f"/g/{_group(made)}", str(tx[0])))
        lead.quiet()
        _everything_is_there(every)
        _everybody_can_use(lead, every)
        _no_byte_of_another_case(browser, made, every)
        _acts_without_scripts(browser, made)
        _by_keyboard_alone(browser, made)
        _the_watch_itself(browser, made)
        _pictures(lead, made, tmp_path)


def _everything_is_there(every: dict[str, str]) -> None:
    inbox = every["/inbox"]
    for words in ("CORRECTION", "SEVERE", "alerts told in one message", "nobody has it"):
        assert words in inbox, words
    assert "froze the USDT" in "".join(every.values())
    assert "missing" in every["/c/VAULT-09"]
    assert "HELD FUNDS" in inbox
    assert any(path.startswith("/g/") for path in every)
    assert any(path.startswith("/a/") for path in every)
    assert any(path.startswith("/tx/") for path in every)


def _everybody_can_use(who: Watched, every: dict[str, str]) -> None:
    """axe finds nothing on any kind of page, and nothing scrolls sideways on a phone."""
    axe, kinds, wrong = Axe(), dict[str, str](), list[str]()
    for path in every:
        if not re.search(FILES, path):
            kinds.setdefault(shape(path), path)
    for path in [*kinds.values(), "/no-such-page"]:
        who.page.set_viewport_size({"width": 1400, "height": 1000})
        who.page.goto(path)
        found = axe.run(who.page).response["violations"]
        wrong += [f"{path}: {each['id']} {each['nodes'][0]['target']}" for each in found]
        who.page.set_viewport_size({"width": PHONE, "height": 844})
        who.page.goto(path)
        who.page.evaluate(_ANOTHER_DAY)
        squeezed = who.page.evaluate(_SQUEEZED)
        wrong += [f"{path}: a letter a line: {squeezed}"] if squeezed else []
        wide = who.page.evaluate("document.documentElement.scrollWidth")
        wrong += [f"{path}: {wide} px wide on a phone"] if wide > PHONE else []
    who.said.clear()  # /no-such-page is a 404, which the console tells
    assert not wrong, "\n".join(wrong)


def _no_byte_of_another_case(browser: Browser, made: Played, every: dict[str, str]) -> None:
    """Who is a member of CRANE-01 alone: crawling, guessing and searching bring nothing else."""
    member = Watched(browser, made, made.users["t.weber"])
    mine = reach(member, ("/inbox", "/inbox?view=quiet", "/inbox?view=ourselves", "/c", "/me"))
    assert len(mine) > 60
    canaries = _canaries(made)
    for path, text in mine.items():
        if not path.startswith("/help"):
            assert [each for each in canaries if each in text] == [], path
    member.quiet()
    theirs = [path for path in every if any(each in unquote(path) for each in canaries)]
    assert len(theirs) > 5
    for path in theirs:
        answer = member.context.request.get(path, max_redirects=0)
        lists = path.startswith(("/inbox", "/find"))  # what was asked for stands in its address
        assert answer.status == (200 if lists else 404), (path, answer.status)
        said = [each for each in canaries if each not in unquote(path)]
        assert [each for each in said if each in answer.text()] == [], path
    for wanted in canaries:
        said = member.context.request.get("/find", params={"q": wanted}, max_redirects=0)
        assert said.status == 200, wanted
        rest = said.text().replace(wanted, "", said.text().count(wanted))
        assert not any(each in rest for each in canaries), wanted
    member.page.goto("/inbox")
    token = member.page.get_attribute("input[name=token]", "value") or ""
    for path in [each for each in theirs if each.startswith(("/alert/", "/g/"))][:10]:
        for act in ("take", "note", "close"):
            form = {"token": token, "why": "x", "outcome": "noise", "which": "all", "once": "1"}
            answer = member.context.request.post(
                f"{path.partition('?')[0]}/{act}", form=form, headers={"Origin": made.url}
            )
            assert answer.status == 404, (path, act)
            assert not any(each in answer.text() for each in canaries)
    for case in ("HARBOUR-02", "VAULT-09", "NO-SUCH-CASE"):
        answer = member.context.request.post(
            f"/c/{case}",
            form={"token": token, "act": "note", "why": "x"},
            headers={"Origin": made.url},
        )
        assert answer.status == 404


def _canaries(made: Played) -> list[str]:
    """What belongs to other cases: names, labels, entries, alerts, addresses."""
    rows = made.read("SELECT id, case_id FROM entry WHERE case_id <> 'CRANE-01'")
    entries = [str(each) for each, _ in rows]
    marks = ",".join("?" * len(entries))
    alerts = made.read(f"SELECT id FROM alert WHERE entry IN ({marks})", *entries)
    return [
        *("HARBOUR-02", "VAULT-09", "Harbour thief", "Glass Vault", cast.HARBOUR, cast.RUNNER),
        *(cast.evm("vault"), "seized by order", "stolen from its owner"),
        *entries,
        *(str(each) for (each,) in alerts),
    ]


def _acts_without_scripts(browser: Browser, made: Played) -> None:
    """Take, note, close; a severe one by two people; hand over; a clock; a group."""
    one = Watched(browser, made, made.users["m.ortiz"], java_script_enabled=False)
    page = one.page
    medium, severe = (
        str(made.read(
            "SELECT id FROM alert WHERE severity = ? AND state = 'open' AND kind = 'movement' "
            "AND lane = 'news' AND id NOT IN (SELECT alert FROM proposal_alert) "
                "ORDER BY created LIMIT 1", severity,
        )[0][0])
        for severity in ("medium", "severe")
    )  # fmt: skip
    page.goto(f"/alert/{medium}")
    page.click("text=Take it")
    assert "you have it" in page.inner_text("article")
    page.click("article >> text=Add a note")
    page.fill("#note-why", "Seen before; <b>no</b> markup.")
    page.click("form >> text=Add the note")
    assert "Seen before; <b>no</b> markup." in page.inner_text("article")
    page.click("article >> text=Close…")
    page.select_option("#outcome", "no_action")
    page.fill("#close-why", "An expected payment of the shop.")
    page.click("form.step >> button")
    assert "closed" in page.inner_text("article")
    assert made.read("SELECT state, outcome FROM alert WHERE id = ?", medium) == [
        ("closed", "no_action")
    ]
    page.goto(f"/alert/{severe}?do=close")
    page.select_option("#outcome", "acted_on")
    page.fill("#close-why", "Freeze asked at the exchange.")
    page.click("form.step >> button")
    assert "proposes to close it" in page.inner_text("article")
    page.click("article >> text=Look at it")
    assert "it takes another person" in page.inner_text("main")
    proposal = urlsplit(page.url).path
    page.goto("/c/CRANE-01?do=clock")
    page.select_option("#rule", "us-blocked-property")
    page.fill("#clock-why", "Told to us today.")
    page.click("form.step >> button")
    assert "last day" in page.inner_text("main")
    _asks_to_follow(page, made)
    desk_asked.asks_to_hold(page)
    one.quiet()
    other = Watched(browser, made, made.users["k.brandt"], java_script_enabled=False)
    page = other.page
    page.goto(proposal)
    page.check("input[value=yes]")
    page.click("form.step >> button")
    if page.url.find("/again") >= 0:
        page.fill("#password", made.users["k.brandt"].password)
        page.click("main button")
        page.goto(proposal)
        page.check("input[value=yes]")
        page.click("form.step >> button")
    assert "Done" in page.inner_text("main")
    assert made.read("SELECT state FROM alert WHERE id = ?", severe) == [("closed",)]
    page.goto(f"/g/{_group(made)}?do=close")
    page.check("input[value=all]")
    page.select_option("#outcome", "noise")
    page.fill("#group-why", "Small sums of the same evening.")
    page.click("form >> text=Close >> nth=-1")
    assert "closed" in page.inner_text("p.said")
    page.goto("/inbox?view=single")
    page.check("ol.list li:last-child input[type=checkbox]")
    page.fill("#many-why", "Looked at with the others.")
    page.click("text=Add the note")
    assert "Noted." in page.inner_text("p.said")
    other.quiet()
    _is_followed(one)


def _asks_to_follow(page: Page, made: Played) -> None:
    """The money of a case that is not followed, from the alert of a payment."""
    (left,) = made.read(
        "SELECT a.id FROM alert a JOIN entry e ON e.id = a.entry WHERE e.case_id = 'CRANE-01' "
        "AND a.direction = 'out' AND a.kind = 'movement' ORDER BY a.created LIMIT 1"
    )
    page.goto(f"/alert/{left[0]}")
    page.click("article >> text=Follow the money…")
    page.fill("#follow-why", "The wages leave.")
    page.click("form.step >> button")
    assert "Asked for: it is followed from" in page.inner_text("article")


def _the_watch_itself(browser: Browser, made: Played) -> None:
    admin = Watched(browser, made, made.users["s.admin"], java_script_enabled=False)
    desk_watched.a_test_is_sent(admin.page)
    lead = Watched(browser, made, made.users["k.brandt"], java_script_enabled=False)
    desk_watched.a_day_is_noted(lead.page)
    desk_watched.a_row_is_taken_into_a_case(lead.page, made.read, "CRANE-01")
    for who in (admin, lead):
        who.quiet()


def _is_followed(who: Watched) -> None:
    """Once the running program has done it."""
    end = time.monotonic() + 90
    while "Switched on" not in who.page.inner_text("main"):
        assert time.monotonic() < end, who.page.inner_text("main")
        time.sleep(1)
        who.page.goto("/c/CRANE-01")
    assert "by m.ortiz" in who.page.inner_text("main")
    who.quiet()


def _by_keyboard_alone(browser: Browser, made: Played) -> None:
    """j, Enter, t, n: nothing but keys."""
    who = Watched(browser, made, made.users["m.ortiz"])
    keys = who.page.keyboard
    who.page.goto("/inbox?view=nobody")
    keys.press("j")
    keys.press("Enter")
    who.page.wait_for_url("**/alert/**")
    keys.press("t")
    keys.press("Enter")
    who.page.wait_for_selector("article >> text=you have it")
    who.page.wait_for_load_state()  # a key that comes before the script is lost
    keys.press("n")
    who.page.wait_for_selector("#note-why")
    who.page.focus("#note-why")
    keys.type("By keys alone: jkt? are letters here.")
    keys.press("Tab")
    keys.press("Enter")
    who.page.wait_for_selector("article >> text=By keys alone")
    _the_flow_by_keys(who.page)
    who.quiet()


def _the_flow_by_keys(page: Page) -> None:
    """Another method, the tables and back, and what a box of the picture is."""
    page.goto("/c/HARBOUR-02", wait_until="load")
    page.keyboard.press("m")
    page.wait_for_url("**/c/HARBOUR-02?method=*")
    page.wait_for_load_state()
    assert "traced by tainted first, as you asked" in page.inner_text("#where")
    page.keyboard.press("p")
    page.wait_for_url("**view=table*")
    page.wait_for_load_state()
    assert page.locator("#flow svg").count() == 0
    page.keyboard.press("p")
    page.wait_for_selector("#flow svg")
    box = page.locator("#flow svg a[href='#box-1']")
    assert not page.is_visible("#box-1")
    box.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#box-1", state="visible")
    assert "WATCHED" in page.inner_text("#box-1")
    page.goto("/c/HARBOUR-02?method=tainted_first#band-1")
    assert page.is_visible("#band-1")


def _group(made: Played) -> str:
    """The largest message about several alerts to people."""
    sql = (
        "SELECT message FROM route WHERE form = 'group' AND channel = 'desk-mail' "
        "AND message IS NOT NULL GROUP BY message ORDER BY count(*) DESC LIMIT 1"
    )
    return str(made.read(sql)[0][0])


def _pictures(who: Watched, made: Played, tmp_path: Path) -> None:
    """Every page at both widths, for people to look at."""
    kept = bool(os.environ.get("FUNDWATCH_PICTURES"))
    folder = PICTURES if kept else tmp_path / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    tx = made.read("SELECT chain, tx FROM alert WHERE severity = 'severe' AND tx IS NOT NULL")[0]
    first = made.read("SELECT id FROM alert WHERE severity = 'severe' AND tx IS NOT NULL")[0][0]
    proposal = made.read("SELECT id FROM proposal LIMIT 1")[0][0]
    pages = {
        "inbox": "/inbox",
        "alert": f"/alert/{first}?do=close",
        "cases": "/c",
        "case": "/c/HARBOUR-02",
        "money-table": "/c/HARBOUR-02?view=table",
        "case-addresses": "/c/CRANE-01?tab=addresses",
        "address": f"/a/tron/{cast.CASH_OUT}",
        "transaction": f"/tx/{tx[0]}/{tx[1]}",
        "proposal": f"/proposal/{proposal}",
        "find": "/find?q=crane",
        "people": "/people",
        "following": "/c/HARBOUR-02/following",
        "followings": "/following",
        "rests": "/rests",
        "health": "/health",
        "lists": "/lists",
        "list": "/lists/partner",
        "me": "/me",
        "help": "/help",
        "second": "/inbox?view=second",
        "single": "/inbox?view=single",
        "told": "/inbox?view=quiet",
        "group": f"/g/{_group(made)}",
        "notes": "/c/CRANE-01?tab=notes",
        "members": "/c/CRANE-01?tab=members",
        "files": "/c/CRANE-01?tab=files",
    }
    for name, path in pages.items():
        for width, height in SIZES:
            tall = WITH_FLOW if name == "case" else height
            who.page.set_viewport_size({"width": width, "height": tall})
            answer = who.open(path)
            assert answer.status == 200, path
            who.page.screenshot(path=folder / f"{name}{width}.png")
    assert len([*folder.glob("*.png")]) >= len(pages) * len(SIZES)
