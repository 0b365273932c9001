"""Where what goes to others stands at the desk: reports and exports of a case."""

from __future__ import annotations

from monitor.model.desk import Right
from monitor.web.desk.ask import Route
from monitor.web.desk.pages import files

HANDING: tuple[Route, ...] = (
    Route("/files", files.make, Right.WORK, ("POST",)),
    Route("/files/<name>", files.take),
)
