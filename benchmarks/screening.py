"""
What looking at texts costs: detectors of personal data and secrets, removal of hidden characters, signs of orders to the model.

    python -m benchmarks.screening [--publish] [--json]       three minutes; --publish writes its tables into docs/performance.md

Three tables, all in this thread's processor time, each the best of the rounds:

- `texts`: µs for what tools usually return (2 KB of prose, 2 KB of source, an identifier, a date), for each of the three functions;
- `growth`: for every pattern the texts that are made of its own near misses (tests/support/near_misses.py) and a list of floods, at one size
  and at ten times that size; the worst ratio of each (10 is linear, 100 quadratic; the floor is 12). Of a pattern with more near misses
  than `--texts` as many are tried, evenly spread;
- `megabyte`: ms for 1 MB of each flood, through the whole function, and how much longer that takes than half of it.

It fails where a ratio is broken by every one of several measurements.
"""

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.published import put
from resource_lib.output import base64_text, detectors, hostile
from resource_lib.output.detectors import disguises
from resource_lib.output.hostile import hidden
from resource_lib.output.hostile import table as signs_table
from tests.support.near_misses import near_misses

MOST_RATIO = 12.0
FUNCTIONS: dict[str, Callable[[str], object]] = {
    "redacted": detectors.redacted, "plain": hostile.plain, "signs": hostile.signs,
}  # fmt: skip

PROSE = (
    "The quarterly report shows that revenue grew by 12 percent compared with 2024, mostly because of the new contracts in the northern region. "
    "Our team will follow up with the customer next week; please let us know whether the attached figures are what you expected. "
)
SOURCE = "def total(orders):\n    # What was paid, in cents.\n    return sum(order.amount_cents for order in orders if order.state == 'paid')\n\n"
TEXTS = {
    "2 KB of prose": (PROSE * 9)[:2048],
    "2 KB of source": (SOURCE * 20)[:2048],
    "2 KB of Japanese": ("四半期の報告によると、売上高は前年同期と比べて増加した。" * 80)[:2048],
    "an identifier": "A-1001",
    "a UUID": "6f1c2a7e-2b7e-4c1d-9a39-5f9f3f1b2a10",
    "a date": "2026-01-01T12:00:00Z",
    "a URL": "https://shop.example.com/products/blue-lamp?size=40",
}
FLOODS = {
    "local part": "a", "ats": "@", "local parts": "a@", "domain labels": "@a.", "digits": "4", "digit groups": "4111 ", "spaced digits": "4 ",
    "dashed digits": "078-05-", "dots and digits": "1.", "colons": "a:", "double colons": "::", "plus": "+1", "brackets": "[", "braces": '{"a":',
    "comments": "<!--", "delimiters": "<|", "half delimiters": "<|a", "images": "![", "image addresses": "![](//", "angle": "<", "escapes": "\x1b[", "operating system commands": "\x1b]",
    "emoji": "👩\u200d", "accents": "e\u0301\u0301", "zero width": "a\u200b", "tags": "\U000e0041", "selectors": "❤\ufe0f\ufe0f", "assignments": "password=", "half assignments": ":aaaaa ",
    "tokens": "ghp_", "jwts": "eyJ", "keys": "-----BEGIN PRIVATE KEY-----", "connections": "://a:", "connections with words": "://a:b@", "percent": "%41", "double percent": "%25", "base64": "QUJD", "base64 words": "QUJDREVGR0hJSktMTU5PUFFS ",
    "entities": "&#64;", "bearer": "bearer ", "orders": "ignore previous ", "halves of orders": "ignore all ", "letters apart": "i g n ", "spaces": " ", "lines": "\n", "system": "system:\n", "leet": "a1a", "cyrillic": "\u0430b", "ideographs": "忽略",
}  # fmt: skip
"""What is repeated to the size."""


def patterns() -> Iterator[tuple[str, Callable[[str], object]]]:
    """Yield every pattern by name, and how it is used."""
    for place, detector in enumerate(detectors.DETECTORS):
        yield f"{detector.name} ({place})", detector.pattern
    for place, row in enumerate((*signs_table.LINES, *signs_table.SENTENCES)):
        yield f"{row.sign} ({place})", row.pattern
    for module in (hidden, disguises, base64_text, signs_table):
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern) and value is not hidden._CARRIES:  # noqa: SLF001  # it looks at one address of at most 4096 characters
                yield f"{module.__name__.rpartition('.')[2]}.{name}", value


def cost(function: Callable[[str], object], text: str, rounds: int) -> float:
    """Return the best processor time of one run, in seconds."""
    best = float("inf")
    for _ in range(rounds):
        begin = time.thread_time()
        function(text)
        best = min(best, time.thread_time() - begin)
    return best


def all_matches(pattern) -> Callable[[str], object]:
    """Return what looks for every match, as the functions do."""

    def look(text: str) -> None:
        for _ in pattern.finditer(text):
            pass

    return look


