"""Text of others in JSON, decoded without coming to harm. Pure."""

from __future__ import annotations

import json
import re

DEEPEST = 50  # brackets within brackets
# A string that is never closed goes on to the end: looking for its end again from each of its
# quotes would take for ever.
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[\[{\]}]', re.DOTALL)


def loads(text: str) -> object:
    """Numbers stay the text that was written. Raises ValueError."""
    if text.count("[") + text.count("{") > DEEPEST:
        _not_too_deep(text)
    return json.loads(text, parse_int=str, parse_float=str)


def _not_too_deep(text: str) -> None:
    """Before the parser, which may end the process over it. Raises ValueError."""
    depth = 0
    for match in _BRACKETS.finditer(text):
        depth += match[0] in "[{"
        depth -= match[0] in "]}"
        if depth > DEEPEST:
            raise ValueError("it is nested too deep")
