"""
Which addresses are somebody's on the public internet, and which are ours, our neighbours' or nobody's.

IANA special-purpose address registries (RFC 6890 and its updates), RFC 6052 and RFC 8215 (NAT64), RFC 3056 and RFC 7526 (6to4),
RFC 4380 (Teredo), RFC 5214 §6.1 (ISATAP). A form that carries an IPv4 address inside an IPv6 one is refused whatever it carries:
a translator or tunnel nearby would unwrap it after this check.
"""

import ipaddress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

_NOT_PUBLIC_V4: Final = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT; a cloud's metadata at 100.100.100.200
        "127.0.0.0/8",
        "168.63.129.16/32",  # a cloud's host, reached from inside its machines under a public-looking address
        "169.254.0.0/16",  # link-local, clouds' metadata
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments, a cloud's metadata at 192.0.0.192
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
_GLOBAL_V6: Final = IPv6Network("2000::/3")
"""All that was ever given out; everything else (loopback, ULA, link-local, site-local, multicast, mapped, NAT64) lies outside."""

_NOT_PUBLIC_V6: Final = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarking, AMT
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",  # AS112
        "3ffe::/16",  # returned: the 6bone
        "3fff::/20",  # documentation
    )
)
_CREDENTIALS: Final = tuple(
    ipaddress.ip_network(network)
    for network in (
        "169.254.0.0/16",  # link-local, clouds' metadata
        "100.100.100.200/32",
        "168.63.129.16/32",
        "192.0.0.192/32",
        "fe80::/10",
        "fd00:ec2::/32",
        "fd20:ce::/32",
    )
)
"""Where clouds answer a machine that asks for its own credentials."""

_PRIVATE: Final = tuple(
    ipaddress.ip_network(network)
    for network in ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)
_ISATAP: Final = frozenset({0x00005EFE, 0x02005EFE})


def is_public(address: str) -> bool:
    """Whether `address`, as a resolver gave it, is public unicast. False for anything that is no plain address."""
    parsed = _plain(address)
    if isinstance(parsed, IPv4Address):
        return not any(parsed in network for network in _NOT_PUBLIC_V4)
    if isinstance(parsed, IPv6Address):
        is_tunnel = (int(parsed) >> 32) & 0xFFFFFFFF in _ISATAP
        return parsed in _GLOBAL_V6 and not is_tunnel and not any(parsed in network for network in _NOT_PUBLIC_V6)
    return False


def is_machine(address: str) -> bool:
    """Whether a server of an operator's own may stand at `address`: public, private or loopback, but none that hands out credentials."""
    parsed = _plain(address)
    if parsed is None or any(parsed in network for network in _CREDENTIALS):
        return False
    return is_public(address) or is_loopback(address) or any(parsed in network for network in _PRIVATE)


def is_loopback(address: str) -> bool:
    """Whether `address` is 127.0.0.0/8 or ::1, and no other form of it."""
    parsed = _plain(address)
    return parsed is not None and parsed.is_loopback and getattr(parsed, "ipv4_mapped", None) is None


def _plain(address: str) -> IPv4Address | IPv6Address | None:
    # A zone id names an interface of ours; `ipaddress` reads no octal, hexadecimal or short forms.
    if "%" in address:
        return None
    try:
        return ipaddress.ip_address(address)
    except ValueError:
        return None
