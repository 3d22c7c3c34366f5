"""
The application at the other end: listens on loopback for the answer, and can serve a page of an attacker's.
"""

import base64
import hashlib
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2


class Application:
    """A public client with PKCE. `pages` are served under their path; `answers` are the queries that came to /callback."""

    def __init__(self, client_id: str, issuer: str, resource: str) -> None:
        self.client_id, self.issuer, self.resource = client_id, issuer, resource
        self.host = "127.0.0.1"
        self.answers: list[dict[str, str]] = []
        self.pages: dict[str, str] = {}
        self.port = 0
        self._verifiers: dict[str, str] = {}

    @property
    def redirect_uri(self) -> str:
        """Where answers go."""
        return f"http://{self.host}:{self.port}/callback"

    def authorize_url(self, scope: str, **more: str) -> str:
        """Return the address to send the person to."""
        state, verifier = secrets.token_urlsafe(8), secrets.token_urlsafe(48)
        self._verifiers[state] = verifier
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": scope,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "resource": self.resource,
        }
        return f"{self.issuer}/authorize?{urlencode({**asked, **more})}"

    def redeem(self, answer: dict[str, str]) -> httpx2.Response:
        """Exchange the code of an answer."""
        asked = {
            "grant_type": "authorization_code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "code": answer["code"],
            "code_verifier": self._verifiers[answer["state"]],
            "resource": self.resource,
        }
        return httpx2.post(f"{self.issuer}/token", data=asked)

    def refresh(self, refresh_token: str) -> httpx2.Response:
        """Use a refresh token."""
        asked = {"grant_type": "refresh_token", "client_id": self.client_id, "refresh_token": refresh_token}
        return httpx2.post(f"{self.issuer}/token", data=asked)

    def userinfo(self, access_token: str) -> httpx2.Response:
        """Ask who stands behind a token."""
        return httpx2.get(f"{self.issuer}/userinfo", headers={"authorization": f"Bearer {access_token}"})


class _IPv6Server(ThreadingHTTPServer):
    address_family = socket.AF_INET6


@contextmanager
def listening(application: Application) -> Iterator[Application]:
    """Let the application listen on a free loopback port until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            body = application.pages.get(
                url.path, "<!doctype html><title>Application</title><p>Back in the application."
            )
            if url.path == "/callback":
                application.answers.append({name: values[0] for name, values in parse_qs(url.query).items()})
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
            del format, args

    server = (
        _IPv6Server(("::1", 0), Handler) if "[" in application.host else ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    )
    server.daemon_threads = True
    application.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield application
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
