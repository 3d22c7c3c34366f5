"""What the tests with other people's software can ask for."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.agreement import npm


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
