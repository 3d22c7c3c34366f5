"""
What every exchange has in common: which kinds of token there are, and what is not understood here.

RFC 8693 §2.1, §2.2.2, §3; RFC 8707 §2.
"""

from authserver.oauth.errors import InvalidRequest, InvalidTarget
from authserver.oauth.parameters import Parameters
from resource_lib.wire import api_key

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105
"""RFC 8693 §3: the one kind of token that is issued here, and that is taken from an MCP server."""
API_KEY = api_key.TOKEN_TYPE


def check(form: Parameters) -> None:
    """Raise InvalidRequest or InvalidTarget for what an exchange here does not have."""
    if form.one("requested_token_type") not in {None, ACCESS_TOKEN}:
        raise InvalidRequest(f"requested_token_type: must be {ACCESS_TOKEN}.", reason="requested_token_type")
    if form.one("actor_token") or form.one("actor_token_type"):
        raise InvalidRequest("actor_token: leave it out; who authenticates is who acts.", reason="actor_token")
    if form.one("audience"):
        raise InvalidTarget("audience: is not known here; name the target by `resource`.", reason="audience")
