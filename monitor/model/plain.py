"""Words and figures for people: hostile text made harmless, exact amounts, times, statuses.

Nothing here raises for any text. Amounts are integers in base units, times Unix seconds
UTC; all arithmetic is on integers, so that no digit is ever rounded.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from monitor.model.transfer import Status

ERASED = "(erased)"  # is shown for a name that was
CLAIMED = "(claimed, by link)"  # stands behind a name that somebody typed at a mail's link

PLAIN_STATUS = {
    Status.PENDING: "Unconfirmed, may never happen",
    Status.PROVISIONAL: "Confirmed, can still be reversed",
    Status.FINAL: "Final",
    Status.MISSING: "Being re-checked",
    Status.ORPHANED: "Reversed: did not happen",
    Status.SUPERSEDED: "Replaced by a corrected record",
}
NOT_CONFIRMED = "Not confirmed, no longer seen"

# Nobody issues an asset with more; a contract that claims more wants to break its reader.
MAX_DECIMALS = 36

# More than this is never looked at: a name of a million characters costs nothing then.
_READ = 4096
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
# Whatever looks like a double quote, and like a semicolon: our sentences are framed by them. Two
# single quotes look like one too, also those that what stood between them leaves behind.
_QUOTE = re.compile(
    '["\u00ab\u00bb\u02ba\u02dd\u02ee\u05f4\u201c-\u201f\u2033\u2036\u2039\u203a'
    "\u275d\u275e\u2760\u2e42\u300c-\u300f\u301d-\u301f\u3003\uff02\uff62\uff63]"
)
_QUOTES = re.compile("['`]{2,}")
_ENDING = re.compile("[;\u037e\u061b\u204f\ufe14\ufe54\uff1b]")
_DROPPED = frozenset({"Cf", "Cs", "Co", "Cn"})
_SPACED = frozenset({"Cc", "Zl", "Zp", "Zs"})


def status_said(status: Status, *, pending: bool) -> str:
    """How certain a movement is. What was in no block was not reversed."""
    gone = status is Status.ORPHANED and pending
    return NOT_CONFIRMED if gone else PLAIN_STATUS[status]


def tidy(text: str, limit: int = 200) -> str:
    """One line that can be shown anywhere: no control, invisible or direction characters,
    no lone surrogates, at most `limit` characters. For words that our own people wrote."""
    return _cut(" ".join(one_line(text[:_READ]).split()), limit)


_ADDRESS = re.compile(r"\b[0-9A-Za-z]{26,}\b")


def without_addresses(text: str) -> str:
    """The text without addresses and hashes: for operations, who are to see none."""
    return _ADDRESS.sub("(address)", text)


def one_line(text: str) -> str:
    """The whole text as one line without control, invisible or direction characters: for a
    terminal, which would obey them."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_shown, text))


def clean(text: str, limit: int = 32) -> str:
    """Text from a chain, harmless: as `tidy`, nothing that ends the quotes or the sentence
    around it, and nothing that a mail program would turn into a link or a mention, also once
    the quotes are gone. Applying it twice changes nothing."""
    return _cut(_defang(unquoted(text, _READ)), limit)


def unverified(what: str, symbol: str) -> str:
    """A name that a contract gives itself, in quotes that it cannot close."""
    claimed = clean(symbol)
    return f'unverified {what} "{claimed}"' if claimed else f"unverified {what} without a name"


def quoted(text: str, limit: int = 200) -> str:
    """Words of our own people or of a list, in quotes that they cannot close."""
    return f'"{unquoted(text, limit)}"'


def case_said(case: str) -> str:
    """A case id as it is where it is one, else in quotes; empty where there is none."""
    shown = tidy(case, 40)
    plain = re.fullmatch(r"[\w.#/-]*(?: [\w.#/-]+)?", shown)
    return shown if plain else quoted(case, 40)


def is_same_name(one: str, other: str) -> bool:
    """Whether two names that people gave are one, however they are written."""
    return _name(one) == _name(other)


def _name(text: str) -> str:
    return tidy(unicodedata.normalize("NFKC", text[:_READ]), _READ).casefold()


def unquoted(text: str, limit: int = 200) -> str:
    """As `tidy`, without what closes quotes or ends a part of a sentence."""
    return _cut(" ".join(_unquoted(tidy(text, _READ)).split()), limit)


def _unquoted(text: str) -> str:
    return _ENDING.sub(",", _QUOTES.sub("", _QUOTE.sub("", text)))


