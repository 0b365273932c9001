"""Following the money of a case: who is next, what is asked of people, where it ended and why; two
days side by side. And all cases that are followed, and where their money rests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from werkzeug import Response

from monitor.loops.desk import following as wishes
from monitor.loops.desk import pursuing
from monitor.loops.desk.pursuing import Answer
from monitor.loops.health import trace_status
from monitor.loops.health.trace_status import Left
from monitor.messages.trace.compare import Compared, compare
from monitor.messages.trace.followed import Row
from monitor.messages.trace.followed import following as shown
from monitor.messages.trace.words import METHOD, Page, usd_said
from monitor.model import Subject
from monitor.model.desk import Right
from monitor.model.desk_work import OPEN, Proposal, Standing
from monitor.model.flow import CONSERVING
from monitor.model.plain import tidy
from monitor.model.trace import Told, Trace, Word
from monitor.store import desk as people
from monitor.store import desk_cases, desk_following, desk_trace, trace
from monitor.web.desk import seized, traced
from monitor.web.desk.ask import Ask
from monitor.web.desk.guard import looked
from monitor.web.desk.money import DONE_SOON
from monitor.web.desk.pages import case as cases
from monitor.web.desk.pages.alert import LONGEST, carried_out
from monitor.web.desk.seized import FOLLOWING, following_path
from monitor.web.desk.traced import RULES, Traced, page_of
from monitor.web.desk.words import Gone, Wrong

FORMS = {
    "follow": "Follow on",
    "leave": "Leave it",
    "limit": "Set a limit",
    "method": "Choose the method that is shown first",
}
LIMITS = {
    "hops": "steps from a watched address",
    "addresses": "followed addresses",
    "calls": "calls to find them",
    "calls_per_day": "calls a day to watch them",
}
MOST_CASES = 30  # whose traces are read for one page


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of a case. `used` None: it is not counted, or not known of that day."""

    name: str
    words: str
    number: int
    used: int | None

    @property
    def left(self) -> int | None:
        return None if self.used is None else max(0, self.number - self.used)


def following(ask: Ask, case: str) -> Response:
    """GET /c/CASE/following; a case whose own name ends so has its page there."""
    if desk_cases.is_known(ask.store, ask.sight, case + FOLLOWING):
        return cases.case(ask, case + FOLLOWING)
    return plainly(ask, case)


def plainly(ask: Ask, case: str) -> Response:
    """GET /following/CASE: the same, whatever cases are called."""
    _known(ask, case)
    looked(ask, case)
    of_day = traced.of_case(ask, case)
    told, page = of_day.told, page_of(ask, of_day)
    moment = of_day.moment(ask.now)
    may = ask.signed.may(Right.WORK) and moment == ask.now
    form = ask.request.args.get("do", "") if may and told else ""
    decided = people.proposals(ask.store, ask.sight, case=case, kind=pursuing.KIND)
    return ask.page(
        "following.html.j2",
        f"Following {case}",
        "following",
        case=case,
        path=following_path(ask, case),
        case_path=cases.path_of(case),
        of_day=of_day,
        told=told,
        state=desk_trace.followed(ask.store, ask.sight, case),
        why=_why(ask, case),
        limits=_limits(ask, case, of_day),
        it=shown(told.trace, page) if told else None,
        methods=METHOD,
        may=may,
        moment=moment,
        form=form if form in FORMS else "",
        forms=FORMS,
        at=_ticked(ask, told, page) if form in ("follow", "leave") else [],
        limit_names=LIMITS,
        conserving=CONSERVING,
        rules=RULES,
        decided=[each for each in decided if each.state in OPEN and moment == ask.now],
        failed=decided[-1] if decided and decided[-1].state in _NOT_DONE else None,
        words=_said(ask, case, of_day),
        compared=_compared(ask, case, of_day, page),
        with_day=ask.request.args.get("with", ""),
        key=key_of,
    )


_NOT_DONE = (Standing.FAILED, Standing.LAPSED)


def _known(ask: Ask, case: str) -> None:
    if not desk_cases.is_known(ask.store, ask.sight, case):
        raise Gone


def _why(ask: Ask, case: str) -> tuple[str, str]:
    """Why following was switched on, and the proposal that says so; of what a file switched on
    nothing is known."""
    asked = people.proposals(ask.store, ask.sight, case=case, kind=wishes.FOLLOW)
    done = [each for each in asked if each.state is Standing.DONE]
    return (tidy(done[0].why, 500), done[0].id) if done else ("", "")


def _limits(ask: Ask, case: str, of_day: Traced) -> list[Limit]:
    told = of_day.told
    if told is None:
        return []
    now = of_day.moment(ask.now) == ask.now
    left = trace_status.left_of(ask.store, case, ask.now) if now else None
    terms = left.terms if left is not None else told.trace.terms
    used = _used(told.trace, left)
    return [Limit(name, LIMITS[name], getattr(terms, name), used.get(name)) for name in LIMITS]


def _used(found: Trace, left: Left | None) -> dict[str, int]:
    used = {
        "hops": max((node.hop for node in found.nodes), default=0),
        "addresses": found.followed,
    }
    if left is not None:
        used["calls"] = left.terms.calls - left.finding
        used["calls_per_day"] = left.terms.calls_per_day - left.watching
    return used


def _said(ask: Ask, case: str, of_day: Traced) -> list[Word]:
    """What people decided of it until then, newest first."""
    until = of_day.moment(ask.now)
    return [each for each in trace.words(ask.store, case) if each.at <= until][::-1]


def key_of(subject: Subject) -> str:
    """As a form names an address."""
    return f"{subject.chain}/{subject.address}"


