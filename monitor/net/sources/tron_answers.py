"""What the node behind TronGrid and its lists have in common: errors, and single blocks. Pure."""

from __future__ import annotations

import re

from monitor.model import Head
from monitor.model.errors import BadResponse, RateLimited, Refused, SourceError
from monitor.net.http import Answer
from monitor.net.sources.parsing import RowError, fields, place
from monitor.net.sources.tron_rows import hash_of

THROTTLE = re.compile(r"frequency limit|allowed_rps|server is suspended|rate limit", re.IGNORECASE)
SUSPENDED = re.compile(r"suspended for ([0-9]{1,5}) ?s", re.IGNORECASE)


def checked(name: str, answer: Answer) -> object:
    """The decoded body of an answer that is no error. Raises SourceError."""
    if answer.status >= 400:
        raise classify(name, answer.status, answer.text)
    reported = answer.json()
    if isinstance(reported, dict):
        error = reported.get("Error") or reported.get("error")
        if error or reported.get("success") is False:
            status = reported.get("statusCode")
            raise classify(name, status if isinstance(status, int) else 200, str(error))
    return reported


def classify(name: str, status: int, body: str) -> SourceError:
    """An error of this API: HTTP status, or the statusCode of its body, and its words."""
    said = " ".join(body.split())[:160]
    if status == 429 or THROTTLE.search(body):
        wait = SUSPENDED.search(body)
        return RateLimited(f"{name} asks for fewer calls: {said}", float(wait[1]) if wait else None)
    if said.startswith("<"):  # a web page: a proxy's or a guard's, not this API's word
        return BadResponse(f"{name} answered a web page (HTTP {status})")
    if status in (401, 403):
        return Refused(f"{name} refuses access (HTTP {status}: {said}). Check its key")
    if status == 400:
        why = f"{name} refuses this request (HTTP 400: {said or 'no reason given'})"
        return Refused(why, of_address="address" in said.lower())
    return BadResponse(f"{name} answered an error (HTTP {status}): {said}")


def parse_block(reported: object) -> Head:
    """`getnowblock`. Raises BadResponse."""
    try:
        block = fields(reported)
        raw = fields(fields(block.get("block_header")).get("raw_data"))
        return Head(
            height=place(raw.get("number"), "number"),
            time=place(raw.get("timestamp"), "timestamp") // 1000,
            block_hash=hash_of(block.get("blockID"), "blockID"),
        )
    except RowError as error:
        raise BadResponse(f"the newest block cannot be read: {error}") from None


def parse_block_id(reported: object) -> str | None:
    """`getblockbynum`: the block's hash, None for the empty answer to a height that is not
    there yet. The first block's header leaves out what is zero, its number too. Raises
    BadResponse."""
    if reported == {}:
        return None
    try:
        return hash_of(fields(reported).get("blockID"), "blockID")
    except RowError as error:
        raise BadResponse(f"a block cannot be read: {error}") from None