def _shown(char: str) -> str:
    category = unicodedata.category(char)
    if category in _SPACED:
        return " "
    if category in _DROPPED or char in _INVISIBLE or _is_variation(char):
        return ""
    return char


def _is_variation(char: str) -> bool:
    return "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"


def _defang(text: str) -> str:
    text = re.sub(r"(?i)http", "hxxp", text)
    text = re.sub(r"(?<=\w):(?=[^\s…])", "[:]", text)
    # Full-width and ideographic dots make working links too.
    text = re.sub(r"(?<=\w)[.\u3002\uff0e\uff61\u2024](?=[^\W\d])", "[.]", text)
    return re.sub(r"[@\uff20\ufe6b]", "(at)", text)


def _cut(text: str, limit: int) -> str:
    """Between words, so that no figure and no address looks whole that is not; within one that is
    longer than half the limit."""
    if len(text) <= limit:
        return text
    end = text.rfind(" ", limit // 2, max(0, limit - 1))
    return text[: limit - 1].rstrip() + "…" if end < 0 else f"{text[:end].rstrip()} …"


def amount(units: int, decimals: int | None) -> str:
    """Exact, with every decimal place and thousands separators: "1,000,000.000000".

    Where the decimals are unknown or absurd: "1,000,000 raw units".
    """
    if decimals is None or not 0 <= decimals <= MAX_DECIMALS:
        return f"{units:,} raw units"
    sign = "-" if units < 0 else ""
    whole, rest = divmod(abs(units), 10**decimals)
    return f"{sign}{whole:,}.{rest:0{decimals}d}" if decimals else f"{sign}{whole:,}"


def amount_short(units: int, decimals: int | None) -> str:
    """As `amount`, exact too, without zeros at the end: "12.5"."""
    text = amount(units, decimals)
    return text.rstrip("0").rstrip(".") if "." in text else text


def amount_said(units: int, decimals: int | None) -> str:
    """As a person reads it: "1,000,000", "12.5", "about 0.06543", "less than 0.00000001".

    Exact where it is short; what is rounded says so, and nothing becomes 0 by it. For
    headlines and daily tables; details and files have `amount`.
    """
    exact = amount_short(units, decimals)
    whole, _, part = exact.partition(".")
    zeros = len(part) - len(part.lstrip("0"))
    if whole == "0" and zeros >= 8:
        return "less than 0.00000001"
    # Four figures that count, at least cents.
    kept = zeros + 4 if whole == "0" else max(2, 5 - len(whole))
    if decimals is None or len(part) <= max(kept, 4):
        return exact
    step = 10 ** (decimals - kept)
    return f"about {amount_short((units + step // 2) // step, kept)}"


def moment(seconds: int | None) -> datetime | None:
    """A time as datetime in UTC; None where there is none or no calendar holds it."""
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def rfc3339(seconds: int | None) -> str | None:
    """ "2026-11-22T09:14:03Z", for machines."""
    at = moment(seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


def utc(seconds: int | None) -> str:
    """ "2026-11-22 09:14:03 UTC", for people."""
    at = moment(seconds)
    return at.strftime("%Y-%m-%d %H:%M:%S UTC") if at else "unknown"


def when(seconds: int | None, timezone: str) -> str:
    """UTC with the desk's own time: "2026-11-22 09:14:03 UTC (10:14:03 Zurich)"."""
    at, there = moment(seconds), _desk(seconds, timezone)
    if at is None or there is None:
        return utc(seconds)
    form = "%H:%M:%S" if there.date() == at.date() else "%Y-%m-%d %H:%M:%S"
    city = timezone.rpartition("/")[2].replace("_", " ")
    return f"{utc(seconds)} ({there.strftime(form)} {city})"


def _desk(seconds: int | None, timezone: str) -> datetime | None:
    at = moment(seconds)
    if at is None or timezone in {"", "UTC"}:
        return None
    try:
        return at.astimezone(ZoneInfo(timezone))
    except (KeyError, ValueError, OSError, OverflowError):
        return None


def duration(seconds: int) -> str:
    """ "34 s", "6 min", "2 h 10 min", "3 d 4 h"."""
    seconds = max(0, seconds)
    if seconds < 120:
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 120:
        return f"{minutes} min"
    if minutes < 2880:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes // 1440} d {minutes // 60 % 24} h"


def count(number: int, one: str, many: str) -> str:
    """ "1 entry", "1,248 entries"."""
    return f"{number:,} {one if number == 1 else many}"


def plural(number: int, word: str) -> str:
    """ "1 movement", "1,248 movements"."""
    return count(number, word, f"{word}s")
