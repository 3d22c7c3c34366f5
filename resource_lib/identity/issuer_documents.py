"""
What the issuer publishes about itself, read so that nobody else can speak for it.

RFC 8414 §3 (where the metadata is, and that it must name this very issuer). Over https alone; plain http is for an issuer on
this machine. No redirect is followed, no proxy of the environment used, and every answer is bounded and one strict JSON object.
"""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from resource_lib.wire import strict_json

MAX_METADATA_BYTES: Final = 65_536


class FetchError(Exception):
    """The issuer's answer is not a document of its own. The text is for the log."""


def metadata_url(issuer: str) -> str:
    """Return where the metadata of `issuer` stands: the well-known part goes between host and path (RFC 8414 §3.1)."""
    parts = urlsplit(issuer)
    return f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{parts.path.rstrip('/')}"


async def read_metadata(client: httpx2.AsyncClient, issuer: str) -> dict[str, Any]:
    """Return the issuer's metadata. Raises FetchError, HTTPError."""
    _, body = await get(client, metadata_url(issuer), MAX_METADATA_BYTES)
    metadata = one_object(body, "the metadata")
    # RFC 8414 §3.3: identical, else one issuer could hand out another's keys.
    if metadata.get("issuer") != issuer:
        raise FetchError("the metadata names another issuer")
    return metadata


def named_url(metadata: Mapping[str, Any], name: str, *, issuer: str) -> str:
    """Return a URL that the metadata names, once it is one that may be asked. Raises FetchError."""
    url = metadata.get(name)
    if type(url) is not str or len(url) > 2048:
        raise FetchError(f"the metadata has no {name}")
    try:
        refuse_unsafe(url, name, may_be_plain=is_plain_loopback(issuer))
    except ValueError as error:
        raise FetchError(str(error)) from None
    return url


def refuse_unsafe(url: str, name: str, *, may_be_plain: bool) -> None:
    """Raise ValueError unless `url` is https, or plain http on loopback where that is allowed."""
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and may_be_plain and is_plain_loopback(url)):
        if parts.hostname and "@" not in parts.netloc and not parts.fragment and (name != "issuer" or not parts.query):
            return
        raise ValueError(f"{name}: the URL must have a host, and neither user nor fragment")
    raise ValueError(f"{name}: use https; plain http is for an issuer on loopback (127.0.0.1, [::1], localhost)")


def is_plain_loopback(url: str) -> bool:
    """Tell whether `url` is plain http to this machine."""
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname is None:
        return False
    try:
        return ip_address(parts.hostname).is_loopback
    except ValueError:
        return parts.hostname == "localhost"


async def get(client: httpx2.AsyncClient, url: str, limit: int) -> tuple[httpx2.Headers, bytes]:
    """Return headers and body of a 200. Raises FetchError for anything else, or more than `limit` bytes; HTTPError."""
    # Unencoded, so that the limit counts what is kept and nothing can unpack to more.
    headers = {"accept": "application/json", "accept-encoding": "identity"}
    async with client.stream("GET", url, headers=headers) as response:
        if response.status_code != 200:
            raise FetchError(f"{url} answered {response.status_code}")
        return response.headers, await bounded_body(response, limit)


async def bounded_body(response: httpx2.Response, limit: int) -> bytes:
    """Return the body of a streamed response. Raises FetchError when it is encoded or longer than `limit` bytes."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise FetchError(f"{response.url} answered encoded")
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > limit:
            raise FetchError(f"{response.url} answered more than {limit} bytes")
    return bytes(body)


def one_object(body: bytes, what: str) -> dict[str, Any]:
    """Return the JSON object that `body` is. Raises FetchError."""
    try:
        return strict_json.loads_object(body)
    except ValueError:
        raise FetchError(f"{what} is not one strict JSON object") from None
