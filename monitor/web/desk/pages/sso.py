"""Signing in by your own single sign-on. Who somebody is, the issuer says (issuer and subject,
which do not change); what they may do, their groups by the table of the settings."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Mapping
from dataclasses import asdict
from urllib.parse import urlencode

from werkzeug import Response
from werkzeug.utils import redirect

from monitor.loops.desk.people import add_person, change_person, enrolled
from monitor.model.acts import Actor, ActorKind
from monitor.model.desk import OidcSettings, Role
from monitor.model.errors import ConfigError, SourceError
from monitor.model.plain import tidy
from monitor.net import oidc
from monitor.net.oidc import Begun
from monitor.store import desk, desk_failures, desk_sessions, desk_ways
from monitor.web.desk.ask import Ask
from monitor.web.desk.entering import entered
from monitor.web.desk.guard import TRIAL, guard_of, inside, keep, trial_of
from monitor.web.desk.words import Gone

log = logging.getLogger("fundwatch.desk")

BY = "single sign-on"
FRESH = 300  # seconds since somebody typed their password there, where they are asked again


class _No(Exception):
    """Why somebody is not let in, in words for them."""


def begin(ask: Ask) -> Response:
    """GET: a form could not lead to another site, by the policy of our pages. It changes nothing
    but what this browser has begun."""
    settings, trial = _settings(ask), trial_of(ask)
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    begun = Begun(state, nonce, verifier, f"{ask.settings.web.url}/sso/back")
    wanted = inside(ask.request.args.get("next", "/"))
    again = ask.me is not None
    try:
        at = oidc.discover(settings, ask.now)
    except SourceError as error:
        log.warning("%s", error)
        return _no(ask, "Your single sign-on does not answer. Try again in a while.")
    kept = json.dumps({"begun": asdict(begun), "next": wanted, "again": again})
    desk_ways.begin_pending(guard_of(ask).file, f"sso {trial}", kept, ask.now)
    response = redirect(oidc.sent_to(at, settings, begun, again=again), 303)
    keep(response, TRIAL, trial)
    return response


def back(ask: Ask) -> Response:
    """Whoever comes back is the browser that went, with a code for what was begun."""
    settings, args = _settings(ask), ask.request.args
    kept = desk_ways.take_pending(
        guard_of(ask).file, f"sso {ask.request.cookies.get(TRIAL, '')}", ask.now
    )
    if kept is None:
        return _no(ask, "It took too long, or was begun in another browser. Try again.")
    told = json.loads(kept)
    begun, wanted = Begun(**told["begun"]), inside(told["next"])
    if not secrets.compare_digest(args.get("state", "").encode(), begun.state.encode()):
        return _no(ask, "What came back was not asked for. Try again.")
    if not args.get("code"):
        return _no(ask, "Your single sign-on did not let you in.")
    try:
        said = oidc.claims(oidc.discover(settings, ask.now), settings, begun, args["code"], ask.now)
        if told["again"]:
            return _again(ask, settings, said, wanted)
        name = _person(ask, settings, said)
    except SourceError as error:
        log.warning("%s", error)
        return _no(ask, "What your single sign-on said could not be believed. Try again.")
    except (_No, ConfigError) as error:
        return _no(ask, str(error))
    return entered(ask, redirect(wanted, 303), name, BY, ())


def _person(ask: Ask, settings: OidcSettings, said: Mapping[str, object]) -> str:
    """Whom this is, made on their first time."""
    file, subject = guard_of(ask).file, f"{settings.issuer} {said['sub']}"
    role = _role(settings, said)
    name = desk_ways.sso_person(file, subject)
    if name is None:
        name = tidy(str(said.get("preferred_username") or said.get("email") or said["sub"]), 80)
        name = name.replace("/", "-")  # of a page's address
        if desk.person(ask.store, name) is not None:
            raise _No(f"The name {name} is used already, by somebody who comes in another way.")
        desk_ways.bind_sso(file, subject, name, ask.now)
    person, actor = desk.person(ask.store, name), Actor(ActorKind.PERSON, name, f"signed in ({BY})")
    if person is None:
        add_person(ask.writer, actor, name, role, ask.now)
    elif person.disabled is not None:
        raise _No("You may no longer use this desk. Ask whoever looks after its people.")
    elif person.role is not role:
        why = "the groups of the single sign-on"
        change_person(ask.writer, actor, name, role, person.reports, why, ask.now)
    enrolled(ask.writer, actor, name, ask.now)
    return name


def _role(settings: OidcSettings, said: Mapping[str, object]) -> Role:
    """Of the first group in the table of the settings that somebody is in."""
    groups = said.get(settings.claim)
    mine = [groups] if isinstance(groups, str) else groups if isinstance(groups, list) else []
    for group, role in settings.roles.items():
        if group in mine:
            return role
    raise _No("None of your groups has a role at this desk. Ask whoever looks after its people.")


def _again(ask: Ask, settings: OidcSettings, said: Mapping[str, object], wanted: str) -> Response:
    file, name = guard_of(ask).file, ask.me.person.name if ask.me else ""
    when = said.get("auth_time")
    fresh = isinstance(when, int) and ask.now - when <= FRESH
    if desk_ways.sso_person(file, f"{settings.issuer} {said['sub']}") != name or not name:
        raise _No("That was somebody else.")
    if not fresh:
        raise _No("Your single sign-on did not ask you anew. Sign out there, then try again.")
    desk_sessions.proven_again(file, ask.signed.session, name, ask.now, BY)
    return redirect(wanted, 303)


def _no(ask: Ask, words: str) -> Response:
    file, name = guard_of(ask).file, ask.me.person.name if ask.me else ""
    desk_failures.refused(file, name, guard_of(ask).client(ask.request), BY, ask.now)
    return ask.page("sso.html.j2", "Not signed in", "", 403, words=words,
                    anew=f"/sso?{urlencode({'next': '/'})}")  # fmt: skip


def _settings(ask: Ask) -> OidcSettings:
    found = ask.settings.web.oidc
    if found is None or not oidc.installed():
        raise Gone
    return found
