"""`fundwatch status --json`: its form, which programs read."""

from __future__ import annotations

import json

from monitor.loops.health.chain_values import (
    BlindStatus,
    ChainStatus,
    DebtStatus,
    InsideStatus,
    ReadingStatus,
    Time,
)
from monitor.loops.health.snapshot import (
    AnswersStatus,
    BalanceReason,
    BalancesStatus,
    BudgetStatus,
    CaseOver,
    ChannelStatus,
    ChannelTest,
    Deliveries,
    DeskStatus,
    DormantStatus,
    EntryBalances,
    EntryStatus,
    HeartbeatStatus,
    HeldStatus,
    LastPass,
    ListsOfChain,
    ListStatus,
    OpenAlerts,
    OpenIncident,
    PrunedStatus,
    PublishedStatus,
    Reached,
    RecordStatus,
    RetentionStatus,
    SecondStatus,
    Snapshot,
    SourceStatus,
    Tally,
    TraceStatus,
    WaitsForBudget,
    WatchlistStatus,
    to_json,
)
from monitor.loops.health.verdict import Verdict
from monitor.model.axis import Axis
from monitor.model.status import FollowedCount, State, Unread


def test_the_json_keeps_its_keys_and_their_order() -> None:
    """A key that goes or means something else raises `version`."""
    read = ListStatus(
        stream="native",
        state=State.BEHIND,
        reason="height 5 to 7 could not be read: a broken row",
        covered_from="block 8",
        covered_to=Reached(Axis.HEIGHT, 90, Time(1_700_000_000)),
        by="mine",
        age_seconds=30,
        failing_since=None,
        failing_seconds=None,
        unserved=False,
        gaps=(Unread(Axis.HEIGHT, 5, 7, "a broken row"),),
    )
    entry = EntryStatus(
        id="E-1",
        case="A",
        label="Zoë",
        severity="high",
        chain="dev",
        address="0x1",
        absent=False,
        state=State.BEHIND,
        streams=(read,),
        dormant=DormantStatus(
            Time(1_700_000_000), 90, "0xab", Time(1_700_000_000), 30, "node", "tokens"
        ),
        balances=EntryBalances(
            equal=1,
            unexplained=1,
            cannot_check=0,
            asked=Time(1_700_000_010),
            block=90,
            time=Time(1_700_000_000),
            sources=("mine",),
            differences=("2 ETH less on the chain than recorded",),
            reasons=(),
            kinds=(),
        ),
        held=HeldStatus(
            state="seized", holder="the court", missing=True, unknown=False, assets=("1 ETH",)
        ),
    )
    channel = ChannelStatus(
        channel="mail",
        waiting=1,
        accepted=2,
        dead=0,
        attempts=3,
        next_due=Time(1_700_000_060),
        last_error="451 later",
        disabled=None,
        tested=ChannelTest(Time(1_699_999_000), True, "connected"),
    )
    chain = ChainStatus(
        ReadingStatus(mode="blocks", head=95, covered_to=90, proven_to=80, behind=5, source="mine"),
        DebtStatus(addresses=12, severe=1, waiting=3),
        BlindStatus(Time(1_700_000_000), "HTTP 503", 1),
        InsideStatus(11, 1, Time(1_700_000_000), 30, "lists is asked what"),
    )
    by_address = ChainStatus(ReadingStatus(mode="addresses", head=None), DebtStatus(0, 0, 0))
    incident = OpenIncident(
        key="blind:dev/native",
        what="It is.",
        cure="Look.",
        severity="high",
        since=Time(0),
        told=None,
    )
    kept = AnswersStatus(
        number=3,
        bytes=9000,
        last_30_days_bytes=8000,
        oldest=Time(1_700_000_000),
        pruned=PrunedStatus(at=Time(1_700_000_000), number=2, bytes=700, of_alerts=1),
    )
    listed = PublishedStatus(
        list="ofac",
        title="OFAC",
        day="2023-11-10",
        rows=961,
        had=Time(1_700_000_000),
        age_seconds=30,
        missing_since=None,
        error="",
    )
    found = Snapshot(
        at=Time(1_700_000_030),
        health=Verdict(False, "bad; worse", ("bad", "worse")),
        verdict=Tally(
            words="some", entries=1, complete=0, behind=1, blind=0, not_read=0, dormant=2
        ),
        running=True,
        started=None,
        last_pass=LastPass(Time(1_700_000_020), 10, 1.5),
        overdue_seconds=0,
        hold_severe_seconds=180,
        entries=(entry,),
        left_out=7,
        chains={"dev": chain, "tron": by_address},
        deliveries=Deliveries(
            waiting=1,
            accepted=2,
            dead=0,
            next_due=Time(1_700_000_060),
            late_seconds=0,
            unsent=4,
            daily=5,
            channels=(channel,),
        ),
        budgets=(BudgetStatus("mine", 3600, 1, 100),),
        followed=FollowedCount(3, 1, 0, 1),
        desk=DeskStatus(1, 2, 3),
        traces=(
            TraceStatus(
                *("C-1", 4, Time(1_700_000_000), 3, 1, "May 1 address be followed?", ""),
                *(2_431, 2_500, 990, 1_000, 2, 10_800),
            ),
        ),
        alerts=OpenAlerts(1, Time(1_700_000_000), 30),
        incidents=(incident,),
        heartbeat=HeartbeatStatus(wanted=True, accepted=None, age_seconds=None, error="no"),
        record=RecordStatus(12, 4096, None, None, kept),
        watchlist=WatchlistStatus(
            sha256="ab",
            taken_at=Time(1_700_000_000),
            current=True,
            refused=("line 3",),
            awaiting_retirement=("E-0",),
        ),
        retention=RetentionStatus(10, (CaseOver("C-1", Time(1_700_000_000)),)),
        lists=(listed,),
        balances=BalancesStatus(
            addresses=3,
            equal=0,
            unexplained=1,
            cannot_check=1,
            never=1,
            oldest=Time(1_700_000_010),
            oldest_seconds=20,
            reasons=(BalanceReason("no source", 1),),
        ),
        sources=(
            SourceStatus(
                chain="dev", source="mine", operator="one", asked=90, late=1, late_seconds=7200,
                missing=2, wrong=0, down=3, moved_back=True,
            ),
        ),
        second=SecondStatus(
            addresses=3, with_word=1, oldest=Time(1_700_000_000), oldest_seconds=30, more=1, less=2,
            restricted=1, one_operator=(ListsOfChain("tron", ("native",)),),
            budget=(WaitsForBudget("other", 1),),
            in_blocks=(ListsOfChain("ltc", ("utxo",)),),
        ),
    )  # fmt: skip
    assert json.dumps(to_json(found), indent=2, ensure_ascii=False) == STATUS_JSON


