"""What somebody sees and changes of their own: sessions, password, second factor."""

from __future__ import annotations

from werkzeug import Response

from monitor.loops.desk import access
from monitor.model.desk import Right
from monitor.store import desk_sessions, desk_ways
from monitor.web.desk import passwords, secret
from monitor.web.desk.ask import Ask
from monitor.web.desk.guard import SESSION, again, guard_of, keep
from monitor.web.desk.pages import passkeys
from monitor.web.desk.pages.welcome import CODE_WRONG, in_groups, new_password_fault, svg_of, uri_of
from monitor.web.desk.words import Changed


def me(ask: Ask, wrong: str = "", status: int = 200) -> Response:
    file, name = guard_of(ask).file, ask.signed.person.name
    known = desk_ways.credential(file, name)
    return ask.page(
        *("me.html.j2", "You", "me"), status, wrong=wrong,
        sessions=desk_sessions.of_person(file, name, ask.now),
        password=bool(known and known.password), code=bool(known and known.code),
        passkeys=desk_ways.passkeys(file, name), left=desk_ways.recoveries_left(file, name),
        least=passwords.LEAST, cases=ask.sight.cases, offered=passkeys.offered(ask),
        people=ask.signed.may(Right.PEOPLE) or ask.signed.may(Right.LEAD),
    )  # fmt: skip


def end_session(ask: Ask) -> Response:
    """One of one's own."""
    file, wanted, name = guard_of(ask).file, ask.field("session"), ask.signed.person.name
    if not desk_sessions.end(file, wanted, ask.now, "ended by themselves", name, name):
        raise Changed("This session is over already.")
    if wanted != ask.signed.session:
        return ask.go("/me", "The session is ended.")
    response = ask.go("/sign-in")
    keep(response, SESSION, "")
    return response


def end_others(ask: Ask) -> Response:
    name, signed = ask.signed.person.name, ask.signed
    with guard_of(ask).file.change() as conn:
        number = desk_sessions.end_all(
            *(conn, name, ask.now, "ended by themselves", name), keep=signed.session
        )
    return ask.go("/me", f"Ended: {number}." if number else "There was no other session.")


def change_password(ask: Ask) -> Response:
    """All other sessions end with the old one."""
    if sent := again(ask, "/me"):
        return sent
    name = ask.signed.person.name
    first, second = (ask.request.form.get(each, "")[:1000] for each in ("password", "password2"))
    if wrong := new_password_fault(first, second, name):
        return me(ask, wrong, 422)
    made = secret.hash_of(first)
    with guard_of(ask).file.change() as conn:
        desk_ways.set_password(conn, name, made, ask.now)
        desk_sessions.end_all(
            *(conn, name, ask.now, "the password was changed", name), keep=ask.signed.session
        )
    return ask.go("/me", "Your password is changed. Your other sessions are ended.")


def new_code(ask: Ask) -> Response:
    """Another phone, or new recovery codes: a new secret is offered."""
    if sent := again(ask, "/me/code"):
        return sent
    return _code_form(ask, _offered(ask) or _offer(ask))


def new_code_picture(ask: Ask) -> Response:
    """Of a form that was asked for: who only has the session is not shown what it holds."""
    if sent := again(ask, "/me/code"):
        return sent
    return svg_of(ask, _offered(ask) or _offer(ask), ask.signed.person.name)


def set_code(ask: Ask) -> Response:
    if sent := again(ask, "/me/code"):
        return sent
    code = _offered(ask)
    step = secret.step_of(code, ask.field("code", 20), ask.now)
    if not code or step is None:
        return _code_form(ask, code or _offer(ask), CODE_WRONG, 422)
    file, name, codes = guard_of(ask).file, ask.signed.person.name, secret.recovery_codes()
    with file.change() as conn:
        kept = [secret.plain(each) for each in codes]
        desk_ways.set_code(conn, name, code, step, kept, ask.now)
    desk_ways.take_pending(file, _key(ask), ask.now)
    title = "Your recovery codes"
    return ask.page("recovery.html.j2", title, "me", codes=codes, next="/me", first=False)


def _code_form(ask: Ask, code: str, wrong: str = "", status: int = 200) -> Response:
    title = "A new second factor"
    return ask.page(
        *("code.html.j2", title, "me"), status, secret=in_groups(code), wrong=wrong,
        uri=uri_of(ask, code, ask.signed.person.name),
    )  # fmt: skip


def _key(ask: Ask) -> str:
    return f"code {ask.signed.token}"


def _offered(ask: Ask) -> str:
    """The secret that was offered in this session and not taken yet."""
    return desk_ways.pending(guard_of(ask).file, _key(ask), ask.now) or ""


def _offer(ask: Ask) -> str:
    code = access.new_code()
    desk_ways.begin_pending(guard_of(ask).file, _key(ask), code, ask.now)
    return code
