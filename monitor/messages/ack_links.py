"""Signed links of a mail to the page where its alerts can be acknowledged. Pure.

The link names a message and the time until which it holds. A secret may be several, the
newest first, with blanks between them: the first signs, all are taken, so that it can change
without breaking the links that are out. Whoever has the link may
acknowledge: it is a key, as long as it holds, and shows nothing that its mail does not say.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode


def link(public_url: str, secret: str, message_id: str, until: int) -> str:
    """The address of the page for a message; `until`: Unix seconds."""
    signature = _signature(secret.split(maxsplit=1)[0], message_id, until)
    return f"{public_url}/ack/{message_id}?until={until}&sig={signature}"


def genuine(secret: str, message_id: str, until: int, signature: str) -> bool:
    """Whether we made this link; whether it still holds is a matter of the time."""
    given = signature.encode("utf-8", "replace")
    ours = [_signature(each, message_id, until).encode() for each in secret.split()]
    return any(hmac.compare_digest(each, given) for each in ours)


def _signature(secret: str, message_id: str, until: int) -> str:
    said = f"fundwatch acknowledge\n{message_id}\n{until}".encode()
    digest = hmac.digest(secret.encode(), said, hashlib.sha256)
    return urlsafe_b64encode(digest).decode().rstrip("=")
