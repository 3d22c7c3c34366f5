"""What the tests with other people's clients can ask for: one demo for all of them, and documents that it may fetch."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.agreement import npm
from tests.agreement.demo_process import Demo, running
from tests.support.internet import Answer, Internet


@pytest.fixture
def tally(record_property: Callable[[str, object], None]) -> Callable[..., None]:
    """Return what adds a line to the table at the end of the run."""

    def add(suite: str, *, scenarios: int, checks: int, failures: int) -> None:
        record_property("tally", json.dumps([suite, scenarios, checks, failures]))

    return add


@pytest.fixture(scope="session")
def packages() -> Path:
    """Return the folder with other people's packages, or skip loudly."""
    return npm.packages_or_skip()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Return the certificate authority of the documents below."""
    return trustme.CA()


@pytest.fixture(scope="session")
def demo(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Yield the demo as everybody starts it, but that it may fetch documents from loopback over TLS."""
    folder = tmp_path_factory.mktemp("demo")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    settings = {"CIMD_ALLOW_LOOPBACK": "true", "OUTBOUND_CA_FILE": str(folder / "ca.pem")}
    with running(folder / "data", settings=settings) as running_demo:
        yield running_demo


class Documents:
    """A web site over TLS on loopback with clients' metadata documents."""

    def __init__(self, internet: Internet, port: int, pages: dict[str, dict[str, Any]]) -> None:
        self.internet, self.port, self.pages = internet, port, pages

    def publish(self, name: str, **document: Any) -> str:
        """Publish a document and return its address, which is the `client_id` that stands in it."""
        address = f"https://localhost:{self.port}/{name}/client.json"
        self.pages[f"/{name}/client.json"] = {"client_id": address, "client_name": name, **document}
        return address


@pytest.fixture
async def documents(authority: trustme.CA) -> AsyncIterator[Documents]:
    """Yield the site."""
    pages: dict[str, dict[str, Any]] = {}

    def site(path: str, _: dict[str, str]) -> Answer:
        found = pages.get(path)
        return Answer(body=json.dumps(found).encode()) if found is not None else Answer(status=404)

    internet = Internet()
    internet.authority = authority
    async with internet.running():
        listener = await internet.serve(site)
        yield Documents(internet, listener.port, pages)
