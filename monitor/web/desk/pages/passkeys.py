"""Passkeys: a device that proves by itself who uses it. Needs the extra `passkeys`, a name instead
of an address of this machine (localhost will do), and scripts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from werkzeug import Response

from monitor.model.plain import tidy
from monitor.store import desk, desk_failures, desk_sessions, desk_ways
from monitor.store.desk_ways import Passkey
from monitor.web.desk.ask import Ask
from monitor.web.desk.entering import Try, entered, try_
from monitor.web.desk.guard import TRIAL, again, guard_of, inside
from monitor.web.desk.words import Gone

if TYPE_CHECKING:
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

BY = "passkey"
TITLE_MOST = 60
NOT_TAKEN = "This passkey was not taken. Try it again, or sign in with your password."


@cache
def installed() -> bool:
    return find_spec("webauthn") is not None


def offered(ask: Ask) -> bool:
    """Whether passkeys work where this page was opened: by the name that they are made for."""
    here = urlsplit(ask.request.host_url).hostname
    return installed() and here == _site(ask)


def begin_new(ask: Ask) -> Response:
    """What the browser needs to make one."""
    _check(ask)
    from webauthn import generate_registration_options, options_to_json  # noqa: PLC0415 - an extra
    from webauthn.helpers.structs import (  # noqa: PLC0415
        AuthenticatorSelectionCriteria,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    if again(ask, "/me"):
        return _said("Show first that it is still you.", go="/again?next=/me")
    name = ask.signed.person.name
    options = generate_registration_options(
        rp_id=_site(ask), rp_name="Fundwatch", user_name=name,
        user_id=hashlib.sha256(name.encode()).digest(),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=_descriptors(desk_ways.passkeys(guard_of(ask).file, name)),
    )  # fmt: skip
    return _begun(ask, f"new {ask.signed.token}", options.challenge, options_to_json(options))


def new(ask: Ask) -> Response:
    """The one that was made is kept."""
    _check(ask)
    from webauthn import verify_registration_response  # noqa: PLC0415 - an extra
    from webauthn.helpers import bytes_to_base64url  # noqa: PLC0415
    from webauthn.helpers.exceptions import WebAuthnException  # noqa: PLC0415

    challenge = _challenge(ask, f"new {ask.signed.token}")
    if challenge is None or again(ask, "/me"):
        return _said("It took too long. Try it again.")
    try:
        made = verify_registration_response(
            credential=ask.request.form.get("credential", ""), expected_challenge=challenge,
            expected_rp_id=_site(ask), expected_origin=_origin(ask),
            require_user_verification=True,
        )  # fmt: skip
    except (WebAuthnException, ValueError, KeyError, TypeError):
        return _said("The browser made no passkey that can be used here.")
    id_, key = (bytes_to_base64url(x) for x in (made.credential_id, made.credential_public_key))
    file, name = guard_of(ask).file, ask.signed.person.name
    if desk_ways.passkey(file, id_):
        return _said("This passkey is known already.")
    title = tidy(ask.field("title"), TITLE_MOST) or "a passkey"
    with file.change() as conn:
        desk_ways.add_passkey(conn, Passkey(id_, name, key, made.sign_count, title, ask.now))
    return _said("", go="/me")


def begin(ask: Ask) -> Response:
    """What the browser needs to show one: of somebody who signs in, or is asked again."""
    _check(ask)
    from webauthn import generate_authentication_options, options_to_json  # noqa: PLC0415 - extra
    from webauthn.helpers.structs import UserVerificationRequirement  # noqa: PLC0415

    file = guard_of(ask).file
    mine = desk_ways.passkeys(file, ask.me.person.name) if ask.me else []
    options = generate_authentication_options(
        rp_id=_site(ask), allow_credentials=_descriptors(mine),
        user_verification=UserVerificationRequirement.REQUIRED,
    )  # fmt: skip
    return _begun(ask, _shown(ask), options.challenge, options_to_json(options))


def sign_in(ask: Ask) -> Response:
    """Whoever shows one is signed in, or has shown again that it is they."""
    _check(ask)
    tried = try_(ask, "")
    if tried.wait:
        return _said(tried.words)
    found = _proven(ask)
    person = desk.person(ask.store, found.person) if found else None
    if found is None or person is None or not person.active:
        tried.failed("", "passkey")
        return _said(NOT_TAKEN)
    if ask.me is None:
        wanted = inside(ask.field("next"))
        return entered(ask, _said("", go=wanted), person.name, BY, tried.keys)
    if ask.me.person.name != person.name:
        tried.failed("", "passkey of somebody else")
        return _said(NOT_TAKEN)
    return _again(ask, tried)


def _again(ask: Ask, tried: Try) -> Response:
    file, signed = guard_of(ask).file, ask.signed
    with file.change() as conn:
        desk_failures.clear(conn, tried.keys)
    desk_sessions.proven_again(file, signed.session, signed.person.name, ask.now, BY)
    return _said("", go=inside(ask.field("next")))


def _proven(ask: Ask) -> Passkey | None:
    from webauthn import verify_authentication_response  # noqa: PLC0415 - an extra
    from webauthn.helpers import base64url_to_bytes  # noqa: PLC0415
    from webauthn.helpers.exceptions import WebAuthnException  # noqa: PLC0415

    file, said = guard_of(ask).file, ask.request.form.get("credential", "")
    challenge = _challenge(ask, _shown(ask))
    try:
        found = desk_ways.passkey(file, str(json.loads(said)["id"]))
        if challenge is None or found is None:
            return None
        shown = verify_authentication_response(
            credential=said, expected_challenge=challenge, expected_rp_id=_site(ask),
            expected_origin=_origin(ask), credential_public_key=base64url_to_bytes(found.key),
            credential_current_sign_count=found.uses, require_user_verification=True,
        )  # fmt: skip
    except (WebAuthnException, ValueError, KeyError, TypeError):
        return None
    desk_ways.use_passkey(file, found.id, shown.new_sign_count, ask.now)
    return found


def drop(ask: Ask) -> Response:
    if sent := again(ask, "/me"):
        return sent
    file, name = guard_of(ask).file, ask.signed.person.name
    gone = desk_ways.drop_passkey(file, name, ask.field("passkey", 1400), ask.now)
    return ask.go("/me", "The passkey is taken away." if gone else "It was gone already.")


def _check(ask: Ask) -> None:
    if not offered(ask):
        raise Gone


def _site(ask: Ask) -> str:
    return urlsplit(ask.settings.web.url).hostname or ""


def _origin(ask: Ask) -> str:
    split = urlsplit(ask.settings.web.url)
    return f"{split.scheme}://{split.netloc}"


def _shown(ask: Ask) -> str:
    """Of which browser a challenge is."""
    return f"show {ask.me.token if ask.me else ask.request.cookies.get(TRIAL, '')}"


def _begun(ask: Ask, key: str, challenge: bytes, options: str) -> Response:
    desk_ways.begin_pending(guard_of(ask).file, f"passkey {key}", challenge.hex(), ask.now, 300)
    return Response(options, mimetype="application/json")


def _challenge(ask: Ask, key: str) -> bytes | None:
    """The one that was made for this browser; it works once."""
    found = desk_ways.take_pending(guard_of(ask).file, f"passkey {key}", ask.now)
    return bytes.fromhex(found) if found else None


def _descriptors(keys: Sequence[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    from webauthn.helpers import base64url_to_bytes, structs  # noqa: PLC0415 - an extra

    return [structs.PublicKeyCredentialDescriptor(id=base64url_to_bytes(each.id)) for each in keys]


def _said(wrong: str, go: str = "") -> Response:
    """What the script of the page shows, or where it goes."""
    text = json.dumps({"wrong": wrong, "go": go})
    return Response(text, 422 if wrong else 200, mimetype="application/json")
