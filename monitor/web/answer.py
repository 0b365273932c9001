"""One answer to a browser or a program: status, headers, body."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass

TEXT = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Answer:
    status: str  # "200 OK"
    body: str
    kind: str = TEXT

    def headers(self) -> list[tuple[str, str]]:
        """Nothing may be kept, framed, guessed, loaded from elsewhere, or told to others:
        the address of a page is a key."""
        return [
            ("Content-Type", self.kind),
            ("Content-Length", str(len(self.data()))),
            ("Content-Security-Policy", self._policy()),
            ("X-Content-Type-Options", "nosniff"),
            ("X-Frame-Options", "DENY"),
            ("Referrer-Policy", "no-referrer"),
            ("Cache-Control", "no-store"),
            ("X-Robots-Tag", "noindex, nofollow"),
        ]

    def data(self) -> bytes:
        return self.body.encode("utf-8", "replace")

    def _policy(self) -> str:
        """Only the page's own style sheets are allowed, by their hashes."""
        sheets = _STYLE.findall(self.body) if self.kind == HTML else []
        hashes = [hashlib.sha256(sheet.encode()).digest() for sheet in sheets]
        styles = " ".join(f"'sha256-{base64.b64encode(h).decode()}'" for h in hashes) or "'none'"
        return (
            f"default-src 'none'; style-src {styles}; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'"
        )


NOT_FOUND = Answer("404 Not Found", "There is no such page.\n")
FAULT = Answer("500 Internal Server Error", "A fault in Fundwatch: its log tells more.\n")
NO_RECORD = Answer(
    "503 Service Unavailable", "The record cannot be read: the log of Fundwatch tells more.\n"
)
