"""The desk in the browser."""

from __future__ import annotations

import os

import click

from monitor.cli.common import Home


@click.command("web")
@click.option("--beside", is_flag=True, hidden=True)
@click.pass_obj
def web_(home: Home, beside: bool) -> None:
    """Serve the desk alone, until it is stopped.

    The desk is the set of pages at which people work: it is served where `web: listen:` of
    config/settings.yaml says, once `web: desk:` says on. `fundwatch run` serves it too, in a
    process of its own, so that this command is needed only where nothing is to be watched.

    \b
    Example
      fundwatch web
    """
    from monitor.app.desk import serve  # noqa: PLC0415 - it loads all that the pages need

    home.logs()
    serve(home.folder, os.environ, beside=beside)
