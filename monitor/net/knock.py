"""Whether a page of ours answers at an address, and why not."""

from __future__ import annotations

import requests

TIMEOUT = 5.0  # seconds


def at(url: str, words: str, *, host: str = "") -> str:
    """Why the page at an address is not the one with these words; empty: it is. `host`: the name
    that it is asked by, where that is another one."""
    try:
        said = requests.get(
            *(url,), headers={"Host": host} if host else {}, timeout=TIMEOUT,
            allow_redirects=False,
        )  # fmt: skip
    except requests.exceptions.SSLError:
        return "its certificate is not good for this machine"
    except requests.exceptions.ConnectionError:
        return "nothing answers there"
    except requests.exceptions.RequestException:
        return "it does not answer in time"
    if said.status_code == 400 and "by no other name" in said.text:
        return "the proxy hands on another name than the browser asked for (Host)"
    if said.status_code in (502, 503, 504):
        return f"the proxy does not reach the desk (HTTP {said.status_code})"
    if said.status_code != 200 or words not in said.text:
        return f"something else answers there (HTTP {said.status_code})"
    return ""