def ratio(function: Callable[[str], object], small: str, large: str, rounds: int) -> float:
    """Return how much longer the large text takes; a cost that cannot be told from nothing counts as linear."""
    few, many = cost(function, small, rounds), cost(function, large, rounds)
    return 10.0 if many < 0.0005 else many / max(few, 1e-6)


def growth(size: int, rounds: int, most_texts: int) -> Iterator[tuple[str, float, str]]:
    """Yield for each pattern and each function the worst ratio, and the text that it was."""
    for name, pattern in patterns():
        look = all_matches(pattern)
        pairs = list(zip(near_misses(pattern, size), near_misses(pattern, size * 10), strict=True))
        yield name, *_worst(look, pairs[:: len(pairs) // most_texts + 1], rounds)
    for name, function in FUNCTIONS.items():
        floods = [((flood * size)[:size], (flood * size * 10)[: size * 10]) for flood in FLOODS.values()]
        yield f"whole {name}", *_worst(function, floods, rounds)


def _worst(function: Callable[[str], object], pairs: Iterable[tuple[str, str]], rounds: int) -> tuple[float, str]:
    """Return the worst ratio, and the text that it was. What seems to be broken is measured anew: others use the machine, too."""
    worst, text = 0.0, ""
    for small, large in pairs:
        found = ratio(function, small, large, rounds)
        for again in (2, 4, 8):
            if found <= MOST_RATIO:
                break
            found = min(found, ratio(function, small, large, rounds * again))
        if found > worst:
            worst, text = found, small[:60]
    return worst, text


def megabyte(rounds: int) -> dict[str, dict[str, float]]:
    """Return for each flood the ms of each function for 1 MB of it, and the greatest of their ratios to half of it."""
    said = {}
    for name, flood in FLOODS.items():
        whole = (flood * 1_000_000)[:1_000_000]
        half = whole[:500_000]
        row = {one: cost(function, whole, rounds) * 1e3 for one, function in FUNCTIONS.items()}
        row["doubling"] = max(
            row[one] / max(1e-6, cost(function, half, rounds) * 1e3) if row[one] >= 2 else 2.0
            for one, function in FUNCTIONS.items()
        )
        said[name] = row
    return said


def markdown(said: dict[str, dict[str, Any]], about: dict[str, str]) -> str:
    """Return the tables as a page shows them."""
    lines = [
        f"{about['processor']}, {about['cores']} cores, Python {about['python']}, load average {about['load']}; processor time, best of the rounds.",
        "",
        "| text | " + " | ".join(f"`{name}`, µs" for name in FUNCTIONS) + " |",
        "|---" * (len(FUNCTIONS) + 1) + "|",
        *(f"| {name} | {' | '.join(f'{row[one]:.1f}' for one in FUNCTIONS)} |" for name, row in said["texts"].items()),
        "",
        f"Ten times the text, the ten worst of {len(said['growth'])} patterns and functions (10 is linear, the floor is {MOST_RATIO:.0f}):",
        "",
        "| pattern | ratio |",
        "|---|---|",
    ]
    worst = sorted(said["growth"].items(), key=lambda one: -one[1]["ratio"])[:10]
    lines += [f"| `{name}` | {row['ratio']:.1f} |" for name, row in worst]
    slowest = sorted(said["megabyte"].items(), key=lambda one: -max(one[1][name] for name in FUNCTIONS))
    lines += [
        "",
        "1 MB of what an attacker repeats, in ms, and how much longer that takes than half of it:",
        "",
        "| flood | " + " | ".join(f"`{name}`" for name in FUNCTIONS) + " | half to whole |",
        "|---" * (len(FUNCTIONS) + 2) + "|",
    ]
    for name, row in slowest:
        lines.append(f"| {name} | {' | '.join(f'{row[one]:.0f}' for one in FUNCTIONS)} | {row['doubling']:.1f}x |")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Measure and print; 1 where something is not linear."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--size", type=int, default=2000)
    parser.add_argument("--texts", type=int, default=60, help="near misses of one pattern")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--publish", action="store_true", help="write the tables into docs/performance.md")
    asked = parser.parse_args(arguments)
    about = {**machine.description(), "load": f"{os.getloadavg()[0]:.1f}"}
    said: dict[str, dict[str, Any]] = {"texts": {}, "growth": {}, "megabyte": {}}
    for name, text in TEXTS.items():
        said["texts"][name] = {
            one: cost(lambda t, f=function: [f(t) for _ in range(20)], text, asked.rounds * 10) / 20 * 1e6  # type: ignore[misc]
            for one, function in FUNCTIONS.items()
        }
    said["megabyte"] = megabyte(asked.rounds)
    for name, worst, text in growth(asked.size, asked.rounds, asked.texts):
        said["growth"][name] = {"ratio": worst, "text": text}
    broken = [name for name, row in said["growth"].items() if row["ratio"] > MOST_RATIO]
    found = markdown(said, about)
    print(json.dumps(said, ensure_ascii=False, indent=2) if asked.json else found)
    if asked.publish:
        put(Path(__file__).parents[1] / "docs" / "performance.md", "screening", found)
    if broken:
        print("not linear: " + ", ".join(broken), file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
