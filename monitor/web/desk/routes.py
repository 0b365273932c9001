"""Every address of the desk, in one table."""

from __future__ import annotations

from monitor.model.desk import Right
from monitor.web.desk.ask import Route
from monitor.web.desk.entrance import ENTRANCE
from monitor.web.desk.flows import FLOWS
from monitor.web.desk.handing import HANDING
from monitor.web.desk.pages import alert, case, erase, group, inbox, proposal, start
from monitor.web.desk.programs import PROGRAMS
from monitor.web.desk.pursuit import PURSUIT
from monitor.web.desk.records import RECORDS
from monitor.web.desk.watching import WATCHING

POST = ("POST",)
ROUTES: tuple[Route, ...] = (
    Route("/", start.start),
    Route("/static/<name>", start.static, None),
    Route("/favicon.ico", start.static, None, values={"name": "icon.svg"}),
    *ENTRANCE,  # who comes in
    *PROGRAMS,  # tokens of the API
    # what there is to do
    Route("/inbox", inbox.inbox),
    Route("/inbox/new", inbox.new),
    Route("/alerts/<act>", inbox.many, Right.WORK, POST),
    Route("/alert/<alert>", inbox.alert),
    Route("/alert/<alert>/<act>", alert.do, Right.WORK, POST),
    Route("/g/<message>", group.group),
    Route("/g/<message>/<act>", group.do, Right.WORK, POST),
    Route("/proposal/<proposal>", proposal.proposal),
    Route("/proposal/<proposal>/answer", proposal.answer, Right.AGREE, POST),
    Route("/proposal/<proposal>/withdraw", proposal.withdraw, Right.WORK, POST),
    Route("/erase/<what>/<name>", erase.form, Right.WORK),
    Route("/erase/<what>/<name>", erase.do, Right.WORK, POST),
    # cases
    Route("/c", case.cases),
    Route("/c/<path:case>", case.case),
    Route("/c/<path:case>", case.do, Right.WORK, POST),
    *PURSUIT,  # what is followed, where it rests, who was asked
    *FLOWS,
    *HANDING,  # reports and exports
    # addresses, transactions, find, help
    *RECORDS,
    *WATCHING,  # how reading stands, lists
)