STATUS_JSON = """\
{
  "version": 1,
  "at": "2023-11-14T22:13:50Z",
  "health": {
    "well": false,
    "words": "bad; worse",
    "reasons": [
      "bad",
      "worse"
    ]
  },
  "verdict": {
    "words": "some",
    "entries": 1,
    "complete": 0,
    "behind": 1,
    "blind": 0,
    "not_read": 0,
    "dormant": 2
  },
  "running": true,
  "started": null,
  "last_pass": {
    "ended": "2023-11-14T22:13:40Z",
    "age_seconds": 10,
    "seconds": 1.5
  },
  "overdue_seconds": 0,
  "hold_severe_seconds": 180,
  "entries": [
    {
      "id": "E-1",
      "case": "A",
      "label": "Zoë",
      "severity": "high",
      "chain": "dev",
      "address": "0x1",
      "absent": false,
      "state": "behind",
      "streams": [
        {
          "stream": "native",
          "state": "behind",
          "reason": "height 5 to 7 could not be read: a broken row",
          "covered_from": "block 8",
          "covered_to": {
            "axis": "height",
            "place": 90,
            "time": "2023-11-14T22:13:20Z"
          },
          "by": "mine",
          "age_seconds": 30,
          "failing_since": null,
          "failing_seconds": null,
          "unserved": false,
          "gaps": [
            {
              "axis": "height",
              "from": 5,
              "to": 7,
              "reason": "a broken row"
            }
          ]
        }
      ],
      "dormant": {
        "since": "2023-11-14T22:13:20Z",
        "block": 90,
        "hash": "0xab",
        "time": "2023-11-14T22:13:20Z",
        "age_seconds": 30,
        "by": "node",
        "not_covered": "tokens",
        "late": ""
      },
      "balances": {
        "equal": 1,
        "unexplained": 1,
        "cannot_check": 0,
        "asked": "2023-11-14T22:13:30Z",
        "block": 90,
        "time": "2023-11-14T22:13:20Z",
        "sources": [
          "mine"
        ],
        "differences": [
          "2 ETH less on the chain than recorded"
        ],
        "reasons": [],
        "kinds": []
      },
      "held": {
        "state": "seized",
        "holder": "the court",
        "missing": true,
        "unknown": false,
        "assets": [
          "1 ETH"
        ]
      }
    }
  ],
  "left_out": 7,
  "chains": {
    "dev": {
      "reading": {
        "mode": "blocks",
        "head": 95,
        "covered_to": 90,
        "proven_to": 80,
        "behind": 5,
        "source": "mine"
      },
      "debt": {
        "addresses": 12,
        "severe": 1,
        "waiting": 3
      },
      "blind": {
        "since": "2023-11-14T22:13:20Z",
        "why": "HTTP 503",
        "read_singly": 1
      },
      "inside": {
        "looked": 11,
        "never": 1,
        "oldest": "2023-11-14T22:13:20Z",
        "oldest_seconds": 30,
        "asked": "lists is asked what"
      }
    },
    "tron": {
      "reading": {
        "mode": "addresses",
        "head": null,
        "covered_to": null,
        "proven_to": null,
        "behind": null,
        "source": ""
      },
      "debt": {
        "addresses": 0,
        "severe": 0,
        "waiting": 0
      },
      "blind": null,
      "inside": null
    }
  },
  "deliveries": {
    "waiting": 1,
    "accepted": 2,
    "dead": 0,
    "next_due": "2023-11-14T22:14:20Z",
    "late_seconds": 0,
    "unsent": 4,
    "daily": 5,
    "channels": [
      {
        "channel": "mail",
        "waiting": 1,
        "accepted": 2,
        "dead": 0,
        "attempts": 3,
        "next_due": "2023-11-14T22:14:20Z",
        "last_error": "451 later",
        "disabled": null,
        "tested": {
          "at": "2023-11-14T21:56:40Z",
          "good": true,
          "words": "connected"
        }
      }
    ]
  },
  "budgets": [
    {
      "source": "mine",
      "window_seconds": 3600,
      "used": 1,
      "limit": 100
    }
  ],
  "followed": {
    "addresses": 3,
    "spent": 1,
    "blind": 0,
    "not_read": 1
  },
  "alerts": {
    "open": 1,
    "oldest": "2023-11-14T22:13:20Z",
    "oldest_seconds": 30
  },
  "incidents": [
    {
      "key": "blind:dev/native",
      "what": "It is.",
      "cure": "Look.",
      "severity": "high",
      "since": "1970-01-01T00:00:00Z",
      "told": null
    }
  ],
  "heartbeat": {
    "wanted": true,
    "accepted": null,
    "age_seconds": null,
    "error": "no"
  },
  "record": {
    "movements": 12,
    "bytes": 4096,
    "last_backup": null,
    "backup_seconds": null,
    "answers": {
      "number": 3,
      "bytes": 9000,
      "last_30_days_bytes": 8000,
      "oldest": "2023-11-14T22:13:20Z",
      "pruned": {
        "at": "2023-11-14T22:13:20Z",
        "number": 2,
        "bytes": 700,
        "of_alerts": 1
      }
    }
  },
  "watchlist": {
    "sha256": "ab",
    "taken_at": "2023-11-14T22:13:20Z",
    "current": true,
    "refused": [
      "line 3"
    ],
    "awaiting_retirement": [
      "E-0"
    ]
  },
  "retention": {
    "years": 10,
    "over": [
      {
        "case": "C-1",
        "since": "2023-11-14T22:13:20Z"
      }
    ]
  },
  "lists": [
    {
      "list": "ofac",
      "title": "OFAC",
      "day": "2023-11-10",
      "rows": 961,
      "had": "2023-11-14T22:13:20Z",
      "age_seconds": 30,
      "missing_since": null,
      "error": ""
    }
  ],
  "balances": {
    "addresses": 3,
    "equal": 0,
    "unexplained": 1,
    "cannot_check": 1,
    "never": 1,
    "oldest": "2023-11-14T22:13:30Z",
    "oldest_seconds": 20,
    "reasons": [
      {
        "reason": "no source",
        "addresses": 1
      }
    ]
  },
  "sources": [
    {
      "chain": "dev",
      "source": "mine",
      "operator": "one",
      "asked": 90,
      "late": 1,
      "late_seconds": 7200,
      "missing": 2,
      "wrong": 0,
      "down": 3,
      "moved_back": true
    }
  ],
  "second": {
    "addresses": 3,
    "with_word": 1,
    "oldest": "2023-11-14T22:13:20Z",
    "oldest_seconds": 30,
    "more": 1,
    "less": 2,
    "restricted": 1,
    "one_operator": [
      {
        "chain": "tron",
        "lists": [
          "native"
        ]
      }
    ],
    "budget": [
      {
        "source": "other",
        "addresses": 1
      }
    ],
    "in_blocks": [
      {
        "chain": "ltc",
        "lists": [
          "utxo"
        ]
      }
    ]
  },
  "traces": [
    {
      "case": "C-1",
      "number": 4,
      "taken": "2023-11-14T22:13:20Z",
      "followed": 3,
      "waiting": 1,
      "question": "May 1 address be followed?",
      "ended": "",
      "calls_left": 2431,
      "calls": 2500,
      "calls_today_left": 990,
      "calls_per_day": 1000,
      "stale": 2,
      "oldest_seconds": 10800
    }
  ],
  "desk": {
    "waiting": 1,
    "agreed": 2,
    "one_person": 3
  }
}"""
