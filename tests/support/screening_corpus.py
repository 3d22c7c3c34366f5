"""
The labelled texts of tests/vectors/screening, and how well detectors and signs do on them.

`findings*.txt` marks what must be found in the text itself; `signs*.txt` has the names of the signs before a `|`. Those with `held_out` in their names were
written after the tables were done, and nothing was tuned on them.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from resource_lib.output import detectors, hostile

FOLDER = Path(__file__).resolve().parents[1] / "vectors" / "screening"
_ESCAPED = re.compile(r"\\u\{([0-9a-f]{1,6})\}")
_MARKED = re.compile(r"⟦([a-z_]+)\|([^⟧]*)⟧")


@dataclass(slots=True)
class Score:
    """How often one detector or sign was right."""

    right: int = 0
    wrong: list[str] = field(default_factory=list)
    """Found where nothing is."""
    missed: list[str] = field(default_factory=list)

    @property
    def precision(self) -> float:
        found = self.right + len(self.wrong)
        return self.right / found if found else 1.0

    @property
    def recall(self) -> float:
        there = self.right + len(self.missed)
        return self.right / there if there else 1.0


def lines(name: str) -> Iterator[str]:
    for line in (FOLDER / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield _ESCAPED.sub(lambda match: chr(int(match[1], 16)), line.replace("·", "").replace("\\n", "\n"))


def marked(line: str) -> tuple[str, list[tuple[str, int, int]]]:
    """Return the text of a line, and what stands where in it."""
    text, spans, at = "", [], 0
    for match in _MARKED.finditer(line):
        text += line[at : match.start()]
        spans.append((match[1], len(text), len(text) + len(match[2])))
        text += match[2]
        at = match.end()
    return text + line[at:], spans


def findings_scores(name: str) -> dict[str, Score]:
    """Return the score of each detector: a finding is right when it covers what is marked with its name."""
    scores = {detector.name: Score() for detector in detectors.DETECTORS}
    for line in lines(name):
        text, spans = marked(line)
        found = [(one.detector, one.start, one.end) for one in detectors.found(text)]
        for kind, start, end in spans:
            if any(other == kind and begin <= start and end <= stop for other, begin, stop in found):
                scores[kind].right += 1
            else:
                scores[kind].missed.append(text)
        for kind, begin, stop in found:
            if not any(other == kind and begin < end and start < stop for other, start, end in spans):
                scores[kind].wrong.append(text)
    return scores


def left_over(name: str, redacted: Callable[[str], str]) -> list[str]:
    """Return what is marked in the file and still stands in the text after redaction."""
    return [
        f"{kind}: {text[start:end]}"
        for text, spans in map(marked, lines(name))
        for kind, start, end in spans
        if text[start:end] in redacted(text)
    ]


def untouched_share(name: str) -> tuple[int, int]:
    """Return how many texts in which nothing is marked were changed, and how many there are."""
    plain = [text for text, spans in map(marked, lines(name)) if not spans]
    return sum(detectors.redacted(text)[0] != text for text in plain), len(plain)


def labelled(line: str) -> tuple[set[str], str]:
    names, _, text = line.partition("|")
    return set(names.strip().split()) - {"-"}, text.lstrip(" ")


def signs_scores(name: str) -> dict[str, Score]:
    """Return the score of each sign, by name; `hostile` is the verdict: whether the threshold is reached."""
    scores: dict[str, Score] = {}
    for line in lines(name):
        names, text = labelled(line)
        found = hostile.signs(text)
        said = {sign.name for sign in found} | ({"hostile"} if hostile.is_hostile(found) else set())
        # What is only a hint beside others is not held against a text that is hostile anyway.
        for one in names | said:
            score = scores.setdefault(one, Score())
            if one in names and one in said:
                score.right += 1
            elif one in names:
                score.missed.append(text)
            elif "hostile" not in names or one == "hostile":
                score.wrong.append(text)
    return scores


def false_alarms(name: str) -> tuple[int, int]:
    """Return how many of the harmless texts are called hostile, and how many there are."""
    harmless = [text for names, text in map(labelled, lines(name)) if "hostile" not in names]
    return sum(hostile.is_hostile(hostile.signs(text)) for text in harmless), len(harmless)


def sizes() -> Counter[str]:
    return Counter({path.name: sum(1 for _ in lines(path.name)) for path in sorted(FOLDER.glob("*.txt"))})
