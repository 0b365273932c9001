"""Every address of the API, in one table, with the scope that it takes."""

from __future__ import annotations

from urllib.parse import unquote

from monitor.web.api import (
    addresses,
    alerts,
    asking,
    cases,
    deciding,
    described,
    entries,
    files,
    lists,
    mine,
    movements,
    standing,
    traces,
)
from monitor.web.api.call import Answer, Call, Route


def openapi(call: Call) -> Answer:  # noqa: ARG001 - the same for every token
    """GET /openapi.json"""
    return Answer(described.document(ROUTES))


ROUTES: tuple[Route, ...] = (
    *alerts.ROUTES,
    *movements.ROUTES,
    *addresses.ROUTES,
    *entries.ROUTES,
    *cases.ROUTES,
    *asking.ROUTES,
    *traces.ROUTES,
    *deciding.ROUTES,
    *lists.ROUTES,
    *standing.ROUTES,
    *files.ROUTES,
    *mine.ROUTES,
    Route("GET", "/openapi.json", openapi, None, "This description", "object"),
)


def routes_at(path: str) -> list[tuple[Route, dict[str, str]]]:
    """The routes of an address, below /api/v1 and as it was sent, with its parts."""
    said = path.split("/")
    found = []
    for route in ROUTES:
        wanted = route.path.split("/")
        if len(wanted) != len(said):
            continue
        parts = {}
        for each, given in zip(wanted, said, strict=True):
            if each.startswith("{"):
                parts[each[1:-1]] = unquote(given, errors="replace")
            elif each != given:
                break
        else:
            if all(parts.values()):
                found.append((route, parts))
    return found
