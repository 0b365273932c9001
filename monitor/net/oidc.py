"""Single sign-on by OpenID Connect: code with PKCE, state and nonce. What comes back is believed
only with a signature of the issuer that is named in the settings. Needs the extra `oidc`."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from urllib.parse import urlencode, urlsplit

import requests

from monitor.model.desk import OidcSettings
from monitor.model.errors import Refused, SourceError, Unavailable
from monitor.model.hosts import is_loopback

TIMEOUT = 10.0  # seconds for each answer
KEPT = 600  # seconds for which it is not asked again where it is asked
LEEWAY = 60  # seconds by which its clock may differ from ours
# Not "none", and not those that are made with our own secret.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
DISCOVERY = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where an issuer is asked, as it says itself."""

    authorize: str
    token: str
    keys: str


@dataclass(frozen=True, slots=True)
class Begun:
    """What one sign-in was begun with, and where it comes back to."""

    state: str
    nonce: str
    verifier: str
    back: str


def installed() -> bool:
    return find_spec("authlib") is not None and find_spec("joserfc") is not None


def discover(settings: OidcSettings, now: int) -> Endpoints:
    """Asked for once in ten minutes, however often strangers begin. Raises SourceError."""
    return _discover(settings.issuer, now // KEPT)


@lru_cache(maxsize=4)
def _discover(issuer: str, _when: int) -> Endpoints:
    url = issuer.rstrip("/") + DISCOVERY
    said = _json(url)
    if said.get("issuer") != issuer:
        raise SourceError(f"single sign-on: {url} speaks for another issuer than the settings name")
    names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    found = [str(said.get(name, "")) for name in names]
    for name, each in zip(names, found, strict=True):
        split = urlsplit(each)
        if split.scheme != "https" and not is_loopback(split.hostname or ""):
            raise SourceError(f"single sign-on: its {name} is no address with https")
    return Endpoints(*found)


def _json(url: str) -> Mapping[str, object]:
    try:
        said = requests.get(url, timeout=TIMEOUT, allow_redirects=False)
        said.raise_for_status()
        found = said.json()
    except (requests.RequestException, ValueError) as error:
        raise Unavailable(f"single sign-on: {urlsplit(url).netloc} does not answer") from error
    if not isinstance(found, dict):
        raise Unavailable(f"single sign-on: {urlsplit(url).netloc} answers what is no object")
    return found


def sent_to(at: Endpoints, settings: OidcSettings, begun: Begun, *, again: bool) -> str:
    """Where the browser goes. `again`: whoever it is has to show it anew."""
    digest = hashlib.sha256(begun.verifier.encode("ascii")).digest()
    asked = {
        "response_type": "code", "client_id": settings.client_id, "redirect_uri": begun.back,
        "scope": "openid profile email", "state": begun.state, "nonce": begun.nonce,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256", **({"prompt": "login", "max_age": "0"} if again else {}),
    }  # fmt: skip
    return f"{at.authorize}{'&' if '?' in at.authorize else '?'}{urlencode(asked)}"


def claims(
    at: Endpoints, settings: OidcSettings, begun: Begun, code: str, now: int
) -> Mapping[str, object]:
    """What the issuer says of whoever came back with a code. Raises SourceError."""
    from authlib.integrations.base_client import OAuthError  # noqa: PLC0415 - an extra
    from authlib.integrations.requests_client import OAuth2Session  # noqa: PLC0415

    try:
        with OAuth2Session(settings.client_id, settings.secret, default_timeout=TIMEOUT) as session:
            said = session.fetch_token(
                at.token, code=code, code_verifier=begun.verifier, redirect_uri=begun.back,
                allow_redirects=False,
            )  # fmt: skip
    except (OAuthError, requests.RequestException, ValueError, TypeError) as error:
        raise Refused("single sign-on: its answer to the code is no yes") from error
    word = said.get("id_token") if isinstance(said, dict) else None
    if not isinstance(word, str):
        raise Refused("single sign-on: its answer does not say who it is about")
    return _verified(word, _json(at.keys), settings, begun.nonce, now)


def _verified(
    word: str, keys: Mapping[str, object], settings: OidcSettings, nonce: str, now: int
) -> Mapping[str, object]:
    from joserfc import jwt  # noqa: PLC0415 - an extra
    from joserfc.errors import JoseError  # noqa: PLC0415
    from joserfc.jwk import KeySet, import_key  # noqa: PLC0415

    wanted = jwt.JWTClaimsRegistry(
        now=now, leeway=LEEWAY,
        iss={"essential": True, "value": settings.issuer},
        aud={"essential": True, "value": settings.client_id},
        exp={"essential": True}, sub={"essential": True}, nonce={"essential": True, "value": nonce},
    )  # fmt: skip
    try:
        known = KeySet([import_key(each) for each in _rows(keys.get("keys"))])
        found = jwt.decode(word, known, [*ALGORITHMS])
        wanted.validate(found.claims)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise Refused("single sign-on: its word cannot be believed") from error
    return dict(found.claims)


def _rows(said: object) -> list[dict[str, str | list[str]]]:
    return [each for each in said if isinstance(each, dict)] if isinstance(said, list) else []
