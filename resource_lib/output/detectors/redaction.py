"""
Finds and masks: `redacted` for a text, `redacted_value` for JSON values.

What is masked is looked at again until nothing is found, so that a second pass changes nothing.
"""

import json
import operator
import re
from collections import Counter
from collections.abc import Iterable
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from resource_lib.output import base64_text
from resource_lib.output.detectors import disguises
from resource_lib.output.detectors.finding import SECRET, Detector, Finding, Needs
from resource_lib.output.detectors.masks import SECRET_MASK, masked
from resource_lib.output.detectors.table import DETECTORS
from resource_lib.output.documents import with_documents
from resource_lib.output.kinds import Kind
from resource_lib.output.sieve import Need, Sieve
from resource_lib.output.texts import PROTOCOLS_OWN, free_name
from resource_lib.wire.secret_names import names_a_secret, numbers_too

_SHORTEST: Final = 6
"""No detector finds anything in fewer characters."""
_MOST_ROUNDS: Final = 8
ENTANGLED: Final = "[redacted]"
"""What is left of a text in which something new is found each time that something was masked."""
_MOST_INSIDE: Final = 4
"""How deep texts inside texts are read."""
_MOST_JOINED: Final = 4096
_MOST_PIECES: Final = 32
_OPENS: Final = frozenset("{[")
_MOST_DEPTH: Final = 100
TOO_DEEP: Final = "[nested too deeply]"
"""What stands in the place of a list or an object inside a hundred others: nobody looked into it."""

_ORDER: Final[tuple[Kind, ...]] = ("secret", "email", "iban", "card", "ssn", "phone", "ip", "address", "name", "id")
"""The gravest first."""
_NEEDS: Final[dict[Needs, Need]] = {
    "digits": re.compile(r"[0-9](?:[ ./()\u00a0-]{0,3}[0-9]){5}"),
    "dotted": re.compile(r"[0-9]\.[0-9]"),
    "word": re.compile(r"[^ \t\n\r\x0b\x0c]{15}"),
}
_ENCODED: Final = Sieve([(re.compile("[A-Za-z0-9+/_-]{16}"),)])
"""What every text has in which something can be base64."""


class _Asked:
    """Some detectors, of which those are asked that can find something."""

    __slots__ = ("_folded", "_folded_sieve", "_plain", "_plain_sieve", "detectors")

    def __init__(self, detectors: Iterable[Detector]) -> None:
        self.detectors = tuple(detectors)
        self._plain = [place for place, one in enumerate(self.detectors) if not one.folded]
        self._folded = [place for place, one in enumerate(self.detectors) if one.folded]
        self._plain_sieve = Sieve([_needs(self.detectors[place]) for place in self._plain])
        self._folded_sieve = Sieve([_needs(self.detectors[place]) for place in self._folded])

    def about(self, text: str, folded: str) -> list[tuple[Detector, str]]:
        """Return which are asked about which of the two, in the order of the table."""
        places = [self._plain[place] for place in self._plain_sieve.passing(text)]
        places += [self._folded[place] for place in self._folded_sieve.passing(folded)]
        places.sort()
        return [(one, folded if one.folded else text) for one in map(self.detectors.__getitem__, places)]


def _needs(detector: Detector) -> list[Need]:
    # Words first: they are found, or not, in a tenth of the time.
    needs: list[Need] = [detector.hints] if detector.hints else []
    if detector.needs != "nothing":
        needs.append(_NEEDS[detector.needs])
    return needs if detector.form is None else [*needs, detector.form]


_ALL: Final = _Asked(DETECTORS)
_SECRETS: Final = _Asked(detector for detector in DETECTORS if detector.kind == SECRET)
_TYPED: Final = _Asked(
    detector
    for detector in _SECRETS.detectors
    if detector.name not in {"assigned", "connection", "authorization", "cookie"}
)
"""Known by their own shape, so also by the shape of their joined pieces."""
_NAMED: Final = "named"
"""How a value under the name of a secret is counted."""


