"""Whose file the record is, which schema it has, and what each brought; the schema itself is
in store.migrations, which only a new or older record needs."""

from __future__ import annotations

from collections.abc import Mapping

APPLICATION_ID = 0x46574348  # "FWCH"
VERSION = 13
LOGGED = 6  # the first schema with a log that was released

# What each schema brought, in the words of the notice after an upgrade.
CHANGES: Mapping[int, str] = {
    2: "Alerts that nobody acknowledges can be passed on; prices of coins are kept.",
    3: "Health is judged by more, and told in one sentence. For each recipient it is kept since "
    "when nothing is accepted. The newest blocks that sources name are kept and held against "
    "later answers.",
    4: "A list that a source tells of many addresses at once is read for the whole chain.",
    5: "Everything that people and the program do to the record is written into a log that can be "
    "verified (`fundwatch verify`).",
    6: "What sources answered is kept where it brought news (`fundwatch answers TX`), for "
    "answers_days and up to answers_size of the settings.",
    7: "Lists that others publish can be watched as a whole (config/lists.yaml).",
    8: "What chains say that addresses hold is held against the record (`fundwatch reconcile`).",
    9: "What watched addresses pay can be followed from address to address (`follow:` in the "
    "watchlist, `fundwatch trace`).",
    10: "A chain can be read block by block, each block once for all addresses (`read:` of a chain "
    "in config/chains.yaml).",
    11: "People can work at a desk in the browser (`web:` in config/settings.yaml).",
    12: "What people wrote as they closed alerts, proposed or started clocks can be erased under a "
    "rule, as notes could.",
    13: "Whom somebody asks to hold traced funds is recorded, with what came of it.",
}
