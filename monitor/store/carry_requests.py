"""What acts make of requests to hold funds, written inside a transaction."""

from __future__ import annotations

from monitor.model.acts import Actor
from monitor.model.acts_requests import Prepare, RecordStep
from monitor.model.errors import Conflict
from monitor.store import requests
from monitor.store.carry_desk import about, insert, is_there
from monitor.store.log import Part, canonical
from monitor.store.port import Connection


def carry_prepare(conn: Connection, _actor: Actor, act: Prepare) -> tuple[str, list[Part]]:
    new = act.request
    if is_there(conn, "request", new.id):
        return new.id, []
    basis = new.basis
    row = {
        **{"id": new.id, "at": new.at, "case_id": new.case, "chain": new.subject.chain},
        **{"address": new.subject.address, "contract": basis.asset.contract, "role": new.role},
        **{"recipient": new.to, "named_by": new.named_by, "trace_number": basis.number},
        **{"trace_sha256": basis.sha256, "figures": canonical(requests.figures(basis))},
        **{"text": new.text, "digest": new.digest, "name": new.name, "door": new.door},
    }
    insert(conn, "request", row)
    body = {("case" if name == "case_id" else name): value for name, value in row.items()}
    return new.id, [Part("request", body, about(new.case))]


def carry_step(conn: Connection, _actor: Actor, act: RecordStep) -> tuple[str, list[Part]]:
    """Raises Conflict where somebody was faster."""
    new = act.step
    if is_there(conn, "request_step", new.id):
        return new.id, []
    if requests.steps_now(conn, new.request) != new.number - 1:
        raise Conflict(f"request {new.request} has just been changed. Look at it again")
    row = {
        **{"id": new.id, "request": new.request, "case_id": act.case, "number": new.number},
        **{"at": new.at, "happened": new.happened, "stage": new.stage.value},
        **{"reference": new.reference, "text": new.text, "corrects": new.corrects},
        **{"name": new.name, "door": new.door},
    }
    insert(conn, "request_step", row)
    body = {("case" if name == "case_id" else name): value for name, value in row.items()}
    return new.id, [Part("request step", body, about(act.case))]
