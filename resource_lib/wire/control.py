"""
What is dead, in the words that the issuer's feed and its followers both spell alike.

Decision 14. An event has a number; a token carries, as `ctl`, the newest number that its minting process had applied. What an
event ends is counted, never timed: it ends whatever carries a smaller number. A stop holds until it is revived; what it ended
stays ended.
"""

from enum import StrEnum
from typing import Final

FEED_TYP: Final = "feed+jwt"
"""The `typ` of a signed batch (RFC 8725 §3.11): no access token is a batch, and no batch a token."""

EVERY_TENANT: Final = "*"
"""The `tenant` of an event that is about each of them."""


class Kind(StrEnum):
    """What an event is about, and which members of it say which one."""

    TOKEN = "token"  # noqa: S105
    """`jti`, with `exp`, after which nobody needs to remember it."""
    AUTHORIZATION = "authorization"
    """`authorization_id`."""
    USER = "user"
    """`sub`, in `tenant`."""
    CLIENT = "client"
    """`client_id`, in `tenant` or in each."""
    CLIENT_HOST = "client_host"
    """`host`: every client whose id is a URL there, at whatever port."""
    TENANT = "tenant"
    """`tenant` itself."""
    RESOURCE = "resource"
    """`resource`, in `tenant` or in each."""
    TOOL = "tool"
    """`resource`, `tool`, in `tenant` or in each."""
    TOOL_VERSION = "tool_version"
    """`resource`, `tool`, `definition_hash`, in `tenant` or in each."""
    KEY = "key"
    """`kid`: what it has signed counts no more."""
    EVERYTHING = "everything"
    """All of it; `tenant` is `*`."""
    POLICY = "policy"
    """What `tenant` demands of the tools at `resource` has changed; what it is, is asked elsewhere."""


class Act(StrEnum):
    """What an event does."""

    END = "end"
    """Ends what carries a smaller number; what begins afterwards lives."""
    KILL = "kill"
    """Ends as END does (a tool, a tool's version and a resource end nothing), and stops what is new until REVIVE."""
    PAUSE = "pause"
    """Stops a resource until REVIVE and ends nothing: callers are told to come back after `retry_after_s`."""
    REVIVE = "revive"
    """Lets new things begin. What has ended stays so."""
    CHANGED = "changed"
    """Something that is told elsewhere is to be asked for anew."""


COUNTED: Final = frozenset({Kind.USER, Kind.CLIENT, Kind.CLIENT_HOST, Kind.TENANT, Kind.EVERYTHING})
"""Kinds of which an END or a KILL ends everything that carries a smaller number; the END of a resource does so too."""

HELD: Final = frozenset({Kind.RESOURCE, Kind.TOOL, Kind.TOOL_VERSION})
"""Kinds whose calls are held up while they are stopped, and go on when they are revived; no token ends with them."""
