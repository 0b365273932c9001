"""`fundwatch check`: whether people can come to the desk, and whether anybody can sign in."""

from __future__ import annotations

from collections.abc import Callable

from monitor.app.check.report import Bench
from monitor.model.desk import Role
from monitor.model.hosts import is_loopback
from monitor.net import knock
from monitor.store import desk
from monitor.store.schema import VERSION

WORDS = "Sign in - Fundwatch"
PAGE = "/sign-in"


def check_desk(bench: Bench, cannot_listen: Callable[[str, int], str]) -> None:
    """`cannot_listen`: why nothing can listen at a place; nothing: it can."""
    web = bench.settings.web
    if not web.on:
        return
    runs = _check_place(bench, cannot_listen)
    if web.public_url:
        _check_public(bench, runs=runs)
    if web.oidc is not None and not web.oidc.roles:
        bench.out.warn("single sign-on gives nobody a role", "write  oidc_roles:  GROUP: ROLE")
    if bench.store is None or bench.store.schema() < VERSION:
        return
    if not any(each.role is Role.LEAD and each.active for each in desk.people(bench.store)):
        cure = "`fundwatch users add NAME --role lead` prints a link for the first one"
        bench.out.warn("no lead can sign in at the desk yet", cure)


def _check_place(bench: Bench, cannot_listen: Callable[[str, int], str]) -> bool:
    """Whether the desk runs there."""
    out, (host, port) = bench.out, bench.settings.web.listen
    taken = cannot_listen(host, port)
    if not taken:
        out.ok(f"the desk can be served on {host}:{port}; it does not run now")
        return False
    near = "127.0.0.1" if host in ("0.0.0.0", "::") or is_loopback(host) else host  # noqa: S104
    by = bench.settings.web.url.partition("://")[2]
    if why := knock.at(f"http://{near}:{port}{PAGE}", WORDS, host=by):
        out.fail(
            f"web: listen: {host}:{port} cannot be listened on ({taken}), and it is not the desk "
            f"that answers there: {why}",
            "choose a free port of this machine, or end the program that holds it",
        )
        return False
    out.ok(f"the desk answers on {host}:{port}")
    return True


def _check_public(bench: Bench, *, runs: bool) -> None:
    out, url = bench.out, bench.settings.web.public_url
    if bench.offline or not runs:
        why = "offline" if bench.offline else "the desk does not run now"
        out.note(f"{url} was not tried: {why}")
    elif why := knock.at(url + PAGE, WORDS):
        cure = "docs/install.md has the lines for Caddy, nginx and compose"
        out.fail(f"people cannot open the desk at {url}: {why}", cure)
    else:
        out.ok(f"the desk answers at {url}")
