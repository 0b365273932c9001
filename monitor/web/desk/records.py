"""Where what is recorded stands at the desk: addresses, transactions, what is looked for; help."""

from __future__ import annotations

from monitor.web.desk.ask import Route
from monitor.web.desk.pages import address, helping, search, tx

RECORDS: tuple[Route, ...] = (
    Route("/a/<chain>/<address>", address.address),
    Route("/a/<chain>/<address>/movements.csv", address.movements_csv),
    Route("/a/<chain>/<address>/counterparties", address.others),
    Route("/tx/<chain>/<tx>", tx.transaction),
    Route("/find", search.find),
    Route("/help", helping.contents),
    Route("/help/<doc>", helping.document),
    Route("/help/pictures/<picture>", helping.picture),
)
