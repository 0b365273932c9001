"""What could be seized, and whom to ask, as pages show it: one line a place, what can be done now
first, and how all lines add up to what left the sources. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from monitor.messages.trace import asking
from monitor.messages.trace.adding_up import Account, Figure, accounts, figures, ours_said
from monitor.messages.trace.seizing import ISSUER, Actor, Place, Where, nobody, places
from monitor.messages.trace.words import (
    METHOD,
    Page,
    asset_said,
    bare,
    minute,
    names_said,
    reason_said,
    short,
    span,
    worth_said,
)
from monitor.model import OURS, Subject
from monitor.model.dates import since_time
from monitor.model.desk_requests import Request, Stage
from monitor.model.flow import CONSERVING
from monitor.model.plain import duration, tidy, utc
from monitor.model.trace import Beside, State, Told, TracedAsset

OLD = 180 * 86_400  # seconds after which who could act is to be looked at first
UNASKED = 0  # rank of a place where somebody could act, and nobody was asked
MOST = 30  # lines of a page; the rest is summed
_SMALL = ("below_value", "below_share")


Frozen = tuple[Subject, str]  # an address, and the contract of what is frozen there


@dataclass(frozen=True, slots=True)
class Whom:
    """Somebody who could act. `old`: their name is to be checked first, and why."""

    role: str
    name: str
    by: str
    old: str
    asked: bool  # whoever has it is asked; only where nobody has, the issuer


@dataclass(frozen=True, slots=True)
class Asked:
    """A request about a place, in words."""

    request: Request
    words: str
    waits: str  # "no answer for 1 h 35 min"; empty: nothing is waited for


@dataclass(frozen=True, slots=True)
class Line:
    """A place, or several that are summed (`places` more than one, no subject)."""

    asset: TracedAsset
    figures: tuple[Figure, ...]
    ours: str
    pill: str
    css: str
    details: tuple[str, ...]
    symbol: str
    where: str  # the name of its chain
    places: int = 1
    subject: Subject | None = None
    address: str = ""
    linked: bool = False  # has a page of its own
    names: str = ""
    worth: str = ""
    chain: str = ""  # what it holds of the asset, in words
    chain_when: str = ""
    short: str = ""  # the chain has less than is traced there: by how much
    whom: tuple[Whom, ...] = ()
    nobody: str = ""
    asked: tuple[Asked, ...] = ()
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Seized:
    """All of it."""

    lines: tuple[Line, ...]
    accounts: tuple[Account, ...]
    folded: int  # places that are summed, for there are too many for a page
    apart: tuple[Asked, ...]  # requests about places that are not in this state of the trace
    desk: str  # who asks: bank | exchange | authority | counsel; empty: not said
    drafts: bool  # whether they get drafts
    note: str  # what holds of asking, in words

    @property
    def methods(self) -> Mapping[str, str]:
        """By which figures stand side by side, in words."""
        return {method: METHOD[method] for method in CONSERVING}


@dataclass(frozen=True, slots=True)
class Known:
    """What is known beside the trace. `now`: for how long nobody has answered."""

    now: int
    requests: Sequence[Request] = ()
    frozen: Mapping[Frozen, tuple[int, str]] = field(default_factory=dict)  # since, by which tx
    held: Mapping[Subject, str] = field(default_factory=dict)  # "seized, by Marshals"


def seized(
    told: Told,
    page: Page,
    known: Known,
    most: int = MOST,
    found: Sequence[Place] | None = None,
) -> Seized:
    """`found`: its places, where they are known already."""
    found = places(told.trace, page) if found is None else found
    desk = (told.trace.beside or Beside()).desk
    single = [p for p in found if _reason(p) not in _SMALL]
    single.sort(key=lambda place: _order(place, known))
    small = [p for p in found if _reason(p) in _SMALL]
    lines = (_line(place, page, known) for place in single[:most])  # words for those alone
    gone = {(place.node.subject, place.asset) for place in single[most:]}
    far = [place for place in found if (place.node.subject, place.asset) in gone]
    return Seized(
        (*lines, *_summed(far, page), *_summed(small, page)),
        tuple(accounts(told, found, page)),
        len(far),
        tuple(_asked(r, known.now) for r in known.requests if not _is_there(r, found)),
        desk,
        desk == asking.AUTHORITY,
        _note(desk),
    )


def _note(desk: str) -> str:
    if not desk:
        return asking.UNSET
    return "" if desk == asking.AUTHORITY else asking.NOTES[desk]


def _reason(place: Place) -> str:
    return place.node.stop.reason if place.node.stop is not None else ""


def _order(place: Place, known: Known) -> tuple[int, int, str, str]:
    subject, contract = place.node.subject, place.asset.contract
    rank = _rank(
        *(place, tuple(_whom(place, known.now)), _of_place(place, known)),
        frozen=(subject, contract) in known.frozen,
    )
    return rank, -span(place.held.amount)[1], subject.key, contract


def _of_place(place: Place, known: Known) -> tuple[Asked, ...]:
    return tuple(_asked(r, known.now) for r in known.requests if _is_about(r, place))


def _line(place: Place, page: Page, known: Known) -> Line:
    node, asset = place.node, place.asset
    frozen = known.frozen.get((node.subject, asset.contract))
    asked = _of_place(place, known)
    pill, css = _pill(place, known)
    chain, when = _on_chain(place)
    missing = _short(place)
    held = known.held.get(node.subject, "")
    whom = tuple(_whom(place, known.now))
    return Line(
        *(
            asset,
            figures(place.held.amount, asset, page),
            ours_said(place.held.amount, asset, page),
            pill,
            css,
        ),
        details=tuple(filter(None, (held, *_details(place, frozen)))),
        symbol=asset_said(asset),
        where=page.chain(asset.chain),
        subject=node.subject,
        address=page.address(node.subject),
        linked=not node.subject.address.startswith(OURS) and ":" not in node.subject.address,
        names=names_said(node),
        worth=worth_said(place.held, page),
        chain=chain,
        chain_when=when,
        short=missing,
        whom=whom,
        nobody="" if place.actors else nobody(place),
        asked=asked,
        rank=_rank(place, whom, asked, frozen=frozen is not None),
    )


# --- what holds of a place ------------------------------------------------------------------

_ENDS = {
    "exchange": ("AT AN EXCHANGE", "exch"),
    "deposit_address": ("AT AN EXCHANGE", "exch"),
    "mixer": ("IN A MIXER", "nr"),
    "bridge": ("OVER A BRIDGE", "nr"),
    "dex": ("IN A CONTRACT", "nr"),
    "contract": ("IN A CONTRACT", "nr"),
    "service": ("AT A SERVICE", "nr"),
    "issuer": ("AT ITS ISSUER", "exch"),
    "burn": ("DESTROYED", "nr"),
}


def _pill(place: Place, known: Known) -> tuple[str, str]:
    node = place.node
    if (node.subject, place.asset.contract) in known.frozen:
        return "FROZEN", "froz"
    if node.subject in known.held:
        return "HELD", "froz"
    if node.state is State.WAITING:
        return "WAITS FOR A YES", "nr"
    if node.state is State.QUEUED:
        return "TO BE READ", "nr"
    if node.stop is None:
        return "RESTS HERE", "rest"
    return _ENDS.get(node.stop.reason, ("NOT FOLLOWED", "nr"))


def _details(place: Place, frozen: tuple[int, str] | None) -> Iterator[str]:
    node = place.node
    if frozen is not None:
        issuer = next((a.name for a in place.actors if a.role == ISSUER), "its issuer")
        since, tx = frozen
        yield f"by {issuer} since {utc(since)}, transaction {tidy(tx, 120)}"
    if node.stop is not None:
        yield reason_said(node.stop, node.exchange)
    if place.where is Where.WAITS:
        yield "what became of it is not read yet: it may have moved on"
    elif place.where is Where.NOT_FOLLOWED:
        yield "it may have moved on"
    yield f"last moved {minute(place.since)}"
    if not node.complete:
        why = "; ".join(tidy(each, 200) for each in node.unread) or "no reason is recorded"
        yield f"not completely read ({why}): its figures are bounds"


def _on_chain(place: Place) -> tuple[str, str]:
    said = place.on_chain
    if said is None:
        return "not asked", ""
    if said.amount is None:
        return "not known", tidy(said.why, 200) or "nobody could say"
    by = f" by {tidy(said.source, 40)}" if said.source else ""
    return bare(place.asset, said.amount), f"read {utc(said.time)}{by}"


def _short(place: Place) -> str:
    """By a method that conserves more is traced there than the chain has."""
    if not place.less(place.held.amount):
        return ""
    assert place.on_chain is not None
    assert place.on_chain.amount is not None
    most = span(place.held.amount)[1] - place.on_chain.amount
    return f"up to {short(place.asset, most)} less than is traced: it moved since, or is not read"


def _whom(place: Place, now: int) -> Iterator[Whom]:
    first = asking.whom(place)
    for actor in place.actors:
        yield Whom(actor.role, actor.name, actor.by, _old(place, actor, now), actor in first)


def _old(place: Place, actor: Actor, now: int) -> str:
    """Who an address is was said long ago, or nobody says when."""
    if actor.role != "exchange" or not place.node.names:
        return ""
    day = place.node.names[0].date
    at = since_time(day) if day else None
    if at is None:
        return "check first: nobody says of which day that name is"
    return f"check first: that name is of {day}" if now - at > OLD else ""


def _rank(
    place: Place, whom: Sequence[Whom], asked: Sequence[Asked], *, frozen: bool
) -> int:  # fmt: skip
    """What can be done now stands first: asked of nobody yet, drafted and not sent, waited for,
    answered; then where nobody can be asked; then what is not read or followed; then what is over.
    """
    if frozen:
        return 4
    stages = {each.request.stage for each in asked} - {Stage.WITHDRAWN}
    if any(each.asked for each in whom) and not stages:
        return UNASKED
    if Stage.PREPARED in stages:
        return 1
    if Stage.SENT in stages:
        return 2
    if stages:
        return 3
    if place.where is Where.RESTS:
        return 5
    return 7 if place.where is Where.ENDED else 6


# --- requests -----------------------------------------------------------------------------------


def _is_about(request: Request, place: Place) -> bool:
    same = request.subject == place.node.subject
    return same and request.basis.asset.contract == place.asset.contract


def _is_there(request: Request, found: Iterable[Place]) -> bool:
    return any(_is_about(request, place) for place in found)


def _asked(request: Request, now: int) -> Asked:
    return Asked(request, asked_said(request), waits_said(request, now))


def asked_said(request: Request) -> str:
    """ "Tether was asked 2026-11-22 10:05 UTC, reference EXA-2211 (recorded by m.ortiz)"."""
    to, last = tidy(request.to, 120) or "(erased)", request.last
    if last is None:
        by = tidy(request.name, 80) or "(erased)"
        return f"Prepared for {to} by {by}, and not sent"
    verbs = {
        Stage.SENT: f"{to} was asked",
        Stage.ANSWERED: f"{to} answered",
        Stage.REFUSED: f"{to} refused",
        Stage.WITHDRAWN: f"What was asked of {to} was taken back",
    }
    reference = f", reference {tidy(last.reference, 200)}" if last.reference else ""
    by = tidy(last.name, 80) or "(erased)"
    return f"{verbs[last.stage]} {minute(last.happened)}{reference} (recorded by {by})"


def waits_said(request: Request, now: int) -> str:
    sent = request.sent
    if not request.open or sent is None:
        return ""
    return f"No answer for {duration(now - sent)}"


# --- sums ---------------------------------------------------------------------------------------


def _summed(found: Sequence[Place], page: Page) -> Iterator[Line]:
    """One line for each kind of place and asset."""
    groups: dict[tuple[Where, str, TracedAsset], list[Place]] = {}
    for place in found:
        reason = reason_said(place.node.stop) if place.node.stop is not None else ""
        groups.setdefault((place.where, reason, place.asset), []).append(place)
    for (where, reason, asset), mine in groups.items():
        amount = {m: sum(p.held.amount.get(m, 0) for p in mine) for m in CONSERVING}
        pill, css = _KINDS[where]
        yield Line(
            *(asset, figures(amount, asset, page), ours_said(amount, asset, page), pill, css),
            details=(reason,) if reason else (),
            symbol=asset_said(asset),
            where=page.chain(asset.chain),
            places=len(mine),
            chain="not asked for one by one",
            rank=9,
        )


_KINDS = {
    Where.RESTS: ("REST THERE", "rest"),
    Where.WAITS: ("TO BE READ", "nr"),
    Where.NOT_FOLLOWED: ("NOT FOLLOWED", "nr"),
    Where.ENDED: ("ENDED THERE", "nr"),
}
