"""What the story's coins are worth, told in DefiLlama's form: the same at any time."""

from __future__ import annotations

import time
from collections.abc import Mapping

from monitor.demo.world.service import Knobs, Reply, Request, said

BEFORE = 97  # seconds that a price is older than what was asked for


class Prices:
    """Answers `/prices/current/COINS` and `/prices/historical/SECONDS/COINS`; coins that it
    does not know are left out."""

    style = "defillama"
    url_tail = ""
    limit_text = b"Too many requests"

    def __init__(self, usd: Mapping[str, float]) -> None:
        self._usd = usd
        self.knobs = Knobs()

    def endpoint(self, request: Request) -> str:
        return request.path.strip("/").split("/")[1]

    def answer(self, request: Request) -> Reply:
        _, which, *rest = request.path.strip("/").split("/")
        asked = int(rest[0]) if which == "historical" else int(time.time())
        coins = {
            coin: {
                "decimals": 18,
                "symbol": "DEMO",
                "price": self._usd[coin],
                "timestamp": asked - BEFORE,
                "confidence": 0.99,
            }
            for coin in rest[-1].split(",")
            if coin in self._usd
        }
        return said({"coins": coins})
