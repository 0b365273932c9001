"""Where following money stands at the desk: what is followed, where it rests, who was asked."""

from __future__ import annotations

from monitor.model.desk import Right
from monitor.web.desk.ask import Route
from monitor.web.desk.pages import following, request

POST = ("POST",)
PURSUIT: tuple[Route, ...] = (
    Route("/following", following.all_cases),
    Route("/following/<path:case>", following.plainly),
    Route("/following/<path:case>", following.decide_plainly, Right.WORK, POST),
    Route("/c/<path:case>/following", following.following),
    Route("/c/<path:case>/following", following.decide, Right.WORK, POST),
    Route("/rests", following.rests),
    Route("/request/new", request.new, Right.WORK),
    Route("/request/new", request.prepare, Right.WORK, POST),
    Route("/request/<request>", request.request),
    Route("/request/<request>/<act>", request.record, Right.WORK, POST),
)
