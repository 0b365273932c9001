"""Links that acknowledge: only ours, only for what they name, also while the secret changes."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from monitor.messages import ack_links

OLD, NEW = "o" * 32, "n" * 32
UNTIL = 1_800_000_000


def signature(secret: str) -> str:
    made = ack_links.link("https://watch.example/x", secret, "M-1", UNTIL)
    assert made.startswith(f"https://watch.example/x/ack/M-1?until={UNTIL}&sig=")
    return parse_qs(urlsplit(made).query)["sig"][0]


def test_a_link_holds_for_what_it_names_alone() -> None:
    """Another message, time, secret or signature makes it worthless."""
    good = signature(OLD)
    assert ack_links.genuine(OLD, "M-1", UNTIL, good)
    assert not ack_links.genuine(OLD, "M-2", UNTIL, good)
    assert not ack_links.genuine(OLD, "M-1", UNTIL + 1, good)
    assert not ack_links.genuine(NEW, "M-1", UNTIL, good)
    assert not ack_links.genuine(OLD, "M-1", UNTIL, good[:-1])
    assert not ack_links.genuine("", "M-1", UNTIL, good)


@pytest.mark.parametrize("between", [" ", "\n"])
def test_two_secrets_hold_while_one_follows_the_other(between: str) -> None:
    """The newest signs; links of the one before it still hold."""
    both = f"{NEW}{between}{OLD}"
    assert signature(both) == signature(NEW) != signature(OLD)
    assert ack_links.genuine(both, "M-1", UNTIL, signature(OLD))
    assert ack_links.genuine(both, "M-1", UNTIL, signature(NEW))
