"""The words for what an amount was worth."""

from __future__ import annotations

from decimal import Decimal, localcontext

from monitor.decide.worth import CENT, EXACT, NO_PRICE, cents, figure, moment, title, usd
from monitor.model import Price, TransferView
from monitor.model.plain import duration, tidy, utc


def money(value: Decimal) -> str:
    """ "about 1,000,283.53 USD"; what is below a cent is not shown as nothing."""
    if 0 < value < CENT:
        return "less than 0.01 USD"
    return f"about {cents(value):,f} USD"


def money_said(value: Decimal) -> str:
    """As a person reads it: "about 1.0 M USD", "about 90,026 USD", "about 54.76 USD"."""
    if 0 < value < CENT:
        return "less than 0.01 USD"
    with localcontext(prec=EXACT):
        if value < 1000:
            return f"about {cents(value):,f} USD"
        for least, sign in ((Decimal(10) ** 9, "B"), (Decimal(10) ** 6, "M")):
            if value >= least:
                return f"about {value / least:,.1f} {sign} USD"
        return f"about {value:,.0f} USD"


def words(units: int, view: TransferView) -> tuple[str, str]:
    """The value of an amount of this view's asset, and the price with who said it and when;
    or why there is none, and nothing."""
    value, price = usd(units, view.decimals, view.price), view.price
    if value is None or price is None:
        return view.unpriced or NO_PRICE, ""
    one = f"1 {tidy(view.symbol, 32)} = {figure(price.usd)} USD"
    return money(value), f"{one} by {title(price.source)}, {_age(price, moment(view))}"


def _age(price: Price, happened: int) -> str:
    apart = abs(happened - price.at)
    side = "before" if price.at <= happened else "after"
    gap = f"{duration(apart)} {side}" if apart else "of the same second"
    whole, mine = utc(price.at), utc(happened)
    same_day = whole[:10] == mine[:10]
    when = f"{whole[11:16] if same_day else whole[:16]} UTC"
    return f"{'daily snapshot' if price.daily else 'price'} of {when}, {gap}"
