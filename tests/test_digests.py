"""What stands for rows in digests of them."""

from __future__ import annotations

import hashlib

import pytest

from monitor.store import digests
from monitor.store.log import canonical
from monitor.store.migrations import as_made
from monitor.store.schema import VERSION

VALUES = [
    *("", " ", "0x5aAe", 'a "b" \\ /', "\x00\x01\x08\t\n\x0b\x0c\r\x1b\x1f", "\x7f", "\x80"),
    *("é", "\u2028", "😀", "\ud800", "NaN", "</script>"),
    *(0, -1, 2**63 - 1, -(2**63), 2**64, 2**256, None),
]


@pytest.mark.parametrize("value", VALUES, ids=ascii)
def test_a_row_is_said_as_the_log_says_a_value(value: object) -> None:
    row = [7, value, "x"]
    text = f"{canonical(row)}\n".encode("ascii")
    assert digests.rows_text([row]) == text
    plain = b'["a",1,null]\n'
    assert digests.rows_text([("a", 1, None), row, ("a", 1, None)]) == plain + text + plain


def test_rows_are_counted_past_what_is_said_at_once() -> None:
    rows = [(n, f"row {n}") for n in range(digests.BLOCK * 2 + 1)]
    text = "".join(f"{canonical([*row])}\n" for row in rows)
    assert digests.counted(rows) == (len(rows), hashlib.sha256(text.encode()).hexdigest())
    assert digests.counted(()) == (0, hashlib.sha256().hexdigest())


def test_no_column_holds_numbers_that_two_writers_say_differently() -> None:
    made = " ".join(sql for _, sql in as_made(VERSION).values())
    assert " REAL" not in made.upper()
