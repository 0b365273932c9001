"""Log lines: one a pass, one a change of state; ids, never labels or addresses."""

from __future__ import annotations

import json
import logging
import sys
import time


class _Line(logging.Formatter):
    """`09:14:39Z INFO  text`, UTC."""

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%H:%M:%SZ", time.gmtime(record.created))
        text = f"{moment} {record.levelname:<5} {record.getMessage()}"
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


class _Json(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        found = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "part": record.name.rpartition(".")[2],
            "message": record.getMessage(),
        }
        if record.exc_info:
            found["trace"] = self.formatException(record.exc_info)
        return json.dumps(found, ensure_ascii=False)


def set_up(*, as_json: bool, level: int) -> None:
    """Send the program's own lines to standard error; other libraries' only from errors up,
    because their lower levels print addresses of servers with keys in them."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if as_json else _Line())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.ERROR)
    logging.getLogger("fundwatch").setLevel(level)
