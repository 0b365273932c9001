"""The objects of the API, of which its description is made. Amounts are strings and times RFC 3339
with Z; nothing is ever a float. Fields may be added; none goes or changes its meaning."""

from __future__ import annotations

from typing import Annotated

import msgspec

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=5000)]
Why = Annotated[
    str, msgspec.Meta(min_length=1, max_length=500, description="One sentence: it is recorded.")
]
Time = Annotated[
    str,
    msgspec.Meta(
        description="RFC 3339, UTC, whole seconds.",
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
    ),
]
Digits = Annotated[str, msgspec.Meta(pattern=r"^-?[0-9]+$")]


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """An object that is answered."""


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An object that is sent."""


# -- what was read -------------------------------------------------------------------------------


class Blind(Shape, frozen=True, kw_only=True):
    """Lists of a chain that are not read in full."""

    chain: str
    list: str
    state: Annotated[str, msgspec.Meta(description="blind | not read yet | behind | not served")]
    reason: str
    since: Time | None
    entries: int


class Reading(Shape, frozen=True, kw_only=True):
    """What was read for exactly this question, up to when, and what is blind. An empty list with
    `complete` false does not say that nothing happened."""

    complete: bool
    said: Annotated[str, msgspec.Meta(description="The same in words.")]
    running: bool
    pass_at: Annotated[Time | None, msgspec.Meta(description="When the last pass ended.")]
    read_to: Annotated[
        Time | None,
        msgspec.Meta(description="Chain time up to which all of it was read; null: not known."),
    ]
    entries: Annotated[int, msgspec.Meta(description="Watched entries that it is about.")]
    looked_at: Annotated[int, msgspec.Meta(description="Of them, those that were looked at here.")]
    blind: list[Blind]
    blind_left_out: int = 0


class Asset(Shape, frozen=True, kw_only=True):
    """`contract` null: the coin of its chain. A name that a contract gives itself is made
    harmless, and is not verified."""

    contract: str | None
    symbol: str | None
    verified: bool
    token_id: str | None = None


class Amount(Shape, frozen=True, kw_only=True):
    """`raw`: whole base units. `shown`: in coins; null where the decimals are not known."""

    raw: Digits
    decimals: int | None
    shown: str | None
    asset: Asset


class Done(Shape, frozen=True, kw_only=True):
    """What came of an act."""

    said: Annotated[str, msgspec.Meta(description="In words.")]
    changed: list[str] = []
    proposals: Annotated[
        list[str], msgspec.Meta(description="Ids of what waits: for a second person, or to be done")
    ] = []


class AtDesk(Shape, frozen=True, kw_only=True):
    """What people did with an alert."""

    case: str
    holder: Annotated[str, msgspec.Meta(description="Who has it in hand; empty: nobody.")]
    door: Annotated[
        str,
        msgspec.Meta(
            description="By which door they came: person (signed in), token (by a program), "
            "link or cli (a name that was typed), daemon."
        ),
    ]
    outcome: Annotated[str, msgspec.Meta(description="Why it was closed; empty: it was not.")]
    proposals: Annotated[
        list[str], msgspec.Meta(description="About it, that wait for a second person.")
    ]
