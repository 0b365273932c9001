"""One transaction: all of its rows that may be seen, who said so and when, and what was told."""

from __future__ import annotations

from dataclasses import dataclass

from werkzeug import Response

from monitor.model import Chain
from monitor.model.desk_tx import Leg, SaidBy
from monitor.model.plain import status_said, tidy
from monitor.store import answers, desk_tx
from monitor.web.desk.ask import Ask
from monitor.web.desk.known import (
    AssetShown,
    Shown,
    assets_of,
    chain_said,
    names_for,
    raw_units,
    shown,
)
from monitor.web.desk.words import Gone


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a transaction as it stands on the page."""

    leg: Leg
    sender: Shown
    recipient: Shown
    amount: str
    asset: AssetShown
    status: str
    said: tuple[SaidBy, ...]


def transaction(ask: Ask, chain: str, tx: str) -> Response:
    """The page of one transaction."""
    known = ask.settings.chains.get(chain)
    rows = desk_tx.rows(ask.store, ask.sight, chain, tx)
    if not rows:
        raise Gone
    lines = _lines(ask, chain, rows)
    alerts = desk_tx.alerts(ask.store, ask.sight, chain, tx)
    # Answers are kept by transaction: whoever sees a part of it only is told of none.
    whole = desk_tx.is_whole(ask.store, chain, tx, rows)
    kept = answers.of_tx(ask.store, tx) if whole else []
    first = rows[0]
    shared = first.said if len(rows) > 1 and all(row.said == first.said for row in rows) else ()
    link = known.link_tx.replace("{tx}", tx) if known and first.in_transaction else ""
    name = chain_said(ask.settings, chain)
    return ask.page(
        "tx.html.j2", f"Transaction on {name}", "find",
        chain=name, tx=tx, lines=lines, alerts=alerts, kept=kept, whole=whole, first=first,
        explorer=link, shared=shared, coins=_coins(ask, known, rows) if whole and known else None,
    )  # fmt: skip


def _coins(ask: Ask, chain: Chain, rows: list[Leg]) -> tuple[str, str, str, str] | None:
    """What went in, came out, and was left to whoever made the block; None where coins are not
    spent and made like that, or an input is not known."""
    came = sum(row.amount for row in rows if row.kind.input)
    out = sum(row.amount for row in rows if row.kind.output)
    if not all(row.kind.input or row.kind.output for row in rows) or came < out:
        return None
    coin = assets_of(ask.store, ask.settings, chain.key, ()).of(None)
    return coin.exact(came), coin.exact(out), coin.exact(came - out), chain.symbol


def _lines(ask: Ask, key: str, rows: list[Leg]) -> list[Line]:
    chain = ask.settings.chains.get(key)
    names = names_for(ask.store, ask.settings, ask.sight)
    ends = {end for row in rows for end in (row.sender, row.recipient) if end}
    parties = names.of(key, ends)
    assets = assets_of(ask.store, ask.settings, key, (row.contract for row in rows))
    found = []
    for row in rows:
        asset = assets.of(row.contract, nft=row.kind.nft)
        amount = asset.exact(row.amount)
        if chain is None and asset.decimals is None:
            amount = raw_units(row.amount, asset.contract or asset.name)
        if row.kind.nft:
            amount = f"{amount} of id {tidy(row.token_id or '?', 80)}"
        found.append(
            Line(
                row,
                shown(chain, row.sender, row.kind, parties.get(row.sender or "")),
                shown(chain, row.recipient, row.kind, parties.get(row.recipient or "")),
                "" if row.kind.act and not row.kind.destroys else amount,
                asset,
                status_said(row.status, pending=row.height is None and row.time is None),
                row.said,
            )
        )
    return found
