"""The error tree. Foreign exceptions become one of these at the edge where they arise.

Retryable errors may go away by themselves; permanent ones need a person or another
source. Messages are written for the person who reads them and never hold a secret.
"""

from __future__ import annotations

from dataclasses import dataclass


class MonitorError(Exception):
    """Base of all errors that Fundwatch raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in something a person wrote: where, what value, and what to do."""

    place: str  # "watchlist.yaml:12" or "config/channels.yaml: channels.desk.port"
    value: str  # as written, cut to a readable length
    reason: str  # what is wrong with it
    remedy: str  # what to do

    def __str__(self) -> str:
        shown = f" {self.value!r}" if self.value else ""
        return f"{self.place}:{shown} {self.reason}. {self.remedy}"


class ConfigError(MonitorError):
    """Bad input: settings, watchlist, arguments. Carries every problem at once."""

    def __init__(self, problems: list[Problem] | tuple[Problem, ...]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(p) for p in self.problems))


class NotInOrder(ConfigError):
    """A file that was to be changed holds mistakes. They stand anywhere in it: of a watchlist also
    in the lines of other cases than that of whoever asked."""


class SourceError(MonitorError):
    """An explorer or node could not answer. Proves nothing about the chain."""

    retryable = True

    def __init__(
        self, message: str, retry_after: float | None = None, *, of_address: bool = False
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after  # seconds, as the source asked, or None
        self.of_address = of_address  # only this address is refused: the source is well


class Unavailable(SourceError):
    """No answer, or a server error: time-out, refused connection, HTTP 5xx."""


class RateLimited(SourceError):
    """The source asked for fewer calls, or our own budget for it is used up."""


class NotYet(SourceError):
    """The source says that it has not processed this part of the chain yet."""


class Refused(SourceError):
    """The source will not serve this until a person changes something (key, plan, chain)."""

    retryable = False


class NotServed(Refused):
    """The source does not hand this list out to us at all: nothing is wrong with it, and
    asking again will not help. Its head and its look-ups still serve."""


class WrongChain(SourceError):
    """The source shows another chain than before, or another history of it."""


class BadResponse(SourceError):
    """An answer that cannot be read. Never taken for an empty one."""


class StoreError(MonitorError):
    """The record could not be opened, read or written."""


class Unfit(StoreError):
    """The home folder or the record cannot be used until a person mends it: no restart helps."""


class Conflict(StoreError):
    """Rows that a plan was decided on have changed since: decide again."""


class Busy(MonitorError):
    """Another Fundwatch runs on this home folder."""


class DeliveryError(MonitorError):
    """A message was not accepted. Without any of the flags: an outage, which may pass.

    `permanent`: repeating this message cannot help. `lasting`: the receiver said no, and will
    say so until a person changes something, so that a few tries are enough. `disable`: it
    said that it is gone (HTTP 410). `personal`: it is about this recipient or this message,
    not about the channel as a whole. `posts`: how often the receiver was asked by this try.
    """

    posts = 1

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        lasting: bool = False,
        disable: bool = False,
        personal: bool = False,
        retry_after: float | None = None,
        status: str = "",
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.lasting = lasting
        self.disable = disable
        self.personal = personal
        self.retry_after = retry_after  # seconds, as the receiver asked
        self.status = status  # short code for people: "503", "550", "timeout"