def found(text: str, *, personal: bool = True) -> tuple[Finding, ...]:
    """Return what stands in `text` as it is, in order and without overlap; `personal=False`: secrets alone."""
    return tuple(_found(text, _ALL if personal else _SECRETS))


def redacted(text: str, *, personal: bool = True) -> tuple[str, Counter[str]]:
    """Return `text` with everything found masked, and how often which detector found something.

    The same object, and nothing counted, where nothing is found. `personal=False` leaves personal data alone, for a token that
    may see it; secrets go in any case. Disguises are looked through as `disguises.py` says.
    """
    counts: Counter[str] = Counter()
    return _redacted(text, _ALL if personal else _SECRETS, counts, _MOST_INSIDE), counts


def redacted_value(value: Any, *, personal: bool = True) -> tuple[Any, Counter[str]]:
    """Return a JSON value with every text in it redacted, and what stands under the name of a secret masked at any depth.

    Types stay: a text becomes a mask, a number under the name of a PIN or a password becomes 0; member names stay as they are
    unless they themselves hold something. The same object where nothing is found.
    """
    counts: Counter[str] = Counter()
    return _value(value, _ALL if personal else _SECRETS, counts, _MOST_INSIDE), counts


def _found(text: str, detectors: _Asked) -> list[Finding]:
    if len(text) < _SHORTEST:
        return []
    hits: list[Finding] = []
    # Without the one letter whose lower case is longer: places in both are the same.
    for detector, where in detectors.about(text, text.replace("\u0130", "I").lower()):
        for match in detector.pattern.finditer(where):
            span = detector.proof(match)
            if span is not None and span[0] < span[1]:
                hits.append(Finding(*span, detector.name, detector.kind))
    return _apart(hits) if len(hits) > 1 else hits


def _apart(hits: list[Finding]) -> list[Finding]:
    """Return findings that do not overlap: those that do become one, called after the gravest."""
    hits.sort(key=lambda hit: (hit.start, -hit.end))
    apart = [hits[0]]
    for hit in hits[1:]:
        last = apart[-1]
        if hit.start >= last.end:
            apart.append(hit)
            continue
        graver = min(last, hit, key=lambda one: _ORDER.index(one.kind))
        apart[-1] = Finding(last.start, max(last.end, hit.end), graver.detector, graver.kind)
    return apart


def _masked(text: str, hits: Iterable[Finding], counts: Counter[str]) -> str:
    parts: list[str] = []
    at = 0
    for hit in hits:
        parts += text[at : hit.start], masked(hit.kind, text[hit.start : hit.end])
        at = hit.end
        counts[hit.detector] += 1
    parts.append(text[at:])
    return "".join(parts)


def _redacted(text: str, detectors: _Asked, counts: Counter[str], inside: int) -> str:
    for _ in range(_MOST_ROUNDS):
        before = text
        if inside and (text[:1] in _OPENS or text[:64].lstrip()[:1] in _OPENS):
            text = _json(text, detectors, counts, inside)
        if inside:
            text = with_documents(text, partial(_document, detectors, counts, inside))
        text = _in_the_clear(text, detectors, counts)
        if inside:
            if "%" in text:
                text = _percent(text, detectors, counts, inside)
            if _ENCODED.lets_any_through(text):
                text = _base64(text, detectors, counts, inside)
        if text is before or text == before:
            return before
    return ENTANGLED


def _in_the_clear(text: str, detectors: _Asked, counts: Counter[str]) -> str:
    """Return the text masked, in that of its readings that shows what the text as it is does not."""
    hits = _found(text, detectors)
    known = Counter(text[hit.start : hit.end] for hit in hits)
    for read in disguises.readings(text):
        if read != text:
            others = _found(read, detectors)
            if Counter(read[hit.start : hit.end] for hit in others) - known:
                return _masked(read, others, counts)
    return _masked(text, hits, counts) if hits else text


def _percent(text: str, detectors: _Asked, counts: Counter[str], inside: int) -> str:
    def masked_run(run: str) -> str:
        read = disguises.percent_decoded(run)
        shown = _redacted(read, detectors, counts, inside - 1) if read != run else read
        return run if shown is read else quote(shown, safe="*@[]+")

    return disguises.PERCENT.sub(lambda match: masked_run(match[0]), text)


