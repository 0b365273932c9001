"""What the pages and commands of the desk call: one function for each thing that people do. Each
commits one act, with whoever does it as its actor.

None asks whether somebody may open the page: that is its route's right, and the sight with which it
loaded what is acted on. All of them hold what concerns several people: second persons, last leads,
who was faster. They raise ConfigError with words for the form, and Conflict.
"""

from monitor.loops.desk.clocks import end_clock, start_clock
from monitor.loops.desk.closing import Closing, close
from monitor.loops.desk.hands import hand_over, note, take
from monitor.loops.desk.people import (
    add_person,
    change_person,
    disable_person,
    enable_person,
    enrolled,
    set_member,
)
from monitor.loops.desk.proposing import Wish, answer, propose, who, withdraw

__all__ = [
    "Closing",
    "Wish",
    "add_person",
    "answer",
    "change_person",
    "close",
    "disable_person",
    "enable_person",
    "end_clock",
    "enrolled",
    "hand_over",
    "note",
    "propose",
    "set_member",
    "start_clock",
    "take",
    "who",
    "withdraw",
]
