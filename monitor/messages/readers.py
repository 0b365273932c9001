"""What of an alert a channel that is kept to some cases may see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from monitor.messages.objects import Allowed, may_see
from monitor.model import AlertView
from monitor.model.facts import OnList


def as_told_to(view: AlertView, allowed: Allowed) -> AlertView:
    """An alert for whoever is told of these cases. Of one that is told because a published list
    has the address too, a reader of the list's case alone sees the list's entry in the place
    of the person's, whose case is none of his. What lists of other cases call an address, and
    that they have it, is left out."""
    return _named_to(_entered(view, allowed), allowed)


def _named_to(view: AlertView, allowed: Allowed) -> AlertView:
    if allowed is None:
        return view
    mine = {*allowed, view.entry.case} if view.entry else allowed
    names = {
        address: known
        for address, known in view.names.items()
        if known.watched or not known.case or may_see(known.case, mine)
    }
    view = view if len(names) == len(view.names) else replace(view, names=names)
    return of_lists(view, lambda each: may_see(each.case, mine) or _is_public(view, each))


def of_lists(view: AlertView, told: Callable[[OnList], bool]) -> AlertView:
    """An alert without what other lists said of its address: nor how many there are."""
    facts = view.alert.facts
    kept = tuple(each for each in facts.on_lists if told(each))
    if len(kept) == len(facts.on_lists):
        return view
    return replace(view, alert=replace(view.alert, facts=replace(facts, on_lists=kept)))


def _is_public(view: AlertView, each: OnList) -> bool:
    age = view.lists.get(each.origin.list)
    return age is not None and age.private_to == ""


def _entered(view: AlertView, allowed: Allowed) -> AlertView:
    if allowed is None or view.entry is None or may_see(view.entry.case, allowed):
        return view
    instead = next((each for each in view.also if may_see(each.case, allowed)), None)
    return view if instead is None else replace(view, entry=instead, added=None)
