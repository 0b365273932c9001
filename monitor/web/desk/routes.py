"""Every address of the desk, in one table."""

from __future__ import annotations

from monitor.web.desk.ask import Route

ROUTES: tuple[Route, ...] = ()
