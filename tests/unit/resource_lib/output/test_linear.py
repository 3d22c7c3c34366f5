"""No text makes looking at it take more than its length's share of time."""

import pytest

from benchmarks import screening
from resource_lib.output import detectors, hostile
from tests.support.near_misses import near_misses

SIZE = 1500
MOST_TEXTS = 50
"""Of each pattern, evenly spread; the benchmark tries all."""
QUADRATIC = 40.0
"""Ten times the text takes ten times as long where the work is linear, a hundred times where it is not. What is measured is this thread's own
processor time, and a suspect is measured again before it is believed; the figures are those of `python -m benchmarks.screening`."""


def worst_ratio(function, pairs):
    worst, culprit = 0.0, ""
    for small, large in pairs:
        found = screening.ratio(function, small, large, 1)
        for _ in range(3):
            if found <= QUADRATIC:
                break
            found = min(found, screening.ratio(function, small, large, 3))
        if found > worst:
            worst, culprit = found, small[:80]
    return worst, culprit


@pytest.mark.requirement("screening:linear")
@pytest.mark.parametrize(("name", "pattern"), [pytest.param(*pair, id=pair[0]) for pair in screening.patterns()])
def test_a_pattern_is_linear_on_its_own_near_misses(name, pattern):
    """LG-04, CVE-2026-0621: the texts are made of the pattern's structure."""
    pairs = list(zip(near_misses(pattern, SIZE), near_misses(pattern, SIZE * 10), strict=True))
    pairs = pairs[:: len(pairs) // MOST_TEXTS + 1]

    worst, culprit = worst_ratio(screening.all_matches(pattern), pairs)

    assert worst <= QUADRATIC, culprit


@pytest.mark.requirement("screening:linear")
@pytest.mark.parametrize("flood", screening.FLOODS)
@pytest.mark.parametrize("function", screening.FUNCTIONS)
def test_a_flood_costs_its_length(function, flood):
    """LG-04: `aaaa…@`, nested brackets, long digits, emoji, and what else an attacker repeats."""
    text = screening.FLOODS[flood]

    worst, _ = worst_ratio(screening.FUNCTIONS[function], [((text * SIZE)[:SIZE], (text * SIZE * 10)[: SIZE * 10])])

    assert worst <= QUADRATIC


@pytest.mark.requirement("screening:linear")
def test_the_measure_sees_a_pattern_that_is_not_linear():
    """Ours: a test that cannot fail shows nothing."""
    import re

    careless = re.compile(r"(?:a+)+@")
    slow = re.compile(r"\w+@")

    assert any("a" * 20 in text for text in near_misses(careless, 100))
    worst, _ = worst_ratio(screening.all_matches(slow), [("a" * 400, "a" * 4000)])
    assert worst > QUADRATIC


@pytest.mark.requirement("screening:linear")
def test_the_marks_end_what_they_begin():
    """Ours: the floods themselves are answered, and stably."""
    for flood in screening.FLOODS.values():
        text = (flood * 400)[:400]

        assert (detectors.redacted(text)[0], {}) == detectors.redacted(detectors.redacted(text)[0])
        assert hostile.plain(text) == hostile.plain(hostile.plain(text))
