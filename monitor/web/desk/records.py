"""Where what is recorded stands at the desk: addresses, transactions, what is looked for; help."""

from __future__ import annotations

from monitor.model.desk import Right
from monitor.web.desk.ask import Route
from monitor.web.desk.pages import address, address_acts, helping, search, tx

RECORDS: tuple[Route, ...] = (
    Route("/a/<chain>/<address>", address.address),
    Route("/a/<chain>/<address>/movements.csv", address.movements_csv),
    Route("/a/<chain>/<address>/counterparties", address.others),
    Route("/a/<chain>/<address>/<act>", address_acts.do, Right.WORK, ("POST",)),
    Route("/tx/<chain>/<tx>", tx.transaction),
    Route("/find", search.find),
    Route("/help", helping.contents),
    Route("/help/<doc>", helping.document),
    Route("/help/pictures/<picture>", helping.picture),
)
