"""Who an address belongs to, for limits: one subscriber, one budget (decision 12)."""

import ipaddress
from functools import lru_cache


@lru_cache(4096)
def address_prefix(address: str) -> str:
    """Return what one subscriber holds: the IPv4 address, or the /64 of an IPv6 address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
