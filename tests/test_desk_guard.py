"""Signing in at the desk: the real server on a real home folder, over real HTTP."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from world.desk import Served, User, add_person, send, served, sign_in, token_of, turn_on
from world.home import Home, begun

from monitor.model.desk import Role
from monitor.store.desk_sessions import IDLE, LONGEST
from monitor.store.deskfile import FILE
from monitor.web.desk.routes import ROUTES


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = begun(tmp_path)
    turn_on(home.path)
    return home


@pytest.fixture
def desk(home: Home) -> Iterator[Served]:
    with served(home.path) as desk:
        yield desk


@pytest.fixture
def ortiz(home: Home) -> User:
    return add_person(home.path, "m.ortiz", Role.LEAD)


def test_nobody_comes_in_unasked(desk: Served) -> None:
    said = desk.visitor().get("/again", allow_redirects=False)
    assert (said.status_code, said.headers["Location"]) == (303, "/sign-in?next=%2Fagain")


def test_signing_in_and_out(ortiz: User, desk: Served) -> None:
    session = desk.signed_in(ortiz)
    html = session.get("/again").text
    assert "m.ortiz" in html
    kept = session.cookies["__Host-fundwatch"]
    assert send(session, "/again", "/sign-out", {}).headers["Location"] == "/sign-in"
    session.cookies.set("__Host-fundwatch", kept)
    assert session.get("/again", allow_redirects=False).status_code == 303


def test_the_cookie_is_for_this_desk_alone(ortiz: User, desk: Served) -> None:
    said = sign_in(desk.visitor(), ortiz).raw.headers.getlist("Set-Cookie")
    (cookie,) = (c for c in said if c.startswith("__Host-fundwatch="))
    parts = {part.strip() for part in cookie.split(";")[1:]}
    assert parts == {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"}


def test_in_a_browser_with_scripts_and_without(ortiz: User, desk: Served) -> None:
    for script in (True, False):
        page = desk.page(ortiz, java_script_enabled=script)
        page.goto("/again")
        assert "m.ortiz" in page.inner_text("header")
        assert page.said == []


# -- forms that are ours ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_form_of_somebody_else_is_refused(
    ortiz: User, desk: Served, headers: dict[str, str]
) -> None:
    session = desk.signed_in(ortiz)
    said = send(session, "/me", "/me/end-others", {}, headers=headers)
    assert said.status_code == 400
    assert session.get("/me").status_code == 200


def test_a_form_without_its_word_is_refused(ortiz: User, desk: Served) -> None:
    one, other = desk.signed_in(ortiz), desk.signed_in(ortiz)
    theirs = token_of(other.get("/me").text)
    for token in ("", "x", theirs, "\udcff", "é" * 50):
        form = {"token": token.encode("utf-8", "surrogateescape")}
        assert one.post("/me/end-others", data=form).status_code == 400, token
    assert other.get("/me").status_code == 200


def test_every_change_wants_its_form(ortiz: User, desk: Served) -> None:
    """Whichever route: a POST without a word of this session does nothing."""
    session = desk.signed_in(ortiz)
    for route in ROUTES:
        if "POST" in route.methods:
            path = re.sub("<[^>]+>", "x", route.path)
            assert session.post(path, data={}).status_code == 400, path
            stranger = desk.visitor().post(path, data={})
            assert stranger.status_code == 400, path


def test_nothing_is_changed_by_looking(ortiz: User, desk: Served) -> None:
    session = desk.signed_in(ortiz)
    for path in ("/sign-out", "/me/end-others", "/me/password", "/people/m.ortiz/disable"):
        assert session.get(path).status_code in (404, 405), path


def test_only_our_own_names_are_answered(ortiz: User, desk: Served) -> None:
    """Somebody else's name that points here (DNS rebinding) shows nothing."""
    session = desk.signed_in(ortiz)
    for host in ("evil.example", f"evil.example:{desk.port}", "localhost", ""):
        assert session.get("/me", headers={"Host": host}).status_code == 400, host
    assert desk.visitor().get(f"http://127.0.0.1:{desk.port}/sign-in").status_code == 200


def test_a_browser_that_keeps_no_cookie_is_told(ortiz: User, desk: Served) -> None:
    session = desk.visitor()
    html = session.get("/sign-in").text
    session.cookies.clear()
    said = session.post("/sign-in", data={"token": token_of(html), "name": "m.ortiz"})
    assert said.status_code == 400
    assert "kept no cookie" in said.text
    assert f"http://localhost:{desk.port}" in said.text


def test_after_signing_in_one_goes_on_inside_the_desk_alone(ortiz: User, desk: Served) -> None:
    wanted = ("https://evil.example", "//evil.example", "/\\evil.example", "\t//evil.example",
              "javascript:alert(1)", "/me\r\nSet-Cookie: x=y")  # fmt: skip
    for each in wanted:
        said = desk.visitor().get("/sign-in", params={"next": each}).text
        assert 'name="next" value="/"' in said, each
    assert sign_in(desk.visitor(), ortiz, next="//evil.example").headers["Location"] == "/"


