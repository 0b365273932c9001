"""A balance that changed on the chain while no list says why; and what was found since."""

from __future__ import annotations

from monitor.chains.table import family_of
from monitor.messages.sheets import about, held, listed, to_do
from monitor.messages.sheets.alert import rows_section, subject_tail
from monitor.messages.sheets.balance import said
from monitor.messages.sheets.ours import ours_section, shout
from monitor.messages.sheets.parts import (
    Item,
    Section,
    Sheet,
    Telling,
    section,
    sections,
    shown_address,
    shown_tx,
    topic,
)
from monitor.messages.sheets.say import owner
from monitor.model import AlertView
from monitor.model.balance import COIN, Held
from monitor.model.balance_words import block_said, differs, exact, sources_said
from monitor.model.facts import Lead, Unexplained, of_kind
from monitor.model.plain import plural, tidy, utc, when, without_addresses

LEADS_SHOWN = 10
LINES_SHOWN = 12  # of what was looked through
_NOT_KNOWN = "No transaction, sender or receiver of it is known."
_MEANING = (
    "A balance leaves out nothing. Lists of transactions leave out what moves without an entry in "
    "them: what an issuer destroys, what a contract moves in ways of its own, what an explorer "
    "dropped."
)
_FELL = "Until it is explained, take it that these funds are no longer there."
_ROSE = "Until it is explained, do not rely on what the record says was there."


def unexplained_sheet(view: AlertView, telling: Telling) -> Sheet:
    """How much, between which blocks, how sure, where to look; of an amendment what it was."""
    fact = of_kind(view.alert.facts, Unexplained)
    explained = bool(fact.found)
    body = _explained(view, telling, fact) if explained else _open(view, fact)
    what = f"explains {view.alert.amends}" if explained else "new: no list says why"
    return Sheet(
        banner=view.alert.severity.value.upper(),
        severity=view.alert.severity,
        topic=topic(
            shout(view, _short(fact)), *subject_tail(view), view.alert.amends or view.alert.id
        ),
        headline=headline(view),
        lead=(*about.again(view), *_lead(fact), *listed.late([view], telling.now)),
        sections=sections(
            _to_do(view, telling, fact),
            held.held_section(view),
            ours_section(view),
            *body,
            about.who_section(view, address=True),
            listed.also_section(view),
            about.when_section(view, telling),
            about.unchecked_section([view]),
            about.id_section(view, telling, what),
        ),
        footer=about.INTERNAL,
    )


def headline(view: AlertView) -> str:
    """The whole news in a sentence."""
    fact = of_kind(view.alert.facts, Unexplained)
    who = owner(view.entry, listed.also(view))
    way = "fell" if fact.amount < 0 else "rose"
    told = f"the balance {way} by {_much(fact, fact.amount)} {_between(fact)}"
    if fact.found:
        return shout(view, listed.begun(view, f"{_began(fact)}: {who}: {told}; {_left(fact)}."))
    return shout(view, listed.begun(view, f"{who}: {told}, and no list says why."))


def _left(fact: Unexplained) -> str:
    """What of it is still not known, or what was not seen at first."""
    if not fact.left:
        return "nothing of it is unexplained any more"
    much = _much(fact, fact.left)
    if not fact.grew:
        return f"{much} of it is still unexplained"
    return f"by what is known now it {'fell' if fact.left < 0 else 'rose'} by {much} unexplained"


def _short(fact: Unexplained) -> str:
    """ "UNEXPLAINED: balance fell by 7,740,000 USDT", fit for a subject."""
    units = fact.left if fact.grew else fact.amount
    way = "fell" if units < 0 else "rose"
    return f"{_began(fact)}: balance {way} by {_much(fact, units)}"


def _began(fact: Unexplained) -> str:
    if not fact.found:
        return "UNEXPLAINED"
    if not fact.left:
        return "EXPLAINED"
    return "STILL UNEXPLAINED" if fact.grew else "PARTLY EXPLAINED"


def _much(fact: Unexplained, units: int) -> str:
    units = abs(units)
    return said(fact.held, units) if fact.held else f"{units:,} raw units"


def _between(fact: Unexplained) -> str:
    held = fact.held
    if held is None or held.height is None:
        return "at an unknown time"
    upper = held.between.hi if held.between else held.height
    end = block_said(upper, held.time if upper == held.height else None)
    if held.between is None or not held.between.lo:
        return f"up to {end}"
    return f"between {block_said(held.between.lo, fact.since_time)} and {end}"


def _lead(fact: Unexplained) -> tuple[str, ...]:
    if fact.found:
        return (tidy(fact.found, 600),)
    leads = f" {plural(len(fact.leads), 'lead')}: see LEADS." if fact.leads else ""
    by = f"So it stands on the chain, told {sources_said(fact.held)}. " if fact.held else ""
    return (f"{by}{_NOT_KNOWN}{leads}",)


