"""What each platform's yes looks like. Whatever else comes back with a 2xx is no acceptance:
proxies, portals and relays answer 200 with a page, or with the words of a failure.

    webhook   2xx, but for a web page and for JSON or words that say that it failed
    Slack     200 with the word "ok"
              https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
    Teams     202 without words (a workflow has taken it), or 200 with "1" (a connector). A 200
              with "Webhook message delivery failed with error ..." is what that error says
              https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
    Discord   200 with the saved message, which has an id; 204 where it was not waited for
              https://discord.com/developers/docs/resources/webhook#execute-webhook
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reply:
    """The beginning of an answer, as text."""

    status: int
    content_type: str
    text: str


_PAGE = re.compile(r"<!doctype\s+html|<(html|head|body|title|meta|script|form|div|p|h1)\b", re.I)
_SURELY = re.compile(r"<!doctype\s+html|<html\b", re.I)
_MARKUP = re.compile(r"<[a-z!/]", re.I)
_HTML = ("text/html", "application/xhtml+xml")
# An answer that begins like this speaks of a failure.
_FAILED = re.compile(
    r"\W*((?!no |without |zero |0 )\w+ ){0,4}?(error|errors|failed|failure|fatal|exception"
    r"|denied|rejected|refused|unauthorized|forbidden)\b(?!\W*(none|null|false|no|0)\W*\Z)"
    r"|\s*<(\?xml[^>]*>\s*<)?(\w+:)?(fault|error|envelope[^>]*>.*fault)\b",
    re.I | re.S,
)
_NO_WORDS = frozenset({"error", "err", "fail", "failed", "failure", "rejected", "denied"})
_YES_KEYS = ("ok", "success", "succeeded", "accepted", "delivered")
_ERROR_KEYS = (
    *("error", "errors", "fault", "exception", "error_message", "errormessage"),
    *("errcode", "error_code", "errorcode"),
)
_STATUS_KEYS = ("status", "statuscode", "status_code", "code", "result", "state")
# The same in an object that was cut off, or that is not quite JSON.
_CUT = re.compile(r'"(ok|success|accepted|delivered)" ?: ?"?(false|0|no)\b', re.I)
_TEAMS_STATUS = re.compile(r"HTTP error (\d{3})", re.I)


def is_page(reply: Reply) -> bool:
    """A web page, by what it says it is or by how it looks. JSON may quote one."""
    text = reply.text.lstrip()
    if reply.content_type.partition(";")[0].strip().lower() in _HTML and _MARKUP.search(text):
        return True
    if text.startswith("<"):
        return bool(_PAGE.search(text))
    return text[:1] not in ("{", "[", '"') and bool(_SURELY.search(text))


def webhook(reply: Reply) -> str:
    """Why a 2xx is no acceptance; empty: it is one."""
    if is_page(reply):
        return "answered with a web page"
    found = _decoded(reply.text)
    for each in found if isinstance(found, list) else [found]:
        if isinstance(each, dict) and (why := _says_no(each)):
            return why
    if found is None and _CUT.search(reply.text):
        return "answered with a no"
    if found is False or _FAILED.match(found if isinstance(found, str) else reply.text):
        return "answered with words of a failure"
    return ""


def _says_no(answer: dict[str, object]) -> str:
    """What in a JSON object says that it failed."""
    found = {str(key).lower(): value for key, value in answer.items()}
    for key in _YES_KEYS:
        if key in found and _is_no(found[key]):
            return f'answered with "{key}": a no'
    for key in _ERROR_KEYS:
        if key in found and not _is_empty(found[key]):
            return f'answered with an "{key}"'
    for key in _STATUS_KEYS:
        value = found.get(key)
        if str(value).lower() in _NO_WORDS or 300 <= _number(value) < 600:
            return f'answered with a "{key}" of a failure'
    return ""


def _is_no(value: object) -> bool:
    return value is False or value == 0 or str(value).lower() in {"false", "no", "0", "none"}


def _is_empty(value: object) -> bool:
    """Nothing in the place of an error."""
    return not value or str(value).strip().lower() in {"none", "null", "false", "no", "0", "ok"}


def _number(value: object) -> int:
    return int(str(value)) if re.fullmatch(r"\d{3}", str(value)) else 0


def slack(reply: Reply) -> str:
    if reply.status == 200 and reply.text.strip() == "ok":
        return ""
    return 'did not answer "ok"'


def teams(reply: Reply) -> str:
    text = reply.text.strip()
    if (reply.status, text) in {(202, ""), (200, "1")}:
        return ""
    return "did not answer as Teams does when it has taken a message"


def teams_status(reply: Reply) -> int:
    """The status that Teams tells inside a 200; 0: none."""
    found = _TEAMS_STATUS.search(reply.text)
    return int(found[1]) if found else 0


def discord(reply: Reply) -> str:
    if reply.status == 204 and not reply.text.strip():
        return ""
    found = _decoded(reply.text)
    known = found.get("id") if isinstance(found, dict) else None
    if reply.status == 200 and known:
        return ""
    return "did not answer with the saved message"


def _decoded(text: str) -> object:
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found
