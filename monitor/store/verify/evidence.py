"""Kept answers against the digests of them that the log holds, a day in each."""

from __future__ import annotations

from monitor.model.answers import digest_of
from monitor.model.difference import Difference, Report
from monitor.store import answers
from monitor.store.port import Connection
from monitor.store.verify.expected import Expected


def compare(conn: Connection, expected: Expected, report: Report) -> None:
    """Every answer that a day's act counted is there, as it was, and none was passed over."""
    end = 0
    for seq, pinned in expected.pinned.items():
        after, to, number, digest = pinned
        if after != end:
            place = f"answer {end + 1} to {after}"
            report(Difference("answer", place, "in the digest of a day", f"left out by log {seq}"))
        end = to
        found = answers.pin(conn, int(after), int(to))
        if found != pinned:
            place = f"answer {after + 1} to {to}"
            wanted = f"{number} rows, SHA-256 {digest} (log {seq})"
            report(Difference("answer", place, wanted, f"{found[2]} rows, SHA-256 {found[3]}"))
    for batch, digests in conn.execute("SELECT batch, digests FROM answered"):
        if (made := digest_of(digests.split(" "))) != batch:
            place = f"answered {batch[:16]}"
            report(Difference("answer", place, f"answers with digest {batch}", f"digest {made}"))
