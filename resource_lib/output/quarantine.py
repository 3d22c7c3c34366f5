"""
Answers that wait for a person to release them: bounded, in the memory of this process, and gone with it.

Only answers of calls that change nothing wait here, so that whatever is forgotten can be asked for once more. Whoever asks for the same again,
by the same login and application, with the same arguments, is asked for a yes instead of running the tool again; the person reads
every text of it, and the yes is for exactly these bytes. C33.
"""

import hashlib
import json
import re
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final

from resource_lib.identity.principal import Principal
from resource_lib.output.files import member_of, shown
from resource_lib.output.mirrors import STRUCTURE
from resource_lib.wire.approvals import MOST_ARGUMENT_BYTES, MOST_OUTCOME_BYTES, ApprovalRule

LIFE_S: Final = 1800.0
"""How long one waits after it was last asked for."""
MOST: Final = 512
RELEASE: Final = ApprovalRule(sentence="Hand the withheld answer of {tool} to the application, as data.", most_calls=1)
"""Whose yes it takes: the person the call ran for, or an approver where there is no person; for this one answer alone."""
_MOST_TEXTS: Final = 200
_MOST_SHOWN: Final = MOST_ARGUMENT_BYTES - 2048

_LONGEST_NAME: Final = 40
_MANY_WORDS: Final = 4
_WORD: Final = re.compile(r"[^\W\d_]+")

Key = tuple[str, str, str, str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Withheld:
    """One of them, as it would leave."""

    tool: str
    arguments: Mapping[str, Any] = field(repr=False)
    result: Mapping[str, Any] = field(repr=False)
    signs: tuple[str, ...]
    texts: tuple[str, ...] = field(repr=False)
    sha256: str

    @property
    def shown(self) -> dict[str, Any]:
        """What a person reads before they release it, and what their yes is bound to."""
        return {
            "tool": self.tool,
            "reads_like": [sign.replace("_", " ") for sign in self.signs],
            "texts": list(self.texts),
            "called_with": self.arguments,
            "sha256": self.sha256,
        }


def withheld(tool: str, arguments: Any, result: Mapping[str, Any], signs: tuple[str, ...]) -> Withheld | None:
    """Return an answer as it waits; None: it is too large for a person to read, or to be kept."""
    arguments = {} if arguments is None else arguments
    if type(arguments) is not dict:
        return None
    try:
        raw = json.dumps(result, sort_keys=True, separators=(",", ":"), allow_nan=False)
        asked = json.dumps(arguments, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    except (ValueError, RecursionError):
        return None
    texts = tuple(_texts(result))
    size = len(asked.encode("utf-8", "replace")) + len(json.dumps(texts, ensure_ascii=False).encode("utf-8", "replace"))
    if len(raw) > MOST_OUTCOME_BYTES or len(texts) > _MOST_TEXTS or size > _MOST_SHOWN:
        return None
    return Withheld(
        tool=tool,
        arguments=arguments,
        result=result,
        signs=signs,
        texts=texts,
        sha256=hashlib.sha256(b"mcp-result/1\n" + raw.encode("ascii")).hexdigest(),
    )


class Quarantine:
    """Keeps them. `clock` counts monotonic seconds. Safe between threads."""

    def __init__(self, *, most: int = MOST, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._kept: OrderedDict[Key, tuple[float, Withheld]] = OrderedDict()
        self._lock = Lock()

    def keep(self, principal: Principal, it: Withheld) -> None:
        """Keep one; when there is no room, of the tenant that has most of them the one that was asked for longest ago gives way."""
        key = _key(principal, it.tool, it.arguments)
        with self._lock:
            self._kept[key] = (self._clock() + LIFE_S, it)
            self._kept.move_to_end(key)
            if len(self._kept) > self._most:
                [(largest, _)] = Counter(tenant for tenant, *_ in self._kept).most_common(1)
                del self._kept[next(one for one in self._kept if one[0] == largest)]

    def find(self, principal: Principal, tool: str, arguments: Any) -> Withheld | None:
        """Return what waits for this very call; None: nothing does."""
        arguments = {} if arguments is None else arguments
        if not self._kept or type(arguments) is not dict:
            return None
        key = _key(principal, tool, arguments)
        with self._lock:
            until, it = self._kept.get(key, (0.0, None))
            if it is None or until <= self._clock():
                self._kept.pop(key, None)
                return None
            self._kept[key] = (self._clock() + LIFE_S, it)
            self._kept.move_to_end(key)
            return it

    def drop(self, principal: Principal, it: Withheld) -> None:
        """Forget one: it was handed over."""
        with self._lock:
            self._kept.pop(_key(principal, it.tool, it.arguments), None)


def _key(principal: Principal, tool: str, arguments: Mapping[str, Any]) -> Key:
    said = json.dumps([tool, arguments], sort_keys=True)
    hashed = hashlib.sha256(said.encode("ascii")).hexdigest()
    return principal.tenant, principal.subject, principal.client_id, principal.authorization_id, hashed


def _texts(value: Any, *, is_structure: bool = False) -> Iterator[str]:
    """Yield every text of a result, and names that say more than a name does; of a file that is no text its size and hash.

    Where no file stands, what looks like one is a text: orders are as easily written without a space.
    """
    kind = type(value)
    if kind is str:
        if value:
            yield value
    elif kind is dict:
        file = None if is_structure else member_of(value)
        for name, member in value.items():
            if " " in name or len(name) > _LONGEST_NAME or len(_WORD.findall(name)) >= _MANY_WORDS:
                yield name
            if name == file:
                yield from _of_file(member)
            else:
                yield from _texts(member, is_structure=is_structure or name == STRUCTURE)
    elif kind is list:
        for entry in value:
            yield from _texts(entry, is_structure=is_structure)


def _of_file(said: str) -> Iterator[str]:
    text = shown(said)
    if text is None:
        text = f"({len(said)} characters of base64, SHA-256 {hashlib.sha256(said.encode('ascii')).hexdigest()})"
    if text:
        yield text
