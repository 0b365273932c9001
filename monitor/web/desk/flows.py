"""Where the flow of a case's money stands at the desk beside its page."""

from __future__ import annotations

from monitor.web.desk.ask import Route
from monitor.web.desk.pages import flow

FLOWS: tuple[Route, ...] = (
    Route("/c/<path:case>/flow.svg", flow.picture, values={"form": "svg"}),
    Route("/c/<path:case>/flow.png", flow.picture, values={"form": "png"}),
)
