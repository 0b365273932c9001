"""Who comes in: sessions, forms that are ours, roles."""

from __future__ import annotations

from werkzeug import Response
from werkzeug.exceptions import Forbidden

from monitor.model.acts import Actor, ActorKind
from monitor.web.desk.ask import Ask, Route


class Guard:
    """Nobody yet."""

    def admit(self, ask: Ask, route: Route) -> Ask | Response:
        """The request with who is signed in, or where they have to go first. Raises Forbidden."""
        if route.right is not None:
            raise Forbidden
        return ask

    def leave(self, _ask: Ask, response: Response) -> Response:
        """The answer, with what the browser has to keep."""
        return response

    def actor(self, ask: Ask) -> Actor:
        """Who does what this request asks for."""
        signed = ask.signed
        return Actor(ActorKind.PERSON, signed.person.name, f"signed in ({signed.proven})")
