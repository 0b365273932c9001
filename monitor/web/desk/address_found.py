"""The address that a page is about, as far as whoever asks may see it."""

from __future__ import annotations

from dataclasses import dataclass

from werkzeug import Response
from werkzeug.utils import redirect

from monitor.chains.address import AddressError, canonical, display
from monitor.chains.table import family_of
from monitor.model import Chain, Subject
from monitor.model.desk_address import Seeing
from monitor.model.plain import tidy
from monitor.store import desk_address
from monitor.store.desk_address import Movements
from monitor.store.desk_names import Names, Party
from monitor.web.desk.ask import Ask
from monitor.web.desk.guard import looked
from monitor.web.desk.known import REMOVED, address_path, names_for
from monitor.web.desk.movements import Shower
from monitor.web.desk.words import Gone


@dataclass(frozen=True, slots=True)
class Found:
    """An address that whoever asks may see, if only in part."""

    ask: Ask
    chain: Chain
    subject: Subject
    party: Party
    moves: Movements
    names: Names

    @property
    def whole(self) -> bool:
        """Whether all that is known of it may be shown; else only movements with addresses of
        theirs."""
        return self.moves.seeing is Seeing.ALL

    @property
    def path(self) -> str:
        return address_path(self.chain.key, self.subject.address)

    @property
    def shown(self) -> str:
        return display(self.chain, self.subject.address)

    @property
    def shower(self) -> Shower:
        return Shower(self.ask.store, self.ask.settings, self.names, self.chain)


def found(ask: Ask, chain: str, address: str, more: str = "") -> Found | Response:
    """The address of a page, or where it stands in its own spelling. Raises Gone for what is not
    in the record, what whoever asks may not see, and addresses of our own."""
    known = ask.settings.chains.get(chain)
    if known is None:
        raise _removed(ask, Subject(chain, address))
    try:
        subject = Subject(chain, canonical(known, family_of(known).forgiving(address)))
    except AddressError:
        raise Gone from None
    names = names_for(ask.store, ask.settings, ask.sight)
    if (known_of := seen(ask, names, subject)) is None:
        raise Gone
    party, moves = known_of
    if subject.address != address:
        query = ask.request.query_string.decode("ascii", "replace")
        path = address_path(chain, subject.address) + more
        return redirect(f"{path}?{query}" if query else path, 302)
    cases = [*(w.entry.case for w in party.watched), *(f.case for f in party.followed)]
    for case in dict.fromkeys(cases):
        looked(ask, case)
    return Found(ask, known, subject, party, moves, names)


def seen(ask: Ask, names: Names, subject: Subject) -> tuple[Party, Movements] | None:
    """Who an address is and what is recorded of it. None: nothing is, or nothing that whoever asks
    may see, or it is one of our own."""
    party = names.of(subject.chain, [subject.address])[subject.address]
    if party.ours:
        return None
    moves = desk_address.of(ask.store, ask.sight, subject)
    return None if moves.seeing is Seeing.NOTHING else (party, moves)


def _removed(ask: Ask, subject: Subject) -> Gone:
    """Of a chain that is configured no more nothing says how its addresses are written and what was
    to be read: whoever may see one is told where what is recorded of it stands."""
    if seen(ask, names_for(ask.store, ask.settings, ask.sight), subject) is None:
        return Gone()
    key = tidy(subject.chain, 40)
    return Gone(
        f"{key} is {REMOVED}, so that its addresses have no page. What is recorded of this one "
        "stays: its movements stand on the pages of its cases and of their transactions, and "
        "`fundwatch transfers --format csv` hands all of them out."
    )
