"""In which order files are given to the processes of a run: what takes longest first, so that none is left alone with it at the end."""

from collections import Counter

import pytest

_SECONDS = {"slow": 5.0, "browser": 2.0}
"""About what a test with such a mark takes; one of the application in process takes a tenth, any other next to nothing."""


def longest_first(items: list[pytest.Item]) -> None:
    """Sort the tests by how long their files take, roughly; in a file they stay as they are."""
    files: Counter[str] = Counter()
    for item in items:
        files[file_of(item)] += _seconds(item)  # type: ignore[assignment]
    items.sort(key=lambda item: (-files[file_of(item)], file_of(item)))


def file_of(item: pytest.Item) -> str:
    """Return the file of a test."""
    return item.nodeid.partition("::")[0]


def _seconds(item: pytest.Item) -> float:
    marked = [seconds for mark, seconds in _SECONDS.items() if item.get_closest_marker(mark)]
    if marked:
        return max(marked)
    if "/agreement/" in item.nodeid:
        return 1.0
    return 0.1 if "database_kind" in getattr(item, "fixturenames", ()) else 0.01
