"""Where tokens of programs that use the API stand at the desk. routes.py has all addresses."""

from __future__ import annotations

from monitor.web.desk.ask import Route
from monitor.web.desk.pages import tokens

POST = ("POST",)
PROGRAMS: tuple[Route, ...] = (
    Route("/tokens", tokens.tokens),
    Route("/tokens", tokens.make, methods=POST),
    Route("/tokens/end", tokens.end, methods=POST),
)
