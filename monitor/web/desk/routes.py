"""Every address of the desk, in one table."""

from __future__ import annotations

from monitor.web.desk.ask import Route
from monitor.web.desk.pages import sign_in

ROUTES: tuple[Route, ...] = (
    Route("/sign-in", sign_in.sign_in, None),
    Route("/sign-in", sign_in.signing_in, None, ("POST",)),
    Route("/sign-out", sign_in.sign_out, None, ("POST",)),
    Route("/again", sign_in.again),
    Route("/again", sign_in.again_answered, methods=("POST",)),
)