def _base64(text: str, detectors: _Asked, counts: Counter[str], inside: int) -> str:
    if inside < _MOST_INSIDE - 1:
        return text

    def masked_run(run: str) -> str:
        read = base64_text.decoded(run)
        if read is None:
            return run
        inner: Counter[str] = Counter()
        if _redacted(read, detectors, inner, inside - 1) == read:
            return run
        counts.update(inner)
        return SECRET_MASK

    return base64_text.RUN.sub(lambda match: masked_run(match[0]), text)


def _json(text: str, detectors: _Asked, counts: Counter[str], inside: int) -> str:
    """Return a text that is JSON with its members redacted; any other as it is, for the detectors of free text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    inner: Counter[str] = Counter()
    shown = _value(value, detectors, inner, inside - 1)
    if shown is value:
        return text
    counts.update(inner)
    try:
        return json.dumps(shown, ensure_ascii=False, indent=2 if "\n" in text.strip()[:200] else None)
    except RecursionError:
        return SECRET_MASK


def _document(detectors: _Asked, counts: Counter[str], inside: int, said: Any) -> Any:
    inner: Counter[str] = Counter()
    shown = _value(said, detectors, inner, inside - 1)
    if shown is not said:
        counts.update(inner)
    return shown


def _value(
    value: Any,
    detectors: _Asked,
    counts: Counter[str],
    inside: int,
    depth: int = 0,
    *,
    hides: bool = False,
    numbers: bool = False,
) -> Any:
    kind = type(value)
    if kind is str:
        if hides:
            return _hidden(value, counts)
        return value if value in PROTOCOLS_OWN else _redacted(value, detectors, counts, inside)
    if kind is dict:
        if depth >= _MOST_DEPTH:
            return TOO_DEEP
        changed: dict[str, Any] | None = None
        for name, one in value.items():
            is_plain = len(name) < _SHORTEST or name in PROTOCOLS_OWN
            shown_name = name if is_plain else _redacted(name, detectors, counts, inside)
            secret = not hides and names_a_secret(name)
            shown = _value(
                one, detectors, counts, inside, depth + 1,
                hides=hides or secret, numbers=numbers or (secret and numbers_too(name)),
            )  # fmt: skip
            if changed is None and (shown is not one or shown_name != name):
                changed = {}
                for earlier, kept in value.items():
                    if earlier is name:
                        break
                    changed[earlier] = kept
            if changed is not None:
                changed[free_name(shown_name, changed)] = shown
        return value if changed is None else changed
    if kind is list:
        if depth >= _MOST_DEPTH:
            return TOO_DEEP
        items = [_value(one, detectors, counts, inside, depth + 1, hides=hides, numbers=numbers) for one in value]
        if not hides:
            _mask_pieces(items, counts)
        return value if all(map(operator.is_, items, value)) else items
    if numbers and kind in {int, float} and value:
        counts[_NAMED] += 1
        return 0
    return value


def _hidden(text: str, counts: Counter[str]) -> str:
    if not text or text == SECRET_MASK:
        return text
    counts[_NAMED] += 1
    return SECRET_MASK


def _mask_pieces(items: list[Any], counts: Counter[str]) -> None:
    """Mask the items over which one secret is split."""
    if len(items) < 2 or not all(type(item) is str for item in items):
        return
    if sum(map(len, items)) > _MOST_JOINED:
        return
    joined = "".join(items)
    if not _TYPED.about(joined, joined):
        return
    places = [place for place, item in enumerate(items) for _ in item]
    at = 0
    # From each item on: a letter at the end of the one before it must not hide the first letter of a secret.
    for item in tuple(items[:_MOST_PIECES]):
        for hit in _found(joined[at:], _TYPED):
            first, last = places[at + hit.start], places[at + hit.end - 1]
            if first != last and items[first] != SECRET_MASK:
                counts[hit.detector] += 1
                items[first : last + 1] = [SECRET_MASK] * (last + 1 - first)
        at += len(item)
