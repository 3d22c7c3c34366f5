"""
How everything begins that a pattern finds, in a form that the compiled engine reads and that costs no more than the text is long.

A pattern of the table tries its first words at every place of a text, in bytecode. Their form alone, without what looks around and without
the gaps that follow, is found or missed at once, and most texts that have the words do not have them so.
"""

import re
from typing import Final

_GROUP_THAT_LOOKS: Final = ("(?!", "(?=", "(?<!", "(?<=")
_CHANGES_WITH_THE_ENGINE: Final = re.compile(r"\\[^\W\d_bB]|\{[0-9]*,?[0-9]{2,}|[*+]")
"""Classes that two engines read differently, and repetitions of which an engine would have to keep each length apart."""
_SHORTEST: Final = 3


def opening(pattern: str) -> re.Pattern[str] | None:
    """Return the beginning of `pattern`: found in each text in which it finds something, and in others. None: it says too little."""
    beginnings = [_beginning(branch) for branch in _branches(pattern)]
    if any(len(re.sub(r"[^\w ]", "", one)) < _SHORTEST for one in beginnings):
        return None
    return re.compile("|".join(beginnings))


def _branches(pattern: str) -> list[str]:
    found, begin, at = [], 0, 0
    while at < len(pattern):
        if pattern[at] == "|":
            found.append(pattern[begin:at])
            begin = at + 1
        at = _after(pattern, at)
    return [*found, pattern[begin:]]


def _beginning(branch: str) -> str:
    """Return a branch up to its first class or long repetition; of a group in which there is one, how that begins."""
    parts: list[str] = []
    at = 0
    while at < len(branch):
        end = _after(branch, at)
        part = branch[at:end]
        at = end
        if part in (r"\b", "^", "$") or part.startswith(_GROUP_THAT_LOOKS):
            continue
        if part[0] == "(":
            part = _plainly(part)
        if part[0] == "[" or "[" in part.replace(r"\[", "") or _CHANGES_WITH_THE_ENGINE.search(part.replace(r"\+", "")):
            if part.startswith("(?:") and branch[at : at + 1] not in ("?", "*", "{"):
                inside = [_beginning(each) for each in _branches(part[3:-1])]
                if all(inside):
                    parts.append(f"(?:{'|'.join(inside)})")
            break
        parts.append(part)
    # What a repetition that was left out belongs to has gone with it: it stands at the end, and one that may be missing says nothing.
    return "".join(parts)


def _plainly(group: str) -> str:
    """Return a group without what looks around inside it."""
    parts, at = [group[:3]], 3
    while at < len(group) - 1:
        end = _after(group, at)
        part = group[at:end]
        at = end
        if part == r"\b" or part.startswith(_GROUP_THAT_LOOKS):
            continue
        parts.append(_plainly(part) if part[0] == "(" and part.startswith("(?:") else part)
    return "".join(parts) + group[len(group) - 1 :]


def _after(pattern: str, at: int) -> int:
    """Return where the piece ends that begins at `at`: a character, an escape, a class, a group, or a repetition."""
    opens = pattern[at]
    if opens == "\\":
        return at + 2
    if opens == "[":
        end = at + 1 + (pattern[at + 1] == "^")
        end += pattern[end] == "]"
        while pattern[end] != "]":
            end += 1 + (pattern[end] == "\\")
        return end + 1
    if opens == "{":
        return pattern.index("}", at) + 1
    if opens == "(":
        end = at + 1
        while pattern[end] != ")":
            end = _after(pattern, end)
        return end + 1
    return at + 1
