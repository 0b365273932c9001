"""The real command on a real chain: what was paid is what is recorded and told."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from world.evm_world import EvmWorld
from world.home import evm_home

from monitor.demo.world.explorer import Explorer


def recorded(rows: list[dict[str, Any]]) -> Counter[tuple[object, ...]]:
    """Transfers as the oracle names them."""
    return Counter(
        (
            *(r["kind"], r["tx"], r["asset"]["contract"], r["asset"]["token_id"]),
            *(r["from"], r["to"], int(r["amount"])),
        )
        for r in rows
    )


@pytest.mark.real
@pytest.mark.parametrize("kind", ["etherscan", "blockscout"])
def test_recall(tmp_path: Path, evm_world: EvmWorld, explorer: Explorer, kind: str) -> None:
    """Of a hundred watched addresses every movement is recorded once, and nothing else."""
    explorer.add("dev", evm_world.ledger, kind, chain_id=31337)
    addresses = evm_world.oracle.watchable(100)
    home = evm_home(tmp_path, explorer.url("dev", kind), kind, addresses)
    home.run("poll")
    rows = home.transfers()
    truth = Counter(
        {
            tuple(r): n
            for r, n in evm_world.oracle.rows.items()
            if {r.sender, r.recipient} & set(addresses)
            and not (r.kind == "fee" and r.sender not in addresses)
            # Explorers differ on contracts made by contracts with no value: nothing moved.
            and not (r.kind == "internal" and not r.amount)
        }
    )
    found = recorded(rows)
    assert found - truth == Counter()
    assert truth - found == Counter()
    assert len({(r["chain"], r["tx"], r["leg"]) for r in rows}) == len(rows)
