"""The key of an installation, with which it signs what it hands out: Ed25519, made once into a
file of the home folder, for its user alone."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path

from Crypto.PublicKey import ECC
from Crypto.PublicKey.ECC import EccKey
from Crypto.Signature import eddsa

from monitor.model.errors import ConfigError, Problem
from monitor.store.guard import to_disk

FILE = "signing.key"
_CURVE = "Ed25519"
_HEX = re.compile("[0-9a-f]{64}")


def load(home: Path) -> EccKey:
    """The key of a home folder; it is made where there is none yet. Raises ConfigError where it
    cannot be read, OSError where it cannot be written."""
    path = home / FILE
    if not path.exists():
        _make(path)
    try:
        key = ECC.import_key(path.read_text("ascii"))
    except (ValueError, UnicodeDecodeError):
        key = None
    if key is None or key.curve != _CURVE or not key.has_private():
        remedy = (
            "Put the file of a backup there. Without one delete it: a new key is made, and who "
            "knows the old one's fingerprint has to be told the new one's"
        )
        raise ConfigError([Problem(str(path), "", "holds no signing key", remedy)])
    return key


def _make(path: Path) -> None:
    """Whole or not at all; of two who make it at once one wins, and both use that one."""
    text = ECC.generate(curve=_CURVE).export_key(format="PEM")
    assert isinstance(text, str)
    handle, name = tempfile.mkstemp(prefix=f".{FILE}.", dir=path.parent)  # mode 0600
    half = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(half, path)
        except FileExistsError:
            return
        to_disk(path.parent)
    finally:
        half.unlink(missing_ok=True)


def public(key: EccKey) -> bytes:
    """The 32 bytes of the public key."""
    raw = key.public_key().export_key(format="raw")
    assert isinstance(raw, bytes)
    return raw


def pem(raw: bytes) -> str:
    """The public key as other programs take it (SubjectPublicKeyInfo). Raises ValueError where it
    is none."""
    text = eddsa.import_public_key(raw).export_key(format="PEM")
    assert isinstance(text, str)
    return f"{text}\n"


def fingerprint(raw: bytes) -> str:
    """SHA-256 of the public key's 32 bytes, in hex."""
    return hashlib.sha256(raw).hexdigest()


def spelt(said: str) -> str | None:
    """A fingerprint as somebody wrote it, in the one spelling; None: it is none."""
    plain = re.sub(r"[\s:-]", "", said).lower()
    return plain if _HEX.fullmatch(plain) else None


def sign(key: EccKey, content: bytes) -> bytes:
    return eddsa.new(key, "rfc8032").sign(content)


def holds(raw: bytes, content: bytes, signature: bytes) -> bool:
    """Whether whoever has this key's other half signed that."""
    try:
        eddsa.new(eddsa.import_public_key(raw), "rfc8032").verify(content, signature)
    except ValueError:
        return False
    return True
