"""Who comes in: sessions, forms that are ours, roles. How somebody signs in stands beside it,
in pages/sign_in.py."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import replace
from ipaddress import ip_address, ip_network
from urllib.parse import quote, urlsplit

from werkzeug import Request, Response
from werkzeug.exceptions import Forbidden
from werkzeug.utils import redirect

from monitor.decide.desk.rights import sight
from monitor.model.acts import Actor, ActorKind
from monitor.model.desk import DeskSettings
from monitor.model.hosts import is_loopback
from monitor.store import desk, desk_sessions
from monitor.store.deskfile import DeskFile, hashed
from monitor.web.desk.ask import Ask, Route, Signed
from monitor.web.desk.words import Over, Refused

SESSION, TRIAL, DEVICE = "__Host-fundwatch", "__Host-fundwatch-try", "__Host-fundwatch-device"
AGAIN_WITHIN = 600  # seconds for which having shown who one is is enough


class _NoCookie(Exception):
    """A browser that kept nothing of what it was given."""


class Guard:
    """Asks every request who sends it."""

    def __init__(self, settings: DeskSettings, file: DeskFile) -> None:
        self.settings, self.file = settings, file
        port = settings.listen[1]
        near = [f"http://{host}:{port}" for host in ("localhost", "127.0.0.1", "[::1]")]
        here = near if is_loopback(settings.listen[0]) else []
        self._origins = frozenset({_origin(settings.url), *here})
        self._hosts = frozenset(urlsplit(origin).netloc for origin in self._origins)

    def close(self) -> None:
        self.file.close()

    def admit(self, ask: Ask, route: Route) -> Ask | Response:
        """The request with who is signed in, or where they have to go first. Raises Forbidden,
        Refused."""
        request = ask.request
        if not self.is_here(request):
            raise Refused(f"This desk is opened at {self.settings.url}, and by no other name.")
        me = self._signed(ask)
        if request.method not in ("GET", "HEAD"):
            self._check_origin(request)
            if me is None and route.right is not None and SESSION in request.cookies:
                raise Over  # what was typed is shown again, for it came from a page of ours
            try:
                self._check_form(request, me)
            except _NoCookie:
                return self._no_cookie(ask)
        ask = replace(ask, me=me)
        if route.right is None:
            return ask
        if me is None:
            return _to_sign_in(request)
        if not me.may(route.right):
            raise Forbidden
        return ask

    def is_here(self, request: Request) -> bool:
        """Whether it is sent to this desk by its own name."""
        return request.headers.get("Host", "").lower() in self._hosts

    def leave(self, _ask: Ask, response: Response) -> Response:
        """The answer, with what the browser has to keep."""
        return response

    def actor(self, ask: Ask) -> Actor:
        """Who does what this request asks for."""
        signed = ask.signed
        return Actor(ActorKind.PERSON, signed.person.name, f"signed in ({signed.proven})")

    def client(self, request: Request) -> str:
        """The address that a request comes from. A proxy is believed only where the settings
        name it, and only on the last step: the ones before anybody can write."""
        nearest = request.remote_addr or ""
        if not self.settings.proxy or not _inside(nearest, self.settings.proxy):
            return nearest
        said = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        try:
            return str(ip_address(said))
        except ValueError:
            return nearest

    def _no_cookie(self, ask: Ask) -> Response:
        url = self.settings.url
        title, secure = "Your browser kept no cookie", url.startswith("https:")
        return ask.page("no_cookie.html.j2", title, "", 400, url=url, secure=secure)

    def _signed(self, ask: Ask) -> Signed | None:
        key = ask.request.cookies.get(SESSION, "")
        session = desk_sessions.find(self.file, key, ask.now) if key else None
        person = desk.person(ask.store, session.person) if session else None
        if session is None or person is None or not person.active:
            return None
        lists = ask.settings.lists.values()
        public = [each.name for each in lists if each.url and not each.ours]
        seen = sight(person, desk.cases_of(ask.store, person.name), public)
        return Signed(person, seen, session.id, session.proven, session.token, session.again)

    def _check_origin(self, request: Request) -> None:
        """That a form comes from a page of this desk."""
        origin = request.headers.get("Origin", "").lower()
        host = request.headers.get("Host", "").lower()
        if origin not in self._origins or urlsplit(origin).netloc != host:
            raise Refused("The form does not come from a page of this desk. Nothing was done.")
        if request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
            raise Refused("The form comes from a page of somebody else. Nothing was done.")

    def _check_form(self, request: Request, me: Signed | None) -> None:
        """That it is sent by whoever was shown it."""
        trial = request.cookies.get(TRIAL, "")
        if me is None and not trial:
            raise _NoCookie
        good = [me.token] if me else []
        good += [form_token(trial)] if trial else []
        said = request.form.get("token", "") or request.headers.get("X-Form-Token", "")
        if not any(hmac.compare_digest(said.encode(), each.encode()) for each in good):
            raise Refused("The form is of another session. Open its page again, and send it anew.")


def guard_of(ask: Ask) -> Guard:
    guard = ask.desk.guard
    if not isinstance(guard, Guard):
        raise TypeError(type(guard))
    return guard


def looked(ask: Ask, case: str) -> None:
    """Whoever asks is shown a case: that is told, once a day."""
    if case:
        guard_of(ask).file.looked(ask.signed.person.name, case, ask.now)


def again(ask: Ask, back: str, within: int = AGAIN_WITHIN) -> Response | None:
    """Where whoever asks has to show first that it is still they; None: they have, within so many
    seconds. `back`: where they go on from there."""
    if ask.now - ask.signed.again_at <= within:
        return None
    return redirect(f"/again?next={quote(back, safe='')}", 303)


def trial_of(ask: Ask) -> str:
    """The key of a browser in which nobody is signed in yet; to be kept by `keep`."""
    return ask.request.cookies.get(TRIAL, "") or secrets.token_urlsafe(32)


def form_token(trial: str) -> str:
    """What forms carry before somebody has signed in."""
    return hashed(f"form {trial}")


def keep(response: Response, name: str, value: str, max_age: int | None = None) -> None:
    """Let the browser keep a cookie; an empty value takes it away."""
    response.set_cookie(
        *(name, value), max_age=max_age if value else 0, path="/", secure=True, httponly=True,
        samesite="Lax",
    )  # fmt: skip


def inside(path: str) -> str:
    """Where to go on: an address of this desk and of nobody else."""
    plain = path.isprintable() and path.isascii() and "\\" not in path
    return path if plain and path.startswith("/") and not path.startswith("//") else "/"


def _to_sign_in(request: Request) -> Response:
    return redirect(f"/sign-in?next={quote(_wanted(request), safe='')}", 303)


def _wanted(request: Request) -> str:
    """What a request was for, as an address of this desk that can be looked at."""
    if request.method in ("GET", "HEAD"):
        return request.full_path.removesuffix("?")
    came = urlsplit(request.headers.get("Referer", ""))
    return inside(came.path) if came.netloc == request.headers.get("Host") else "/"


def _origin(url: str) -> str:
    """As browsers write it: without the port that goes without saying."""
    split = urlsplit(url)
    return f"{split.scheme}://{split.netloc}".lower().removesuffix(":443")


def _inside(address: str, network: str) -> bool:
    try:
        return ip_address(address) in ip_network(network, strict=False)
    except ValueError:
        return False
