"""The one-time link: somebody chooses how they sign in from now on."""

from __future__ import annotations

from werkzeug import Response

from monitor.loops.desk.people import enrolled
from monitor.model.acts import Actor, ActorKind
from monitor.store import desk, desk_ways
from monitor.store.desk_ways import Invitation
from monitor.web.desk import passwords, secret
from monitor.web.desk.ask import Ask
from monitor.web.desk.entering import BOTH, entered
from monitor.web.desk.guard import TRIAL, form_token, guard_of, keep, trial_of
from monitor.web.desk.words import Gone

OVER = (
    "This link is not good any more: it works once, for 24 hours, and a newer one ends it. Ask "
    "whoever sent it for a new one."
)


def welcome(ask: Ask, word: str) -> Response:
    return _form(ask, word, _invited(ask, word))


def code_picture(ask: Ask, word: str) -> Response:
    """What an app for codes scans."""
    found = _invited(ask, word)
    return svg_of(ask, found.code, found.person)


def welcomed(ask: Ask, word: str) -> Response:
    """Password and code are set, and whoever did it is signed in with them."""
    found = _invited(ask, word)
    first, second = (ask.request.form.get(each, "")[:1000] for each in ("password", "password2"))
    step = secret.step_of(found.code, ask.field("code", 20), ask.now)
    wrong = new_password_fault(first, second, found.person)
    if not wrong and step is None:
        wrong = CODE_WRONG
    if wrong or step is None:
        return _form(ask, word, found, wrong, 422)
    codes, password = secret.recovery_codes(), secret.hash_of(first)
    with guard_of(ask).file.change() as conn:
        if not desk_ways.use_invitation(conn, found, ask.now):
            raise Gone(OVER)
        desk_ways.set_password(conn, found.person, password, ask.now)
        kept = [secret.plain(code) for code in codes]
        desk_ways.set_code(conn, found.person, found.code, step, kept, ask.now)
    enrolled(ask.writer, invited(found.person), found.person, ask.now)
    shown = ask.page(
        *("recovery.html.j2", "Your recovery codes", ""), codes=codes, next="/", first=True
    )
    return entered(ask, shown, found.person, BOTH, ())


CODE_WRONG = (
    "The code does not fit. Type the six digits that your app shows now; if they never fit, the "
    "clock of your phone is wrong."
)


def invited(name: str) -> Actor:
    """Whoever used the link that was made for them."""
    return Actor(ActorKind.PERSON, name, "signed in (one-time link)")


def new_password_fault(first: str, second: str, name: str) -> str:
    """Why it is not taken, in words; empty: it is."""
    if first != second:
        return "The two passwords are not the same."
    return passwords.fault(first, name)


def uri_of(ask: Ask, code: str, person: str) -> str:
    """What an app for codes takes."""
    return secret.uri_of(code, person, ask.request.host.partition(":")[0])


def svg_of(ask: Ask, code: str, person: str) -> Response:
    picture = secret.picture_of(uri_of(ask, code, person))
    return Response(picture, mimetype="image/svg+xml")


def _invited(ask: Ask, word: str) -> Invitation:
    found = desk_ways.invitation(guard_of(ask).file, word, ask.now)
    person = desk.person(ask.store, found.person) if found else None
    if found is None or person is None or person.disabled is not None:
        raise Gone(OVER)
    return found


def _form(ask: Ask, word: str, found: Invitation, wrong: str = "", status: int = 200) -> Response:
    trial = trial_of(ask)
    response = ask.page(
        *("welcome.html.j2", "Welcome", ""), status, word=word, person=found.person, wrong=wrong,
        secret=in_groups(found.code), uri=uri_of(ask, found.code, found.person),
        key=form_token(trial), least=passwords.LEAST,
    )  # fmt: skip
    keep(response, TRIAL, trial)
    return response


def in_groups(code: str) -> str:
    """A secret as it can be typed."""
    return " ".join(code[start : start + 4] for start in range(0, len(code), 4))
