"""What the answers of Blockscout's REST API are: a page, an object, or a refusal. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.model.errors import BadResponse
from monitor.net.http import Answer
from monitor.net.sources import etherscan_answers
from monitor.net.sources.paging import CursorPage


def query_of(following: Mapping[str, object]) -> dict[str, str | int]:
    """A cursor's members as they were reported. requests would write true as "True"."""
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in following.items()
        if value is not None
    }


def unknown(answer: Answer) -> bool:
    """Whether it does not know who was asked for, in its own words."""
    try:
        return answer.status == 404 and answer.json() == {"message": "Not found"}
    except BadResponse:
        return False  # another server's page


def body_of(answer: Answer, key: str | None, member: str) -> Mapping[str, object]:
    """The object of a REST answer, which must have this member. Raises the SourceError
    that a refusal stands for."""
    body = answer.json()
    if isinstance(body, dict) and answer.status < 400 and member in body:
        return body
    words = [body[k] for k in ("message", "error") if k in body] if isinstance(body, dict) else []
    raise etherscan_answers.failure(answer, " ".join(str(w) for w in words) or "no words", key)


def cursor_page(body: Mapping[str, object]) -> CursorPage:
    """One page of a REST list. Raises BadResponse where it is none."""
    rows, following = body.get("items"), body.get("next_page_params")
    if not isinstance(rows, list) or not isinstance(following, (dict, type(None))):
        raise BadResponse("a list came without its items or with an unreadable cursor")
    return CursorPage(rows, following or None)
