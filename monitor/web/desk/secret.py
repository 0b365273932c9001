"""Passwords and one-time codes: made, checked, and nothing of them shown."""

from __future__ import annotations

import hmac
import io
import secrets
from functools import cache

import pyotp
import segno
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

STEP = 30  # seconds of a one-time code
RECOVERY = 10  # codes
ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"  # nothing that looks like another

_hasher = PasswordHasher()  # argon2id, 64 MiB, three passes


def hash_of(password: str) -> str:
    return _hasher.hash(password)


@cache
def _nobody() -> str:
    """What a password is held against where there is none: it takes as long as a real one."""
    return _hasher.hash(secrets.token_hex(16))


def is_password(kept: str, password: str) -> bool:
    """Whether it is the one of this hash; an empty hash is nobody's."""
    try:
        _hasher.verify(kept or _nobody(), password)
    except (Argon2Error, InvalidHashError):
        return False
    return bool(kept)


def step_of(secret: str, code: str, now: int) -> int | None:
    """The half minute whose code this is, this one or a neighbour; None: it is none."""
    code = "".join(code.split())
    if not secret or len(code) != 6 or not (code.isascii() and code.isdecimal()):
        return None
    made = pyotp.TOTP(secret)
    here = now // STEP
    fits = [s for s in (here, here - 1, here + 1) if hmac.compare_digest(made.at(s * STEP), code)]
    return fits[0] if fits else None


def uri_of(secret: str, person: str, where: str) -> str:
    """What an app for codes scans."""
    return pyotp.TOTP(secret).provisioning_uri(name=person, issuer_name=f"Fundwatch {where}")


def picture_of(uri: str) -> bytes:
    """It as a picture, SVG."""
    out = io.BytesIO()
    segno.make(uri, error="m").save(
        *(out,), kind="svg", scale=5, border=4, light="#ffffff", title="Code to scan"
    )
    return out.getvalue()


def recovery_codes() -> list[str]:
    """New ones, as they are printed: 50 bits each."""
    made = ["".join(secrets.choice(ALPHABET) for _ in range(12)) for _ in range(RECOVERY)]
    return [f"{code[:4]}-{code[4:8]}-{code[8:]}" for code in made]


def plain(code: str) -> str:
    """A recovery code as it was typed, as it is kept."""
    return "".join(c for c in code.lower() if c in ALPHABET)
