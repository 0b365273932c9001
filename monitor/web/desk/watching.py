"""How the watch itself stands, at the desk: health; the lists that others publish."""

from __future__ import annotations

from monitor.model.desk import Right
from monitor.web.desk.ask import Route
from monitor.web.desk.pages import health, lists

POST = ("POST",)
WATCHING: tuple[Route, ...] = (
    Route("/health", health.health),
    Route("/health/replay", health.replay, Right.WORK, POST),
    Route("/health/test", health.test, Right.SEE, POST),  # who may: see may_test
    Route("/lists", lists.lists),
    Route("/lists/<name>", lists.published),
    Route("/lists/<name>/rows.csv", lists.rows_csv),
    Route("/lists/<name>/<act>", lists.do, Right.WORK, POST),
)
