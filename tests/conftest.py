"""Real parts that many tests share; each xdist worker has its own."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from world.evm_feed import EvmFeed
from world.evm_world import EvmWorld, build
from world.parts import Rpc, anvil, litecoind

from monitor.app.memory import keep_what_is_loaded
from monitor.demo.world.explorer import Explorer
from monitor.demo.world.ledger import AccountLedger

# How long an example takes says something about the machine only.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_collection_finish() -> None:
    """Thousands of tests, which stay to the end, are not looked through again and again."""
    keep_what_is_loaded()


@pytest.fixture(autouse=True)
def own_log_level() -> Iterator[None]:
    """A command that is run inside a test sets how much the whole process logs."""
    log = logging.getLogger("fundwatch")
    before = log.level
    yield
    log.setLevel(before)


@pytest.fixture(scope="session")
def evm_world() -> Iterator[EvmWorld]:
    with anvil() as rpc:
        oracle = build(rpc)
        ledger = AccountLedger()
        EvmFeed(rpc, ledger).sync()
        yield EvmWorld(rpc, ledger, oracle)


@pytest.fixture
def evm_node() -> Iterator[Rpc]:
    """An EVM node of the test's own, which mines when told to."""
    with anvil() as rpc:
        yield rpc


@pytest.fixture
def utxo_node() -> Iterator[Rpc]:
    """A UTXO node of the test's own with a funded wallet."""
    with litecoind() as rpc:
        yield rpc


@pytest.fixture
def explorer() -> Iterator[Explorer]:
    """The local explorer, running and still without chains."""
    with Explorer() as running:
        yield running
