"""Traces: where the money of a case is, by every method, as it stands or stood on a day. What is
decided of them: deciding.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec

from monitor.messages.trace import frontier as open_ones
from monitor.messages.trace import objects, seizing, sums
from monitor.messages.trace.drawn import by_method, names_of, picture_of, png_of
from monitor.messages.trace.words import Page
from monitor.model.api import Scope
from monitor.model.dates import EARLIEST, since_time
from monitor.model.flow import CONSERVING
from monitor.model.plain import count, rfc3339, tidy, utc
from monitor.model.trace import Told
from monitor.picture import draw
from monitor.store import desk_cases, desk_trace, trace
from monitor.web.api import params
from monitor.web.api.call import Answer, Call, Param, Raw, Route, Rows, digest
from monitor.web.api.cases import known
from monitor.web.api.problems import gone, parameter
from monitor.web.api.reading import but
from monitor.web.api.shapes import Reading, Shape, Time

SVG, PNG = "image/svg+xml", "image/png"
DAY = 86_400
Figures = Annotated[
    dict[str, str], msgspec.Meta(description="By method; whole base units, or USD.")
]


def _of(name: str) -> msgspec.Meta:
    """Items that described.py tells of."""
    return msgspec.Meta(extra_json_schema={"items": {"$ref": f"#/components/schemas/{name}"}})


class TraceLine(Shape, frozen=True, kw_only=True):
    """A trace as it stands. `state` null: nothing is worked out yet, or its text was erased."""

    case: str
    state: int | None
    at: Time | None
    sha256: str | None
    method: Annotated[str, msgspec.Meta(description="That the case chose; empty: none, ranges.")]
    followed: int
    nodes: int
    waiting: int
    question: str | None
    ended: str


class Graph(Shape, frozen=True, kw_only=True):
    """All of it. What nodes, edges and totals hold is told in docs/tracing.md."""

    case: str
    state: int
    at: Time
    sha256: str
    method: str
    nodes: Annotated[list[object], _of("TraceNode")]
    edges: Annotated[list[object], _of("TraceEdge")]
    totals: Annotated[list[object], _of("TraceTotal")]


class TracedAsset(Shape, frozen=True, kw_only=True):
    """`contract` null: the coin of its chain; of an NFT "contract#id"."""

    contract: str | None
    symbol: str | None
    decimals: int | None
    verified: bool


class Hop(Shape, frozen=True, kw_only=True):
    """What became of one asset at the addresses of one hop, in base units:
    arrived = rests + ended + waits + went_on + difference."""

    chain: str
    asset: TracedAsset
    method: str
    hop: int
    arrived: str
    rests: str
    ended: str
    waits: str
    went_on: str
    difference: str


class Waiting(Shape, frozen=True, kw_only=True):
    """An address that nobody has followed yet and that may be. `asked`: a person is asked."""

    chain: str
    address: str
    hop: int
    state: str
    usd: Figures
    needs: str | None
    asked: bool


class OnChain(Shape, frozen=True, kw_only=True):
    """What a source said that the address holds; `amount` null: nobody could say."""

    amount: str | None
    time: Time | None
    height: int | None
    source: str
    why: str


class Keeper(Shape, frozen=True, kw_only=True):
    """Somebody who could keep funds from moving, by the table or name that says so."""

    role: str
    name: str
    by: str


class Rest(Shape, frozen=True, kw_only=True):
    """One asset of one address where traced value is. `less`: the chain has less than is traced."""

    where: str
    chain: str
    address: str
    hop: int
    asset: TracedAsset
    traced: Figures
    usd: Figures | None
    on_chain: OnChain | None
    less: bool
    reason: str | None
    names: list[str]
    since: Time | None
    complete: bool
    keepers: list[Keeper]
    way: str


_STAND: tuple[Param, ...] = (
    params.day("as_of", "As it stood at the end of this day, UTC."),
    Param("state", "That state and no other.", {"type": "integer", "minimum": 1}),
)
_METHOD = params.one_of("method", "The method that is shown first.", CONSERVING)


# -- reading -------------------------------------------------------------------------------------


def _told(call: Call, case: str) -> Told:
    """Raises Wrong where there is none to show."""
    known(call, case)
    day, at = call.args.get("as_of"), None
    if day is not None:
        begun = since_time(day)
        if begun is None or begun > call.now or day < EARLIEST:
            raise parameter("as_of", "That day is not here yet, or is before every chain.")
        at = begun + DAY - 1
    stood = desk_trace.stood(call.store, call.sight, case, at, call.number("state"))
    if stood.told is None:
        raise gone()
    return by_method(stood.told, call.args.get("method", ""))


def _rows(call: Call, told: Told, found: Sequence[object], columns: Sequence[str]) -> Rows:
    return Rows(params.in_memory(found), lambda: _reading(call, told), columns)


def _reading(call: Call, told: Told) -> Reading:
    """Of the case's own addresses, and of those that are followed: a trace is as complete as what
    was read of them."""
    made = call.readings.case(call, told.trace.case)
    partly = sum(not node.complete for node in told.trace.nodes)
    state = f"State {told.number} of the trace is of {utc(told.at)}."
    if not partly:
        return msgspec.structs.replace(made, said=f"{made.said} {state}")
    said = f"{count(partly, 'address', 'addresses')} of the trace not read in full."
    return but(made, f"{said} {state} {made.said}", read_to=None)


def traces(call: Call) -> Rows:
    """GET /traces"""
    names = [
        each
        for each in trace.cases(call.store)
        if desk_cases.is_known(call.store, call.sight, each)
    ]

    def page(place: str, most: int) -> Sequence[tuple[str, object]]:
        first = int(place or 0)
        part = names[first : first + most]
        return [(str(first + n), _line(call, each)) for n, each in enumerate(part, 1)]

    return Rows(page, lambda: call.readings.all(call), ("case", "state", "at", "sha256", "method"))


def _line(call: Call, case: str) -> TraceLine:
    told = desk_trace.told(call.store, call.sight, case)
    found = told.trace if told else None
    questions = found.questions if found else ()
    return TraceLine(
        case=case,
        state=told.number if told else None,
        at=rfc3339(told.at) if told else None,
        sha256=told.sha256 if told else None,
        method=found.method if found else "",
        followed=found.followed if found else 0,
        nodes=len(found.nodes) if found else 0,
        waiting=len(open_ones.open_nodes(found)) if found else 0,
        question=questions[0].words if questions else None,
        ended=found.ended if found else "",
    )


def tag(call: Call, case: str) -> str:
    """Of a trace as somebody decides on it."""
    told = desk_trace.told(call.store, call.sight, case)
    return digest("trace", case, *((told.number, told.sha256) if told else ()))


def one(call: Call, case: str) -> Answer:
    """GET /traces/{case}"""
    known(call, case)
    if case not in trace.cases(call.store):
        raise gone()
    return Answer(_line(call, case), etag=tag(call, case))


def graph(call: Call, case: str) -> Answer | Raw:
    """GET /traces/{case}/graph, as JSON, SVG or PNG"""
    told = _told(call, case)
    found = told.trace
    if call.form in (SVG, PNG):
        picture = draw.svg(picture_of(told, names_of(call.settings.chains)))
        data = picture.encode() if call.form == SVG else png_of(picture)
        return Raw(data, call.form, digest(told.sha256, found.method, call.form))
    return Answer(
        Graph(
            case=case,
            state=told.number,
            at=rfc3339(told.at) or "",
            sha256=told.sha256,
            method=found.method,
            nodes=[objects.node_object(each) for each in found.nodes],
            edges=[objects.edge_object(each) for each in found.edges],
            totals=[objects.total_object(each) for each in found.totals],
        )
    )


def hops(call: Call, case: str) -> Rows:
    """GET /traces/{case}/hops: by every method that conserves, or by one"""
    told = _told(call, case)
    found = told.trace
    methods = [call.args["method"]] if "method" in call.args else CONSERVING
    assets = {total.asset: None for total in found.totals if total.asset is not None}
    made = [
        Hop(
            chain=asset.chain,
            asset=_asset(objects.asset_object(asset)),
            method=method,
            hop=each.hop,
            arrived=str(each.arrived),
            rests=str(each.rests),
            ended=str(each.ended),
            waits=str(each.waits),
            went_on=str(each.went_on),
            difference=str(each.difference),
        )
        for asset in assets
        for method in methods
        for each in sums.hops(found.nodes, asset, method)
    ]
    figures = ("arrived", "rests", "ended", "waits", "went_on", "difference")
    return _rows(call, told, made, ("chain", "asset.contract", "method", "hop", *figures))


def _asset(made: Mapping[str, object]) -> TracedAsset:
    return msgspec.convert(made, TracedAsset)


def ends(call: Call, case: str) -> Rows:
    """GET /traces/{case}/ends: every end, with why"""
    told = _told(call, case)
    made = [objects.node_object(each) for each in told.trace.nodes if each.stop is not None]
    columns = ("chain", "address", "hop", "state", "stop.reason", "stop.detail", "label.name")
    return _rows(call, told, made, columns)


def frontier(call: Call, case: str) -> Rows:
    """GET /traces/{case}/frontier: who waits, the largest value first"""
    told = _told(call, case)
    made = [msgspec.convert(each, Waiting) for each in open_ones.objects(told.trace)]
    return _rows(call, told, made, ("chain", "address", "hop", "state", "needs", "asked"))


def rests(call: Call, case: str) -> Rows:
    """GET /cases/{case}/rests: where traced value is, what can be done most about first"""
    told = _told(call, case)
    page = Page(chains=call.settings.chains, method=told.trace.method)
    made = [_rest(each) for each in seizing.places(told.trace, page)]
    columns = ("where", "chain", "address", "asset.contract", "on_chain.amount", "less", "reason")
    return _rows(call, told, made, columns)


def _rest(place: seizing.Place) -> Rest:
    node, chain = place.node, place.on_chain
    return Rest(
        where=place.where.value,
        chain=node.subject.chain,
        address=node.subject.address,
        hop=node.hop,
        asset=_asset(objects.asset_object(place.asset)),
        traced={m: str(place.held.amount[m]) for m in objects.in_order(place.held.amount)},
        usd=None
        if place.usd is None
        else {m: objects.usd_text(place.usd[m]) for m in objects.in_order(place.usd)},
        on_chain=None
        if chain is None
        else OnChain(
            amount=None if chain.amount is None else str(chain.amount),
            time=rfc3339(chain.time),
            height=chain.height,
            source=chain.source,
            why=tidy(chain.why, 300),
        ),
        less=place.less(place.held.amount),
        reason=node.stop.reason if node.stop else None,
        names=[tidy(each.name, 100) for each in node.names],
        since=rfc3339(place.since),
        complete=node.complete,
        keepers=[
            Keeper(role=each.role, name=tidy(each.name, 100), by=tidy(each.by, 200))
            for each in place.actors
        ],
        way=place.way,
    )


_READ, _ONE = Scope.CASES_READ, "/traces/{case}"

ROUTES = (
    Route("GET", "/traces", traces, _READ, "Cases whose money is followed", TraceLine,
          listing=True),
    Route("GET", _ONE, one, _READ, "How a trace stands", TraceLine, etag=True),
    Route("GET", f"{_ONE}/graph", graph, _READ, "All of it: JSON, SVG or PNG", Graph,
          params=(_METHOD, *_STAND), forms=("application/json", SVG, PNG)),
    Route("GET", f"{_ONE}/hops", hops, _READ, "What became of it hop by hop", Hop,
          params=(_METHOD, *_STAND), listing=True),
    Route("GET", f"{_ONE}/ends", ends, _READ, "Where it ends, and why", "TraceNode", params=_STAND,
          listing=True),
    Route("GET", f"{_ONE}/frontier", frontier, _READ, "Who waits", Waiting, params=_STAND,
          listing=True),
    Route("GET", "/cases/{case}/rests", rests, _READ, "Where traced value is, and whom to ask",
          Rest, params=(_METHOD, *_STAND), listing=True),
)  # fmt: skip