# -- sessions -----------------------------------------------------------------------------------


def sql(home: Home, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(home.path / FILE, timeout=30)) as conn, conn:
        return conn.execute(statement).fetchall()


def test_a_session_ends_when_nobody_looks(home: Home, ortiz: User, desk: Served) -> None:
    session = desk.signed_in(ortiz)
    sql(home, f"UPDATE session SET seen = seen - {IDLE - 60}")
    assert session.get("/me", allow_redirects=False).status_code == 200  # and is seen by that
    sql(home, f"UPDATE session SET seen = seen - {IDLE - 60}")
    assert session.get("/me", allow_redirects=False).status_code == 200
    sql(home, f"UPDATE session SET seen = seen - {IDLE + 60}")
    assert session.get("/me", allow_redirects=False).status_code == 303


def test_a_form_of_a_session_that_is_over_gives_back_what_was_written(
    home: Home, ortiz: User, desk: Served
) -> None:
    session = desk.signed_in(ortiz)
    token = token_of(session.get("/me").text)
    sql(home, f"UPDATE session SET begun = begun - {LONGEST + 1}")
    came = {"Referer": f"{desk.url}/me"}
    form = {"token": token, "why": "a long sentence"}
    said = session.post("/me/end-others", data=form, headers=came)
    assert said.status_code == 401
    for words in ("nothing was done", "a long sentence"):
        assert words in said.text
    # What a page of somebody else sends is not shown as if they had written it.
    strange = session.post("/me/end-others", data=form, headers={"Origin": "https://evil.example"})
    assert strange.status_code == 400
    assert "a long sentence" not in strange.text
    assert session.get("/me", allow_redirects=False).headers["Location"].startswith("/sign-in")


def test_who_was_stopped_between_choosing_and_saying_so_comes_in(
    home: Home, ortiz: User, desk: Served
) -> None:
    """The password is kept before the record says that there is one."""
    with closing(sqlite3.connect(home.path / "fundwatch.db")) as conn, conn:
        conn.execute("UPDATE person SET enrolled = NULL")
    session = desk.signed_in(ortiz)
    assert session.get("/me").status_code == 200


def test_a_session_ends_after_a_day_whatever_happens(home: Home, ortiz: User, desk: Served) -> None:
    session = desk.signed_in(ortiz)
    sql(home, f"UPDATE session SET begun = begun - {LONGEST + 1}")
    assert session.get("/me", allow_redirects=False).status_code == 303


def test_no_key_stands_in_the_file(home: Home, ortiz: User, desk: Served) -> None:
    session = desk.signed_in(ortiz)
    kept = [c.value for c in session.cookies if c.name.startswith("__Host-fundwatch")]
    assert len(kept) == 3
    desk.desk.guard.file.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    text = (home.path / FILE).read_bytes()
    assert not [key for key in kept if key and key.encode() in text]
    assert ortiz.password.encode() not in text


def test_signing_in_gives_a_new_key(ortiz: User, desk: Served) -> None:
    """A key that somebody else put into a browser is worth nothing afterwards."""
    session = desk.visitor()
    session.cookies.set("__Host-fundwatch", "put-there-by-a-stranger")
    assert sign_in(session, ortiz).status_code == 303
    keys = [c.value for c in session.cookies if c.name == "__Host-fundwatch"]
    assert any(key != "put-there-by-a-stranger" for key in keys)
    stranger = desk.visitor()
    stranger.cookies.set("__Host-fundwatch", "put-there-by-a-stranger")
    assert stranger.get("/me", allow_redirects=False).status_code == 303


def test_ones_own_sessions_can_be_ended(ortiz: User, desk: Served) -> None:
    one, other, third = (desk.signed_in(ortiz) for _ in range(3))
    html = one.get("/me").text
    names = re.findall(r'name="session" value="(\w+)"', html)
    assert len(names) == 3
    mine = re.search(r'value="(\w+)"><button[^>]*>End this one', html)
    assert mine
    (second, *_) = [name for name in names if name != mine[1]]
    assert send(one, "/me", "/me/end", {"session": second}).status_code == 303
    alive = [s.get("/me", allow_redirects=False).status_code for s in (other, third)]
    assert sorted(alive) == [200, 303]
    assert send(one, "/me", "/me/end-others", {}).status_code == 303
    assert other.get("/me", allow_redirects=False).status_code == 303
    assert third.get("/me", allow_redirects=False).status_code == 303


def test_nobody_ends_a_session_of_somebody_else(home: Home, ortiz: User, desk: Served) -> None:
    theirs = desk.signed_in(add_person(home.path, "j.weber"))
    session = desk.signed_in(ortiz)
    ((name,),) = sql(home, "SELECT id FROM session WHERE person = 'j.weber'")
    assert send(session, "/me", "/me/end", {"session": str(name)}).status_code == 409
    assert theirs.get("/me").status_code == 200