# --- what to do ------------------------------------------------------------------------------


def _to_do(view: AlertView, telling: Telling, fact: Unexplained) -> Section | None:
    first = to_do.to_do_section(view, telling)
    options = () if fact.found else _options(view, fact)
    return section(to_do.HEADING, *(first.items if first else ()), *options)


def _options(view: AlertView, fact: Unexplained) -> list[Item]:
    items = [Item("Look at the leads below first.")] if fact.leads else []
    if link := to_do.look_address(view.chain, view.entry.subject.address if view.entry else ""):
        items.append(Item(link, "Look", "link", to_do.SEEN))
    items.append(Item(f"Open {_where(view, fact.held)} between these blocks."))
    contract = fact.held.contract if fact.held else COIN
    issuer = view.chain.issuer_of(contract) if view.chain else None
    if issuer and fact.amount < 0:
        name = tidy(issuer.name, 40)
        asked = f"Ask {name}, who issues this token, whether it was destroyed or taken back."
        items.append(Item(asked))
    items.append(Item(_FELL if fact.amount < 0 else _ROSE))
    return items


def _where(view: AlertView, held: Held | None) -> str:
    """What of the address's public page is looked at."""
    if held is not None and held.contract != COIN:
        return "the address's page at an explorer, and this token's transfers and events"
    if view.chain is not None and family_of(view.chain).atomic:
        return "the address's page at an explorer, and its transactions"
    return "the address's page at an explorer, and its internal transactions and withdrawals"


# --- what is known ---------------------------------------------------------------------------


def _open(view: AlertView, fact: Unexplained) -> tuple[Section | None, ...]:
    return (
        section("BALANCE", *_balance(view, fact)),
        section("LEADS", *_leads(view, fact.leads)),
        section("HOW SURE", *_sure(fact)),
        section("MEANING", Item(_MEANING)),
    )


def _explained(view: AlertView, telling: Telling, fact: Unexplained) -> tuple[Section | None, ...]:
    told = Item(when(view.told_at, telling.timezone)) if view.told_at is not None else None
    rows = rows_section(view, telling, view.transfers, "FOUND", assets=True, dated=True)
    return (
        section("WE SAID", Item(f"{view.alert.amends}"), told) if view.alert.amends else None,
        rows,
        section("BALANCE", *_balance(view, fact)),
    )


def _balance(view: AlertView, fact: Unexplained) -> list[Item]:
    held = fact.held
    if held is None:
        return []
    items = []
    if held.recorded is not None:
        items.append(Item(exact(held, held.recorded), "By our record"))
    if held.on_chain is not None:
        items.append(Item(exact(held, held.on_chain), "On the chain"))
    apart = differs(held)
    if apart or held.difference == 0:
        items.append(Item(apart or "none: they are equal", "Difference", "strong" if apart else ""))
    if apart and not fact.found and held.difference != fact.amount:
        items.append(
            Item(f"{_much(fact, fact.amount)} of it is what this message is about.", style="note")
        )
    if held.height is not None:
        items.append(Item(block_said(held.height, held.time), "At"))
    if held.contract != COIN:
        items.append(Item(shown_address(view.chain, held.contract), "Contract", "code"))
    return items


def _leads(view: AlertView, leads: tuple[Lead, ...]) -> list[Item]:
    """What may be why, each with its transaction. Their words name no address: a public one can
    be one of our own."""
    items: list[Item] = []
    for number, lead in enumerate(leads[:LEADS_SHOWN], 1):
        by = f"by {tidy(lead.source, 40)}" if lead.source else ""
        block = f"block {lead.height:,}" if lead.height is not None else ""
        note = ", ".join(filter(None, (block, by)))
        items.append(Item(f"{number}. {without_addresses(tidy(lead.what, 300))}", "", "row", note))
        if lead.tx:
            items.append(Item(shown_tx(lead.tx), "tx", "code"))
        if link := to_do.look(view.chain, lead.tx):
            items.append(Item(link, "look", "link"))
    rest = len(leads) - LEADS_SHOWN
    return [*items, Item(f"{rest:,} more.", style="warn")] if rest > 0 else items


def _sure(fact: Unexplained) -> list[Item]:
    held, items = fact.held, []
    if held is not None:
        alone = " Nobody else has said the same: check it by hand." if held.alone else ""
        asked = f"The balance is told {sources_said(held)}, read {utc(held.at)}.{alone}"
        items.append(Item(asked, style="warn" if held.alone else ""))
    looked = [without_addresses(tidy(each, 300)) for each in dict.fromkeys(fact.asked)]
    if looked:
        items.append(Item("Looked through before this was told:"))
    items += [Item(each) for each in looked[:LINES_SHOWN]]
    if len(looked) > LINES_SHOWN:
        items.append(Item(f"And {len(looked) - LINES_SHOWN:,} more.", style="note"))
    return items
