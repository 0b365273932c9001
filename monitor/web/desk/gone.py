"""That a text was erased, in words: who wanted it, who agreed, under which rule."""

from __future__ import annotations

from monitor.model.desk import Right
from monitor.model.plain import quoted, tidy, utc
from monitor.store.written import Erasure, Written
from monitor.web.desk.ask import Ask


def said(erasure: Erasure | None) -> str:
    """Stands where the text stood. None: nobody knows how, for the log is damaged there."""
    if erasure is None:
        return "erased; `fundwatch verify` says what is known of it"
    by = f"{tidy(erasure.asked_by, 80)} and {tidy(erasure.by, 80)}"
    return f"erased on {utc(erasure.at)[:10]} by {by} under {quoted(erasure.rule)}"


def path(ask: Ask, what: str, name: str, text: str) -> str:
    """Where it is asked for that a text is erased; "": not by whoever looks, or there is none."""
    return f"/erase/{what.replace(' ', '-')}/{name}" if text and ask.signed.may(Right.WORK) else ""


def place(text: Written) -> str:
    """The page on which it stands."""
    if text.alert:
        return f"/alert/{text.alert}"
    if text.what == "request":
        return f"/request/{text.id}"
    return f"/proposal/{text.id}" if text.what == "proposal" else f"/c/{text.case}"
