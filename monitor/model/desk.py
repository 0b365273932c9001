"""The desk: who works at it, what they may see and do, what they decide. Frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """What somebody may do at the desk."""

    READER = "reader"  # see the cases of which they are a member
    ANALYST = "analyst"  # and work on them
    LEAD = "lead"  # and agree, hand over, name members; sees all cases
    AUDITOR = "auditor"  # see everything with the journal, change nothing
    ADMIN = "admin"  # people and health; no case but those of which they are a member


class Right(StrEnum):
    """What a page or an act asks for; which roles have it: decide/desk/rights.py."""

    SEE = "see"  # pages of cases, addresses, alerts
    WORK = "work"  # take, note, propose, start clocks, watch and name addresses
    AGREE = "agree"  # as a second person
    LEAD = "lead"  # hand over what somebody else has, members of cases
    AUDIT = "audit"  # the journal, and who looked at what
    PEOPLE = "people"  # who may use the desk
    REPORTS = "reports"  # clocks that are confidential


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may use the desk. Times: Unix seconds."""

    name: str
    role: Role
    reports: bool = False  # has the right of that name
    added: int = 0
    enrolled: int | None = None  # since when they have a way to sign in; None: not yet
    disabled: int | None = None  # since when they may not

    @property
    def active(self) -> bool:
        return self.enrolled is not None and self.disabled is None


@dataclass(frozen=True, slots=True)
class Sight:
    """Which cases somebody may see. `cases` None: all. `loose`: also what belongs to no case.
    `lists`: also cases that hold nothing but entries of these published lists."""

    cases: frozenset[str] | None = frozenset()
    loose: bool = False
    lists: frozenset[str] = frozenset()

    def sees(self, case: str) -> bool:
        if self.cases is None:
            return True
        return case in self.cases if case else self.loose


class SecondPerson(StrEnum):
    """Who may agree to what another person proposes."""

    ANALYST = "analyst"  # any other analyst or lead of the case
    LEAD = "lead"  # leads alone


@dataclass(frozen=True, slots=True)
class ClockRule:
    """A clock that a person may start: a line of config/clocks.yaml."""

    name: str
    title: str  # what people read
    days: int
    business: bool  # whether only business days count
    calendar: str  # of the holidays library, "US"; empty: no holidays
    zone: str  # whose days they are
    source: str  # the legal source
    confidential: bool = False
    jurisdiction: str = ""  # in use only where the settings name it; empty: always


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """Your own single sign-on."""

    issuer: str
    client_id: str
    secret: str = field(default="", repr=False)
    roles: Mapping[str, Role] = field(default_factory=dict)  # by group
    claim: str = "groups"  # which claim holds them


@dataclass(frozen=True, slots=True)
class DeskSettings:
    """What `web:` of config/settings.yaml says."""

    on: bool = False
    listen: tuple[str, int] = ("127.0.0.1", 8788)
    public_url: str = ""  # https://..., where others than this machine reach it
    proxy: str = ""  # the address of the proxy whose word on the client is believed
    second_person: SecondPerson = SecondPerson.ANALYST
    jurisdictions: tuple[str, ...] = ()
    clocks: Mapping[str, ClockRule] = field(default_factory=dict)  # those in use, by name
    oidc: OidcSettings | None = None

    @property
    def url(self) -> str:
        """Where people open it, without a slash at its end."""
        return self.public_url or f"http://localhost:{self.listen[1]}"


@dataclass(frozen=True, slots=True)
class Open:
    """An alert as the inbox has it."""

    id: str
    case: str  # '': none
    severity: str
    kind: str
    created: int  # Unix seconds
    chain: str
    state: str  # open | acknowledged | closed
    holder: str  # who has it; '': nobody
    door: str  # by which they took it: person | link | token | daemon | cli
    message: str  # in which it was told with others; '': alone
    waits: bool  # its closing waits for a second person
    outcome: str = ""  # closed: a key of OUTCOMES; '': open, or closed before there were any

    @property
    def claimed(self) -> bool:
        """Whether the holder is known by a name alone."""
        return bool(self.holder) and self.door != "person"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the inbox: one alert, or those of one message and case."""

    id: str  # of the alert, or of the message
    alerts: tuple[Open, ...]

    @property
    def group(self) -> bool:
        return len(self.alerts) > 1

    @property
    def first(self) -> Open:
        return self.alerts[0]
