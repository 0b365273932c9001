"""One alert in one sentence: whose funds, how much, worth what, to whom, what is left.

The sentence is the headline of a mail, a line of a list, a row of a table. It holds no text
that a chain gave; names that people or lists gave stand in it so that none of them can pass
for a part of the sentence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from monitor.decide.loudness import FORGED
from monitor.decide.worth import usd
from monitor.messages import money
from monitor.messages.objects import may_see
from monitor.messages.sheets import acts, listed
from monitor.messages.sheets.fees import UNTOLD, fee_words
from monitor.messages.sheets.flows import Flow, is_utxo, legs, moved, others
from monitor.messages.sheets.ours import shout
from monitor.messages.sheets.parts import (
    Telling,
    asset_name,
    figure,
    is_zero,
    label_said,
    name_said,
    on_lists,
    publishers,
    shown_address,
    shown_name,
    trusted,
)
from monitor.model import OURS, AlertView, Direction, Entry, FarEnd, Known, Status, TransferView
from monitor.model.balance import COIN
from monitor.model.facts import Movement, of_kind
from monitor.model.plain import case_said, clean, plural, quoted

NOBODY_KNOWN = "an unknown address"
_MOST_ID = 20  # digits of a token's number that a sentence bears


def headline(view: AlertView, telling: Telling) -> str:
    """What moved, in one sentence, as a person says it; the exact figures stand elsewhere. What
    was reversed begins with that."""
    said = as_told(view, telling)
    said = f"DID NOT HAPPEN: {said}" if _undone(view) else said
    return shout(view, listed.begun(view, said))


def _undone(view: AlertView) -> bool:
    rows = view.transfers
    return bool(rows) and all(row.row.status is Status.ORPHANED for row in rows)


def as_told(view: AlertView, telling: Telling) -> str:
    """The same, as it was told while it stood."""
    who, found = owner(view.entry, listed.also(view)), moved(view)
    if done := acts.deeds(view):
        return _done(view, telling, done, found)
    if not found:
        fees = [row for row in view.transfers if row.row.transfer.kind.fee]
        units = sum(map(_units, fees))
        paid = fee_words(view.chain, units, said_units(fees[0], units)) if fees else UNTOLD
        known = f" of {paid}" if paid != UNTOLD else ""
        return f"{who}: nothing moved but a network fee{known}."
    if not any(flow.units for flow in found):
        zero = said_units(found[0].sample, 0)
        return f"{who}: nothing moved but {zero}, which anybody can cause at no cost."
    genuine = [flow for flow in found if not _may_be_forged(view, flow)]
    if not genuine:
        return f"{who}: an unverified token says that it left, which may be forged."
    return f"{who} {_acts(view, telling, genuine)}."


def _done(
    view: AlertView, telling: Telling, done: Sequence[TransferView], found: Sequence[Flow]
) -> str:
    """What an issuer did, then what else moved in the transaction."""
    who = owner(view.entry, listed.also(view))
    rest = [flow for flow in found if not flow.sample.row.transfer.kind.act]
    burnt = {id(row): flow for row in done for flow in rest if _burnt(row, flow)}
    rest = [flow for flow in rest if flow not in burnt.values()]
    said = [acts.said(row, who, _destroyed(row, burnt.get(id(row)))) for row in done[:3]]
    said += [f"{plural(len(done) - 3, 'more act')}."] if len(done) > 3 else []
    said += [f"Also: {who} {_acts(view, telling, rest)}."] if any(f.units for f in rest) else []
    return " ".join(said)


def _burnt(row: TransferView, flow: Flow) -> bool:
    """Whether a flow is what an issuer destroyed, told by a transfer to nobody as well: the
    holder has sent nothing."""
    act, moved = row.row.transfer, flow.sample.row.transfer
    out = flow.direction == Direction.OUT.value and act.contract == moved.contract
    return act.kind.destroys and not act.amount and out


def _destroyed(row: TransferView, burnt: Flow | None) -> str:
    units = burnt.units if burnt else row.row.transfer.amount
    if not units:
        return f"the {asset_name(row)}"
    return f"{said_units(row, units)}{worth_said(Flow('out', row, units, 1))}"


def _acts(view: AlertView, telling: Telling, found: Sequence[Flow]) -> str:
    out, came, own = (
        [flow for flow in found if flow.direction == way.value]
        for way in (Direction.OUT, Direction.IN, Direction.SELF)
    )
    parts = []
    if out:
        parts.append(f"sent {_sums(out)}{_whereto(view, telling, Direction.OUT)}")
    if came:
        same = out and others(view, "in") == others(view, "out") and not is_utxo(view)
        whence = " from there" if same else _whereto(view, telling, Direction.IN)
        # Anybody can write any sender into an unverified token.
        genuine = any(trusted(flow.sample) for flow in came)
        parts.append(f"received {_sums(came)}{whence if genuine else ''}")
    if own:
        parts.append(f"moved {_sums(own)} to itself")
    together = ", in one transaction" if out and came else ""
    said = f"{' and '.join(parts)}{together}{_left(view, out, came)}"
    return said.replace(",,", ",")  # of a value, and of what follows it


def _units(row: TransferView) -> int:
    return row.row.transfer.amount


def _may_be_forged(view: AlertView, flow: Flow) -> bool:
    """Whether an unverified token says that it left although the address did not sign."""
    doubted = {name for _, name, _ in of_kind(view.alert.facts, Movement).classes}
    out = flow.direction == Direction.OUT.value
    return out and not trusted(flow.sample) and FORGED in doubted


def owner(entry: Entry | None, also: str = "") -> str:
    """Whose funds: 'Crane cash-out (case CRANE-01, also on OFAC-42498)'."""
    if entry is None:
        return "A watched address"
    nameless = f"An address of {listed.lists_name(entry.origin)}" if entry.origin else ""
    label = label_said(entry) or nameless or "A watched address"
    case = f"case {case_said(entry.case)}" if entry.case else ""
    more = ", ".join(filter(None, (case, also)))
    return f"{label} ({more})" if more else label


# --- how much ------------------------------------------------------------------------------


def said_units(view: TransferView, units: int) -> str:
    """An amount as a person says it, with its asset: "1,000,000 USDT", "about 0.0654 ETH"."""
    transfer = view.row.transfer
    if transfer.kind.nft:
        return _nft(view, units)
    if not trusted(view):
        return "an unverified token"
    return f"{figure(view, units)} {asset_name(view)}"


def _nft(view: TransferView, units: int) -> str:
    number = clean(view.row.transfer.token_id or "?", 80)
    which = f" (token id {number})" if len(number) <= _MOST_ID else ""
    of = asset_name(view) if trusted(view) else "an unverified collection"
    return f"{plural(units, 'NFT')}{which} of {of}"


def _sums(found: Sequence[Flow]) -> str:
    """Up to two assets with what they are worth; the rest is counted."""
    said = [f"{said_units(flow.sample, flow.units)}{worth_said(flow)}" for flow in found[:2]]
    rest = len(found) - len(said)
    return " and ".join(said) + (f" and {plural(rest, 'more asset')}" if rest else "")


def worth_said(flow: Flow) -> str:
    """ ", about 1.0 M USD", or nothing where there is no price."""
    worth = usd(flow.units, flow.sample.decimals, flow.sample.price)
    net = " net" if flow.net else ""
    return f"{net}, {money.money_said(worth)}," if worth else net


# --- to whom -------------------------------------------------------------------------------


def _whereto(view: AlertView, telling: Telling, way: Direction) -> str:
    out = way is Direction.OUT
    ends = others(view, way.value)
    rows = legs(view) if is_utxo(view) else view.transfers
    if not ends and is_utxo(view):
        return ", newly mined" if _mined(rows) else f" {'to' if out else 'from'} no visible address"
    if not ends:
        return " without a receiver" if out else _from_nobody(rows)
    who = _several([party_said(view, telling, end) for end in ends])
    if is_utxo(view):
        unseen = _unseen(view, ends, rows, out=out)
        return f" in a transaction that {'pays' if out else 'spends from'} {who}{unseen}"
    return f" {'to' if out else 'from'} {who}"


def _unseen(
    view: AlertView, ends: Sequence[str], rows: Sequence[TransferView], *, out: bool
) -> str:
    """Whether those who are seen are not all of them, where a chain hides ends: more came than
    anybody is seen to pay, or the fee would be more than what the others are seen to get."""
    if view.chain is None or not view.chain.shielded or not view.all_legs:
        return ""
    moved = [row.row.transfer for row in rows]
    left = sum(-t.amount if t.sender is None else t.amount for t in moved)
    if out:
        got = sum(t.amount for t in moved if t.recipient in ends)
        return " and perhaps shielded addresses" if left > got else ""
    return " and shielded addresses" if left < 0 else ""


def _mined(rows: Sequence[TransferView]) -> bool:
    return any(row.row.transfer.kind.far_end is FarEnd.MINED for row in rows)


_FROM_NOBODY: Mapping[FarEnd, str] = {
    FarEnd.VALIDATORS: ", withdrawn by a validator",
    FarEnd.BLOCK: ", the reward of a block",
    FarEnd.OUTSIDE: " from outside this chain",  # deposits to a rollup have no sender on it
}


def _from_nobody(rows: Sequence[TransferView]) -> str:
    ends = {row.row.transfer.kind.far_end for row in rows}
    said = (words for end, words in _FROM_NOBODY.items() if end in ends)
    return next(said, ", newly created")


def _several(said: Sequence[str]) -> str:
    """Two are told by name, more are counted."""
    counts = Counter(said)
    if len(counts) > 2:
        return f"{len(said):,} addresses"
    return " and ".join(
        f"{count:,} {words.removeprefix('an ')}es" if count > 1 and words == NOBODY_KNOWN else words
        for words, count in counts.items()
    )


def party_said(view: AlertView, telling: Telling, address: str) -> str:
    """The other side in a sentence: 'an unknown address', '"Example" (public label)'."""
    known = view.names.get(address)
    if is_zero(view, address):
        return "the zero address"
    if address.startswith(OURS):
        return shown_address(view.chain, address)
    if known is None or not known.label.strip():
        return "another watched address" if known and known.watched else NOBODY_KNOWN
    return _watched(known, view, telling) if known.watched else book_said(known)


def _watched(known: Known, view: AlertView, telling: Telling) -> str:
    mine = view.entry.case if view.entry else ""
    also = f", {on_lists(known)}" if known.also else ""
    if not may_see(known.case, telling.among({mine})):
        return f"another watched address{also}"
    case = f", case {case_said(known.case)}" if known.case and known.case != mine else ""
    label = publishers(known.label) if known.list else name_said(known.label)
    return f"{label} (also watched{case}{also})"


def book_said(known: Known) -> str:
    """A name that a book gives, always in quotes, with whose claim it is."""
    kind = f": {known.category.replace('-', ' ')}" if known.category else ""
    whose = "public label" if known.shipped else "your address book"
    if known.list:
        whose = f"on {name_said(known.list)}'s list"
    return f"{quoted(shown_name(known), 60)} ({whose}{kind})"


# --- what is left --------------------------------------------------------------------------


def _left(view: AlertView, out: Sequence[Flow], came: Sequence[Flow]) -> str:
    """What our record knows to be there afterwards, of the assets in the sentence."""
    if _undone(view):
        return ""  # it is all there still
    left = [_held(view, flow) for flow in (*out[:2], *came[:2])]
    known = list(dict.fromkeys(filter(None, left)))
    if not known:
        return ""
    return f"; {' and '.join(known)} left" if not came else f"; now holds {' and '.join(known)}"


def _held(view: AlertView, flow: Flow) -> str:
    transfer = flow.sample.row.transfer
    if not trusted(flow.sample) or transfer.kind.nft:
        return ""
    facts = of_kind(view.alert.facts, Movement)
    if any(h.difference for h in facts.held if h.contract == (transfer.contract or COIN)):
        return ""  # the chain says otherwise
    for fact in (facts.unusual and facts.unusual.balances) or ():
        if fact.contract == transfer.contract:
            units = fact.after
            return said_units(flow.sample, units) if units else f"no {asset_name(flow.sample)}"
    return ""
