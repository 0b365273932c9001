"""Signing in and out, and showing once more who one is."""

from __future__ import annotations

from werkzeug import Response
from werkzeug.utils import redirect

from monitor.store import desk_failures, desk_sessions, desk_ways
from monitor.web.desk import secret
from monitor.web.desk.ask import Ask
from monitor.web.desk.entering import WRONG, enter, proven, try_
from monitor.web.desk.guard import (
    SESSION,
    TRIAL,
    form_token,
    guard_of,
    inside,
    keep,
    trial_of,
)
from monitor.web.desk.pages import passkeys


def sign_in(ask: Ask) -> Response:
    """The form. Its cookie shows whether the browser keeps cookies at all."""
    wanted = inside(ask.request.args.get("next", "/"))
    if ask.me:
        return redirect(wanted, 303)
    return _form(ask, wanted)


def signing_in(ask: Ask) -> Response:
    name, wanted = ask.field("name", 100), inside(ask.field("next"))
    tried = try_(ask, name)
    if tried.wait:
        return _slowed(_form(ask, wanted, tried.words, name, 429), tried.wait)
    how = proven(ask, name, _password(ask), ask.field("code", 60))
    if not how:
        tried.failed(name, "password or code")
        return _form(ask, wanted, WRONG, name, 422)
    return enter(ask, name, how, tried.keys, wanted)


def _form(ask: Ask, wanted: str, wrong: str = "", name: str = "", status: int = 200) -> Response:
    trial = trial_of(ask)
    response = ask.page(
        *("sign_in.html.j2", "Sign in", ""), status, wanted=wanted, wrong=wrong, name=name,
        key=form_token(trial), sso=ask.settings.web.oidc is not None,
        passkeys=passkeys.offered(ask),
    )  # fmt: skip
    keep(response, TRIAL, trial)
    return response


def _password(ask: Ask) -> str:
    """As it was typed, blanks at its ends too."""
    return ask.request.form.get("password", "")[:1000]


def _slowed(response: Response, wait: int) -> Response:
    response.headers["Retry-After"] = str(wait)
    return response


def sign_out(ask: Ask) -> Response:
    file = guard_of(ask).file
    if ask.me:
        name = ask.me.person.name
        desk_sessions.end(file, ask.me.session, ask.now, "signed out", name)
    response = redirect("/sign-in", 303)
    keep(response, SESSION, "")
    return response


def again(ask: Ask) -> Response:
    """Asked once more, before what needs it."""
    return _again_form(ask, inside(ask.request.args.get("next", "/")))


def again_answered(ask: Ask) -> Response:
    """The password is enough: the session was begun with more."""
    name, wanted = ask.signed.person.name, inside(ask.field("next"))
    file = guard_of(ask).file
    tried = try_(ask, name)
    if tried.wait:
        return _slowed(_again_form(ask, wanted, tried.words, 429), tried.wait)
    known = desk_ways.credential(file, name) or desk_ways.Credential(name)
    if not secret.is_password(known.password, _password(ask)):
        tried.failed(name, "password, asked again")
        return _again_form(ask, wanted, "This is not your password.", 422)
    with file.change() as conn:
        desk_failures.clear(conn, tried.keys)
    desk_sessions.proven_again(file, ask.signed.session, name, ask.now, "password")
    return redirect(wanted, 303)


def _again_form(ask: Ask, wanted: str, wrong: str = "", status: int = 200) -> Response:
    file, name = guard_of(ask).file, ask.signed.person.name
    known = desk_ways.credential(file, name)
    return ask.page(
        *("again.html.j2", "Is it still you?", ""), status, wanted=wanted, wrong=wrong,
        password=bool(known and known.password),
        passkey=passkeys.offered(ask) and bool(desk_ways.passkeys(file, name)),
        sso=ask.settings.web.oidc is not None,
    )  # fmt: skip
