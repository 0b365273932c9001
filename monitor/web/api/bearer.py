"""Who asks: the token in the header, as far as whoever made it may see and do. Never a cookie, and
never what stands in an address, which logs and histories keep."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from werkzeug import Request

from monitor.decide.desk.rights import sight, token_rights, token_sight
from monitor.model.api import SCOPES, Scope, Token
from monitor.model.desk import Right
from monitor.model.plain import duration
from monitor.model.settings import Settings
from monitor.store import api_tokens, desk, desk_failures
from monitor.store.port import Reader
from monitor.web.api.call import Route
from monitor.web.api.problems import Wrong
from monitor.web.desk.ask import Signed
from monitor.web.desk.guard import Guard


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token that works, with the sight and the rights that it has now."""

    token: Token
    signed: Signed  # its maker, with the token's sight
    rights: Collection[Right]
    client: str  # from where it is used

    def check(self, route: Route) -> None:
        """Raises Wrong where the token may not do this."""
        if route.scope is not None:
            self.check_scope(route.scope)
        if route.right not in self.rights:
            raise Wrong("scope_missing", f"{self.token.maker}, who made the token, may not do it.")

    def check_scope(self, scope: Scope) -> None:
        if scope not in self.token.scopes:
            said = f"It takes a token with scope {scope.value} ({SCOPES[scope]})."
            raise Wrong("scope_missing", said)


def bearer(
    guard: Guard, settings: Settings, store: Reader, request: Request, now: int
) -> Bearer:  # fmt: skip
    """Raises Wrong. Whoever shows what is no token waits longer each time, as at the sign-in; a
    token that works is never slowed by them."""
    client = guard.client(request)
    kind, _, key = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not key.strip():
        raise Wrong("token_missing", "Send the header  Authorization: Bearer TOKEN.")
    token = api_tokens.find(guard.file, key.strip())
    person = desk.person(store, token.maker) if token else None
    if token is None or person is None or not person.active or not token.works(now):
        raise _refused(guard, token, client, now)
    lists = settings.lists.values()
    public = [each.name for each in lists if each.url and not each.ours]
    seen = sight(person, desk.cases_of(store, person.name), public)
    signed = Signed(person, token_sight(token, seen), f"token {token.id}", "token")
    return Bearer(token, signed, token_rights(person), client)


def _refused(guard: Guard, token: Token | None, client: str, now: int) -> Wrong:
    """The same words for what never was a token, what has ended, and what is over."""
    wait = desk_failures.try_(guard.file, [f"token from {client}"], now)
    if wait:
        said = f"Too many tries. Wait {duration(wait)}, then try again."
        return Wrong("too_many", said, headers={"Retry-After": str(wait)})
    name, why = (token.maker, f"token {token.id}, which works no more") if token else ("", "token")
    desk_failures.refused(guard.file, name, client, why, now)
    return Wrong("token_missing", "This token does not work.")
