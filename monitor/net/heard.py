"""An answer of a source, as it waits to be kept."""

from __future__ import annotations

import re
import time

from monitor.model.answers import Heard, packed
from monitor.net.http import Answer, Http

# Questions that are answered with a whole block, whoever asks them.
_BLOCK = re.compile(
    r"eth_getBlock(ByNumber|ByHash|Receipts)\b|/api/v2/blocks?\b|"
    r"/getnowblock\b|/getblockbynum\b|/gettransactioninfobyblocknum\b"
)
_HEAD_OF_REQUEST = 300  # characters, within which a request says what it wants


# How answers with an HTTP status of success begin that are none. A list is longer than that.
_REFUSAL = re.compile(rb'"error"\s*:\s*(?!null|"")|"message"\s*:\s*"NOTOK"', re.IGNORECASE)
_REFUSAL_BYTES = 4000


def _refuses(answer: Answer) -> bool:
    short = len(answer.body) <= _REFUSAL_BYTES
    return answer.status >= 400 or (short and _REFUSAL.search(answer.body) is not None)


def heard_of(http: Http, answer: Answer) -> Heard:
    """What may be kept of an answer. Of one that refuses, or finds nothing, only that it did."""
    return packed(
        Heard(
            source=http.name,
            request=answer.asked,
            at=int(time.time()),
            status=answer.status,
            sha256=answer.sha256,
            data=b"" if _refuses(answer) else answer.body,
            block=_BLOCK.search(answer.asked[:_HEAD_OF_REQUEST]) is not None,
            hide=http.hidden.hide,
            clean=http.hidden_in_data.hide,
        )
    )


def extract_of(http: Http, answer: Answer, data: bytes, names: frozenset[str]) -> Heard:
    """What may be kept of an answer of which only `data` is of any use: what names these
    transactions."""
    return Heard(
        source=http.name,
        request=answer.asked,
        at=int(time.time()),
        status=answer.status,
        sha256=answer.sha256,
        data=data,
        extract=True,
        names=names,
        hide=http.hidden.hide,
        clean=http.hidden_in_data.hide,
    )
