"""What of an alert a channel that is kept to some cases may see."""

from __future__ import annotations

from dataclasses import replace

from monitor.messages.objects import Allowed, may_see
from monitor.model import AlertView


def as_told_to(view: AlertView, allowed: Allowed) -> AlertView:
    """An alert for whoever is told of these cases. Of one that is told because a published list
    has the address too, a reader of the list's case alone sees the list's entry in the place
    of the person's, whose case is none of his. What lists of other cases call an address is left
    out."""
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
    return view if len(names) == len(view.names) else replace(view, names=names)


def _entered(view: AlertView, allowed: Allowed) -> AlertView:
    if allowed is None or view.entry is None or may_see(view.entry.case, allowed):
        return view
    instead = next((each for each in view.also if may_see(each.case, allowed)), None)
    return view if instead is None else replace(view, entry=instead, added=None)
