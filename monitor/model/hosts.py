"""Hosts as people write them."""

from __future__ import annotations

from ipaddress import ip_address

# Under a country's own name these stand before what somebody registered: example.co.uk.
_SHARED = frozenset({"ac", "co", "com", "edu", "gov", "net", "or", "org"})


def is_loopback(host: str) -> bool:
    """Whether a host as written in a setting means this machine."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"


def operator_of(host: str) -> str:
    """Whose a host most likely is, by its name: the part of it that somebody registered, for an
    address of a machine that address; this machine is one operator. Empty for no host."""
    host = host.lower().strip("[]").rstrip(".")
    if is_loopback(host):
        return "this machine"
    try:
        return str(ip_address(host))
    except ValueError:
        parts = host.split(".")
    shared = len(parts) > 2 and len(parts[-1]) == 2 and parts[-2] in _SHARED
    return ".".join(parts[-3 if shared else -2 :])