def _ticked(ask: Ask, told: Told | None, page: Page) -> list[Row]:
    """The address that a link names, of those of the trace."""
    if told is None:
        return []
    found = shown(told.trace, page)
    places = [each.row for each in found.beside] + [each.row for each in found.leads]
    rows = [*found.frontier, *found.stops, *places]
    wanted = ask.request.args.get("at", "")
    return [row for row in rows if key_of(row.subject) == wanted][:1]


def _compared(ask: Ask, case: str, of_day: Traced, page: Page) -> Compared | None:
    """With another day, as the address of the page asks for it."""
    day = ask.request.args.get("with", "").strip()
    if not day or of_day.told is None:
        return None
    other = desk_trace.told(ask.store, ask.sight, case, traced.end_of(day, ask.now))
    if other is None:
        raise Wrong(f"Of {tidy(day, 20)} there is no state of this trace to compare with.")
    return compare(of_day.told, other, page)


# -- what is decided ------------------------------------------------------------------------


def decide(ask: Ask, case: str) -> Response:
    """POST /c/CASE/following"""
    if desk_cases.is_known(ask.store, ask.sight, case + FOLLOWING):
        return cases.do(ask, case + FOLLOWING)
    return decide_plainly(ask, case)


def decide_plainly(ask: Ask, case: str) -> Response:
    """POST /following/CASE"""
    _known(ask, case)
    answer = _answer(ask)
    settings, why, once = ask.settings, ask.field("why", LONGEST), ask.field("once", 64)

    def decided() -> str:
        made = pursuing.decide(
            *(ask.writer, settings.web, ask.actor, settings.chains, case, answer),
            *(why, ask.now, once),
        )
        return _became(made)

    return ask.go(following_path(ask, case), carried_out(decided))


def _became(made: Proposal) -> str:
    if made.state is Standing.WAITING:
        return f"Proposed: it is done when a second person agrees ({made.id})."
    return f"Asked for ({made.id}). {DONE_SOON}"


def _answer(ask: Ask) -> Answer:
    act = ask.field("act", 20)
    about = tuple(dict.fromkeys(_subject(text) for text in ask.request.form.getlist("at")[:1000]))
    made: dict[str, Callable[[], Answer]] = {
        "follow": lambda: Answer(follow=_some(about)),
        "leave": lambda: Answer(leave=_some(about)),
        "more": lambda: Answer(more=_number(ask.field("more", 12), 10_000)),
        "limit": lambda: Answer(limit=(ask.field("limit", 20), _number(ask.field("number", 12)))),
        "method": lambda: Answer(method=ask.field("method", 20)),
    }
    if act not in made:
        raise Gone
    return made[act]()


def _some(about: Sequence[Subject]) -> tuple[Subject, ...]:
    if not about:
        raise Wrong("Tick at least one address.")
    return tuple(about)


def _subject(text: str) -> Subject:
    chain, _, address = text.partition("/")
    return Subject(chain[:40], address[:200])


def _number(text: str, most: int = 10**8) -> int:
    plain = text.replace(",", "").strip()
    if not (plain.isascii() and plain.isdecimal() and 0 < int(plain) <= most):
        raise Wrong(f"Write a whole number from 1 to {most:,}.")
    return int(plain)


# -- all cases ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """A case that is followed."""

    case: str
    path: str
    now: bool  # it is followed; else its trace stands as it stood last
    told: Told | None
    question: str
    more: int  # questions behind it
    waits: int  # addresses that people are asked about
    left: str
    rests: str


def all_cases(ask: Ask) -> Response:
    """GET /following"""
    found = list(desk_following.cases(ask.store, ask.sight).items())
    lines = [_line(ask, case, now) for case, now in found[:MOST_CASES]]
    lines.sort(key=lambda line: (not line.now, not line.question, line.case))
    return ask.page(
        "followings.html.j2",
        "Following",
        "following",
        lines=lines,
        more=max(0, len(found) - MOST_CASES),
    )


def _line(ask: Ask, case: str, now: bool) -> Line:
    told = desk_trace.told(ask.store, ask.sight, case)
    found = told.trace if told else None
    page = Page(chains=ask.settings.chains, method=found.method if found else "")
    questions = found.questions if found else ()
    return Line(
        *(
            case,
            following_path(ask, case),
            now,
            told,
            tidy(questions[0].words, 300) if questions else "",
        ),
        more=max(0, len(questions) - 1),
        waits=len({s for each in questions for s in each.about}),
        left=_usd(found, "out_of_sources", page),
        rests=_usd(found, "resting", page),
    )


def _usd(found: Trace | None, what: str, page: Page) -> str:
    by = {
        t.method: int(getattr(t, what)) for t in (found.totals if found else ()) if t.asset is None
    }
    return usd_said(by, page) if by else "not known"


def rests(ask: Ask) -> Response:
    """GET /rests: the places of all cases, what can be done now first."""
    found = list(desk_following.cases(ask.store, ask.sight))
    sections = [
        each
        for case in found[:MOST_CASES]
        if (each := seized.section(ask, traced.newest(ask, case))) is not None
    ]
    return ask.page(
        "rests.html.j2",
        "Where money rests",
        "following",
        pairs=seized.over_all(sections)[:MOST_PLACES],
        places=sum(len(each.of.lines) for each in sections),
        cases=len(sections),
        most=MOST_PLACES,
        more=max(0, len(found) - MOST_CASES),
        ask_path=seized.ask_path,
        note=next((each.of.note for each in sections if each.of.note), ""),
    )


MOST_PLACES = 100
