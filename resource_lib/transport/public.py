"""
What anybody may hear without a token: the metadata, a preflight, or that a page may not call.

RFC 9728 §3; Fetch §3.2.
"""

from resource_lib.metadata import ResourceMetadata
from resource_lib.settings import GuardSettings
from resource_lib.transport import answers
from resource_lib.transport.answers import Answer
from resource_lib.transport.browsers import Browsers
from resource_lib.transport.request import Request


class PublicAnswers:
    """Answers before anybody is asked who they are."""

    def __init__(self, settings: GuardSettings, metadata: ResourceMetadata, browsers: Browsers) -> None:
        self._settings = settings
        self._metadata = metadata
        self._browsers = browsers

    def to(self, request: Request) -> Answer | None:
        """Return the answer to whoever asks; None: go on."""
        browsers = self._browsers
        if request.well_known is not None and request.path not in self._settings.public_paths:
            return self._well_known(request, request.well_known)
        if not browsers.may_host(request.host):
            return answers.FOREIGN_HOST
        if not browsers.may_call(request.origin):
            return answers.FOREIGN_ORIGIN
        if request.method == "OPTIONS" and request.origin is not None and request.preflight_method is not None:
            return Answer(204, b"", browsers.preflight(request.preflight_headers))
        return None

    def _well_known(self, request: Request, path: str) -> Answer:
        """Return the metadata to everybody, RFC 9728 §3; a 404, not a 401, for what clients look for in vain."""
        metadata = self._metadata
        if path not in metadata.paths:
            return answers.NOT_FOUND
        anyone = (b"access-control-allow-origin", b"*")
        if request.method == "OPTIONS":
            return Answer(204, b"", (anyone, *self._browsers.preflight(request.preflight_headers)))
        if request.method not in ("GET", "HEAD"):
            return Answer(405, b"", ((b"allow", b"GET, HEAD, OPTIONS"), anyone))
        fresh = (b"cache-control", b"public, max-age=300"), (b"etag", metadata.etag)
        if request.if_none_match == metadata.etag:
            return Answer(304, b"", (anyone, *fresh))
        return Answer(200, metadata.body, (anyone, *fresh))