def test_another_password_ends_all_other_sessions(ortiz: User, desk: Served) -> None:
    session, other = desk.signed_in(ortiz), desk.signed_in(ortiz)
    new = "another canary of tests 8e1f"
    form = {"password": new, "password2": new}
    assert send(session, "/me", "/me/password", form).status_code == 303
    assert session.get("/me").status_code == 200
    assert other.get("/me", allow_redirects=False).status_code == 303
    assert sign_in(desk.visitor(), ortiz).status_code == 422
    assert sign_in(desk.visitor(), ortiz, password=new).status_code == 303


def test_another_phone(ortiz: User, desk: Served) -> None:
    session = desk.signed_in(ortiz)
    html = session.get("/me/code").text
    assert session.get("/me/code.svg").headers["Content-Type"] == "image/svg+xml; charset=utf-8"
    found = re.search(r'class="mono">([A-Z2-7 ]+)<', html)
    assert found
    anew = User(ortiz.name, found[1].replace(" ", ""))
    wrong = send(session, "/me/code", "/me/code", {"code": ortiz.now()})
    assert wrong.status_code == 422
    shown = send(session, "/me/code", "/me/code", {"code": anew.now()}).text
    assert len(re.findall(r"<li>[a-z0-9-]{14}</li>", shown)) == 10
    assert sign_in(desk.visitor(), ortiz).status_code == 422
    assert sign_in(desk.visitor(), anew).status_code == 303


# -- proving it ---------------------------------------------------------------------------------


def test_a_code_works_once(ortiz: User, desk: Served) -> None:
    code = ortiz.now()
    assert len(code) == 6
    assert sign_in(desk.visitor(), ortiz, code=code).status_code == 303
    assert sign_in(desk.visitor(), ortiz, code=code).status_code == 422


def test_nobody_learns_who_is_known(home: Home, ortiz: User, desk: Served) -> None:
    add_person(home.path, "gone")
    sql_record = sqlite3.connect(home.path / "fundwatch.db")
    with closing(sql_record) as conn, conn:
        conn.execute("UPDATE person SET disabled = 1 WHERE name = 'gone'")
    texts = set()
    for name, password in (("m.ortiz", "wrong"), ("nobody", "wrong"), ("gone", ortiz.password)):
        said = sign_in(desk.visitor(), User(name, ortiz.code, password), code="123456")
        assert said.status_code == 422
        html = re.sub(r'value="[^"]*"', "", said.text)
        texts.add(html)
    assert len(texts) == 1


def test_five_failures_slow_the_name_but_not_whoever_was_here_before(
    home: Home, ortiz: User, desk: Served
) -> None:
    known = desk.signed_in(ortiz)  # a browser of hers
    send(known, "/me", "/sign-out", {})
    stranger = desk.visitor()
    for _ in range(5):
        assert sign_in(stranger, ortiz, password="wrong", code="000000").status_code == 422
    said = sign_in(desk.visitor(), ortiz)
    assert said.status_code == 429
    assert 0 < int(said.headers["Retry-After"]) <= 4
    assert "Too many tries" in said.text
    assert sign_in(known, ortiz).status_code == 303
    sql(home, "UPDATE failure SET at = at - 10")
    assert sign_in(desk.visitor(), ortiz).status_code == 303  # never for good


def test_a_password_typed_for_a_name_is_not_kept(home: Home, ortiz: User, desk: Served) -> None:
    sign_in(desk.visitor(), User("canary-typed-into-the-wrong-field", ortiz.code))
    texts = "".join(str(row) for row in sql(home, "SELECT text, name FROM trail"))
    assert "refused" in texts
    assert "canary-typed" not in texts


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "a'\"; DROP TABLE session; --", "\x00", "x" * 5000,
             "\u202eevil", "{{ 7 * 7 }}"]
)  # fmt: skip
def test_hostile_names_do_nothing(ortiz: User, desk: Served, name: str) -> None:
    said = sign_in(desk.visitor(), User(name, ortiz.code))
    assert said.status_code == 422
    assert "<script>alert" not in said.text
    assert "49" not in re.findall(r'id="name"[^>]*', said.text)[0]


# -- a proxy ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("proxy", "seen"), [("127.0.0.1", "203.0.113.9"), ("", "127.0.0.1")])
def test_a_proxy_is_believed_where_it_is_named(tmp_path: Path, proxy: str, seen: str) -> None:
    home = begun(tmp_path)
    turn_on(home.path, **({"proxy": proxy} if proxy else {}))
    user = add_person(home.path, "m.ortiz", Role.LEAD)
    with served(home.path) as desk:
        session = desk.visitor()
        session.headers["X-Forwarded-For"] = "198.51.100.7, 203.0.113.9"
        assert sign_in(session, user).status_code == 303
    assert sql(home, "SELECT address FROM session") == [(seen,)]
