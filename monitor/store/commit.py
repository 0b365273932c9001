"""The one door for acts: carried out and logged in one transaction.

What is no act (see model/acts.py) is written by `store.write()` directly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from monitor.model import acts, acts_desk, acts_requests, acts_trace
from monitor.store import (
    alerts,
    backups,
    carry_desk,
    carry_entries,
    carry_lists,
    carry_plan,
    carry_requests,
    carry_trace,
    cases,
    clock,
    covered_day,
    erase,
    follow,
    heads,
    incidents,
    log,
    notes,
    outbox,
    respell,
)
from monitor.store.port import Connection, Store

# How each act is carried out: what comes of it, and what the log says of it (nothing: no act
# after all, as a plan that brought no news).
Carry = Callable[[Connection, acts.Actor, Any], tuple[object, Sequence[log.Part]]]
CARRY: Mapping[type[acts.Act[Any]], Carry] = {
    acts.ApplyPlan: carry_plan.carry,
    acts.Take: alerts.carry_take,
    acts.Replay: outbox.carry_replay,
    acts.TestChannel: notes.carry_test,
    acts.BackedUp: notes.carry_backup,
    acts.EraseAsked: erase.carry_asked,
    acts.Erased: erase.carry_erased,
    acts.Respell: respell.carry,
    acts.CloseCase: cases.carry_change,
    acts.ReopenCase: cases.carry_change,
    acts.HoldCase: cases.carry_change,
    acts.ReleaseCase: cases.carry_change,
    acts.TakeList: carry_entries.carry_list,
    acts.Retire: carry_entries.carry_retire,
    acts.TakeEntries: carry_lists.carry_entries_of,
    acts.TakePublication: carry_lists.carry_publication,
    acts.AcceptGrown: carry_lists.carry_grown,
    acts.SayOfList: carry_lists.carry_word,
    acts.TellHistory: carry_entries.carry_history,
    acts.Tell: alerts.carry_tell,
    acts.TellIncidents: incidents.carry_tell,
    acts.KeepHeads: heads.carry,
    acts.SetClock: clock.carry,
    acts_trace.Follow: follow.carry_follow,
    acts_trace.Unfollow: follow.carry_unfollow,
    acts.CoverDay: covered_day.carry,
    acts_trace.SayOfTrace: carry_trace.carry_word,
    acts_trace.LearnOfTrace: carry_trace.carry_facts,
    acts_trace.TakeTrace: carry_trace.carry_trace,
    acts_desk.SetPerson: carry_desk.carry_person,
    acts_desk.SetMember: carry_desk.carry_member,
    acts_desk.Note: carry_desk.carry_note,
    acts_desk.Propose: carry_desk.carry_propose,
    acts_desk.End: carry_desk.carry_end,
    acts_desk.PassOn: carry_desk.carry_pass_on,
    acts_desk.StartClock: carry_desk.carry_clock,
    acts_desk.EndClock: carry_desk.carry_clock_end,
    acts_desk.TellClock: carry_desk.carry_clock_told,
    acts_desk.CloseTold: carry_desk.carry_told,
    acts_desk.HandOut: carry_desk.carry_hand_out,
    acts_requests.Prepare: carry_requests.carry_prepare,
    acts_requests.RecordStep: carry_requests.carry_step,
    acts.Restored: backups.carry,
}


def commit(store: Store, actor: acts.Actor, act: acts.Act[acts.Result]) -> acts.Result:
    """Carry an act out and log it: all of it or nothing. Raises StoreError; Conflict where it was
    decided on what has changed since."""
    with store.write() as conn:
        result, parts = CARRY[type(act)](conn, actor, act)
        log.append(conn, actor, act.at, act.kind, parts)
    return cast("acts.Result", result)
