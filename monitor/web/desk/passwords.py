"""Which passwords are taken."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

LEAST, MOST = 14, 256  # characters
KINDS = 6  # different characters, at least
LIST = Path(__file__).parent / "common_passwords.txt"
_ROWS = (
    *("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm"),
    *("qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm", "1qaz2wsx3edc4rfv5tgb6yhn7ujm"),
)
RUN = 5  # characters in a row of the keyboard or the alphabet that count as one


@cache
def _common() -> frozenset[str]:
    lines = LIST.read_text("utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def fault(password: str, name: str) -> str:
    """Why a password is not taken, in words; empty: it is."""
    if len(password) < LEAST:
        return f"A password has at least {LEAST} characters. Four or five words do."
    if len(password) > MOST:
        return f"A password has at most {MOST} characters."
    plain = password.lower()
    if plain in _common() or _bare(plain) in _common():
        return "This password stands in lists of the commonest ones. Take another."
    if len(set(plain)) < KINDS or re.fullmatch(r"(.{1,6})\1+.{0,5}", plain):
        return "This password repeats itself. Take another."
    left = _without_runs(_without_names(plain, name))
    if len(left) < LEAST // 2 or len(set(left)) < KINDS - 1:
        return (
            "Too much of this password is your name, the name of this program, or a row of the "
            "keyboard. Take another."
        )
    return ""


def _bare(text: str) -> str:
    """Without what people put at its ends to have one more kind of character."""
    return text.strip("0123456789!?.,;:*#+-_$% ")


def _without_names(text: str, name: str) -> str:
    words = [w for w in re.split(r"[^a-z0-9]+", name.lower()) if len(w) > 2]
    for word in (*words, "fundwatch", "password", "passwort"):
        text = text.replace(word, "")
    return text


def _without_runs(text: str) -> str:
    """Each run of neighbours as one character."""
    found, start = [], 0
    while start < len(text):
        end = start + 1
        while end < len(text) and _neighbours(text[start : end + 1]):
            end += 1
        found.append(text[start] if end - start >= RUN else text[start:end])
        start = end
    return "".join(found)


def _neighbours(text: str) -> bool:
    return any(text in row or text in row[::-1] for row in _ROWS) or len(set(text)) == 1
