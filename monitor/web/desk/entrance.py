"""The addresses at which people come in, are looked after, and leave traces. routes.py has all."""

from __future__ import annotations

from monitor.model.desk import Right
from monitor.web.desk.ask import Route
from monitor.web.desk.pages import journal, me, passkeys, people, restricted, sign_in, sso, welcome

POST = ("POST",)
ENTRANCE: tuple[Route, ...] = (
    Route("/sign-in", sign_in.sign_in, None),
    Route("/sign-in", sign_in.signing_in, None, POST),
    Route("/sign-out", sign_in.sign_out, None, POST),
    Route("/again", sign_in.again),
    Route("/again", sign_in.again_answered, methods=POST),
    Route("/welcome/<word>", welcome.welcome, None),
    Route("/welcome/<word>/code.svg", welcome.code_picture, None),
    Route("/welcome/<word>", welcome.welcomed, None, POST),
    Route("/me", me.me),
    Route("/me/end", me.end_session, methods=POST),
    Route("/me/end-others", me.end_others, methods=POST),
    Route("/me/password", me.change_password, methods=POST),
    Route("/me/code", me.new_code),
    Route("/me/code.svg", me.new_code_picture),
    Route("/me/code", me.set_code, methods=POST),
    Route("/passkey/begin", passkeys.begin, None, POST),
    Route("/passkey", passkeys.sign_in, None, POST),
    Route("/passkey/new/begin", passkeys.begin_new, methods=POST),
    Route("/passkey/new", passkeys.new, methods=POST),
    Route("/me/passkey/drop", passkeys.drop, methods=POST),
    Route("/sso", sso.begin, None),
    Route("/sso/back", sso.back, None),
    Route("/people", people.people),
    Route("/people", people.add, Right.PEOPLE, POST),
    Route("/people/<name>", people.person),
    Route("/people/<name>/role", people.change, Right.PEOPLE, POST),
    Route("/people/<name>/reset", people.reset, Right.PEOPLE, POST),
    Route("/people/<name>/disable", people.disable, Right.PEOPLE, POST),
    Route("/people/<name>/enable", people.enable, Right.PEOPLE, POST),
    Route("/people/<name>/case", people.member, Right.LEAD, POST),
    Route("/journal", journal.journal, Right.AUDIT),
    Route("/c/<path:case>/restricted-clock", restricted.start, methods=POST),
    Route("/c/<path:case>/restricted-clock/end", restricted.end, methods=POST),
)
