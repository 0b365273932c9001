"""`fundwatch init`: a home folder with everything a person has to fill in. Overwrites nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from monitor.app.settings.load import shipped_config, shipped_example
from monitor.loops.clock import now
from monitor.model.errors import ConfigError, Problem
from monitor.store.guard import DATABASE, check_begun, mark_begun
from monitor.store.sqlite import Store
from monitor.watchlist.file import WATCHLIST

EMPTY_LIST = """\
# The watchlist: which addresses Fundwatch watches, why, and whom it tells.
#
# Lines that start with # are notes for you. Indent with spaces, never with the tab key.
# To add an address, take the # signs away below, from "addresses:" on, change it and save; or
# paste such a block at the end. Within a minute operations gets a message: what was taken, and
# what was refused in which line. Deleting lines does NOT stop a watch; a line "retired:" does.
# `fundwatch init --example` in an empty folder shows every possible line.

version: 1                         # the form of this file; leave it as it is
# timezone: Europe/Zurich          # shown beside UTC in mails

defaults:                          # hold for every address that does not say otherwise
  severity: medium                 # severe, high, medium or low (low: in the daily mail)
  direction: both                  # both, in (only what arrives) or out (only what leaves)
  tell_when: confirmed             # seen, confirmed (in a block) or final
  since: first                     # read history from the beginning, or from a day: 2023-01-31

# addresses:
#   - address: 0x...               # copy it whole; no quotes
#     chain: ethereum              # or bitcoin, tron, bnb, polygon, arbitrum ...
#     label: Payroll wallet 3      # the short name that people see
#     case: NK-07                  # your file; alerts of one case come together
#     reason: why it is watched    # stands in every alert
#     source: where the address comes from
#     severity: high
"""

CONFIG: Mapping[str, str] = {
    "channels.yaml": """\
# Whom Fundwatch tells. Take the # signs away, from "channels:" on, and change; or paste such a
# block. Passwords go into .env, here stands only the NAME of the variable. Then:
#   fundwatch channels test desk-mail

# channels:
#   desk-mail:
#     kind: email
#     host: smtp.example.org
#     security: starttls              # starttls, tls, or none (a relay on this machine)
#     user_env: SMTP_USER             # leave out both where no login is needed
#     password_env: SMTP_PASSWORD
#     from: fundwatch@example.org
#     to: [desk@example.org]
#     audience: desk                  # movements; operations: news about Fundwatch itself;
#                                     # both without this line
#   case-tool:
#     kind: webhook                   # JSON, signed as in standardwebhooks.com
#     url: https://cases.example.org/hooks/fundwatch
#     secret_env: HOOK_SECRET
#     allow_private: false            # true if the receiver stands in your own network
""",
    "sources.yaml": """\
# Explorers and nodes of your own, or single keys of the shipped ones. Without lines here the
# shipped table holds. `fundwatch check` says what works and what needs a key (in .env).

# sources:
#   my-node:
#     kind: evm_rpc                   # etherscan, blockscout, esplora, blockbook, utxo_rpc,
#                                     # trongrid, evm_rpc
#     url: http://127.0.0.1:8545      # a url that holds a key:  url_env: MY_NODE_URL
#     rate_per_second: 20
#   etherscan:
#     rate_per_second: 10             # a paid plan
#     calls_per_day: 200000
""",
    "chains.yaml": """\
# Chains: which sources are asked, in which order; depth of finality; chains of your own.
# Without lines here the shipped table holds. A list replaces the shipped list as a whole.

# chains:
#   ethereum:
#     sources: [my-node, etherscan]   # names of sources.yaml; the next steps in for the first
#   my-chain:                         # any EVM chain, by its id
#     family: evm
#     chain_id: 1234
#     native: {symbol: XYZ, decimals: 18}
#     finality: 64
#     sources: [my-node]
""",
    "assets.yaml": """\
# Tokens that you have verified yourself, by contract; they are added to the shipped table.
# Only verified tokens are shown by their symbol. Symbols alone prove nothing.

# assets:
#   ethereum:
#     "0x...": {symbol: ABC, decimals: 18, name: ..., source: who says so, date: 2026-01-31}
""",
}


def init(home: Path, *, example: bool, lists: bool = False) -> list[str]:
    """Make what is missing in a home folder; returns the lines to show. `lists`: published ones
    are put into use next (first_lists.py), so that nobody has to add an address.

    Raises ConfigError where the folder cannot be made or written, StoreError where the
    record cannot be made, Unfit where one was begun and is gone.
    """
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        (home / "config").mkdir(exist_ok=True)
        listed = shipped_example("watchlist.example.yaml").read_text("utf-8")
        files = {
            WATCHLIST: listed if example else EMPTY_LIST,
            ".env": shipped_example(".env.example").read_text("utf-8"),
            **{f"config/{name}": text for name, text in CONFIG.items()},
            "config/settings.yaml": (shipped_config() / "settings.yaml").read_text("utf-8"),
        }
        made = {name: _create(home / name, text) for name, text in files.items()}
    except OSError as error:
        raise ConfigError(
            [
                Problem(
                    "--home",
                    str(home),
                    f"cannot be set up ({error.strerror}: {error.filename})",
                    "Name a folder that this user may write to",
                )
            ]
        ) from None
    check_begun(home)
    made[DATABASE] = _create_record(home / DATABASE)
    mark_begun(home, now())
    noted = [] if lists else steps(home, "add an address to watchlist.yaml")
    if example and made[WATCHLIST]:
        noted = steps(home, "look through watchlist.yaml")
    elif example:
        kept = f"{'note':<10}watchlist.yaml was kept, so --example changed nothing in it"
        noted = [kept, *noted]
    return [*_told(made, example), *noted]


def _create(path: Path, text: str) -> bool:
    """Write a new file; False when one is there, which is left as it is."""
    # Whatever the umask says: .env holds secrets, the others may be read like any file.
    mode = 0o600 if path.name == ".env" else 0o666
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        return False
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    return True


def _create_record(path: Path) -> bool:
    fresh = not path.exists()
    if fresh:
        Store(path, create=True).close()
    return fresh


def _told(made: Mapping[str, bool], example: bool) -> list[str]:
    remarks = {
        WATCHLIST: "the example's entries" if example else "empty; --example fills it",
        ".env": "0600, for keys and passwords",
        DATABASE: "the record",
    }
    lines = []
    for name, fresh in made.items():
        remark = remarks.get(name, "all comments: nothing is set up by it")
        told = f"  ({remark})" if fresh else "  (was there already; not touched)"
        lines.append(f"{'created' if fresh else 'kept':<10}{name:<22}{told}")
    return lines


def steps(home: Path, first: str = "") -> list[str]:
    """What to do next, `first` before all."""
    found = (
        first,
        "say whom to tell in config/channels.yaml; passwords and keys go into .env",
        f"fundwatch --home {home} check",
        f"fundwatch --home {home} poll     (once), or  run  (until stopped)",
    )
    shown = [step for step in found if step]
    return [f"{'next' if not n else '':<10}{n + 1}  {step}" for n, step in enumerate(shown)]
