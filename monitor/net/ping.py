"""One call of an address whose answer nobody reads: the heartbeat's."""

from __future__ import annotations

from collections.abc import Mapping

import requests
import urllib3

from monitor.net import wire


def ping(url: str, proxies: Mapping[str, str], verify: bool | str, within: float) -> str:
    """Why it was not accepted within so many seconds, without any part of the address; empty
    if it was."""
    deadline = wire.Deadline(within)
    try:
        with (
            deadline,
            wire.session(wire.proxies_for(url, proxies), verify) as session,
            session.get(url, allow_redirects=False, stream=True, timeout=within) as response,
        ):
            if 200 <= response.status_code < 300:
                return ""
            return f"answered HTTP {response.status_code}"
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        return wire.explain(error, deadline)
