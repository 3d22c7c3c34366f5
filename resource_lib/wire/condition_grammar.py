"""
The grammar of conditions: or < and < not < one comparison < + - < * < - < value. A part knows beforehand what kind of value it
is, so that most of what could never hold is refused when it is read.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from resource_lib.wire.condition_values import (
    ABSENT,
    UNKNOWN,
    Ask,
    Scene,
    all_of,
    any_of,
    argument,
    computed,
    constant,
    domain_of,
    equal,
    first_use,
    is_there,
    length,
    likeness,
    lowered,
    member_of,
    named_value,
    negated,
    of_two_texts,
    ordered,
    truth,
    within,
)
from resource_lib.wire.condition_words import ConditionError, Token, tokens, unquoted

MOST_DEPTH: Final = 20
MOST_SECONDS: Final = 24 * 3600
"""How far back `called` may look."""

_Kind = Literal["truth", "number", "text", "list", "null", "any"]
_KINDS: Final[Mapping[str, str]] = {
    "truth": "a yes or no",
    "number": "a number",
    "text": "a text",
    "list": "a list",
    "null": "null",
    "any": "a value",
}


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of a condition: what it is worth, as far as that can be said beforehand, and how it is asked."""

    kind: _Kind
    ask: Ask
    column: int
    constant: Any = ABSENT
    path: "tuple[str | int, ...] | None" = None
    """The path below `args`, when it is one."""


class Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._at = 0
        self._depth = 0
        self.remembers: set[tuple[str, tuple[str, ...]]] = set()
        self.looks_back = False

    def condition(self) -> Ask:
        """Return what asks the whole condition. Raises ConditionError."""
        whole = self._either()
        left = self._next
        if left.kind != "end":
            raise ConditionError(
                left.column, f"{left.text!r} stands where the condition is over", "join conditions by and, or"
            )
        self._need(whole, "truth", "say what must hold, as in args.amount_cents > 10000")
        return truth(whole.ask)

    # -- reading ------------------------------------------------------------------------------------------------------

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._tokens[self._at]
        if token.kind != "end":
            self._at += 1
        return token

    def _is(self, *texts: str) -> bool:
        return self._next.kind in {"sign", "word"} and self._next.text in texts

    def _expect(self, text: str, cure: str) -> Token:
        if not self._is(text):
            token = self._next
            what = "the end" if token.kind == "end" else repr(token.text)
            raise ConditionError(token.column, f"{what} stands where {text!r} belongs", cure)
        return self._take()

    def _deeper(self, column: int) -> None:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise ConditionError(column, f"nested more than {MOST_DEPTH} deep", "split it into several conditions")

    def _need(self, part: _Part, kind: _Kind, cure: str) -> None:
        if part.kind not in (kind, "any"):
            raise ConditionError(part.column, f"{_KINDS[part.kind]} stands where {_KINDS[kind]} belongs", cure)

    # -- and, or, not -------------------------------------------------------------------------------------------------

    def _either(self) -> _Part:
        first = self._both()
        if not self._is("or"):
            return first
        asked = [self._truth_of(first)]
        while self._is("or"):
            self._take()
            asked.append(self._truth_of(self._both()))
        return _Part("truth", any_of(tuple(asked)), first.column)

    def _both(self) -> _Part:
        first = self._negated()
        if not self._is("and"):
            return first
        asked = [self._truth_of(first)]
        while self._is("and"):
            self._take()
            asked.append(self._truth_of(self._negated()))
        return _Part("truth", all_of(tuple(asked)), first.column)

    def _negated(self) -> _Part:
        if not self._is("not"):
            return self._comparison()
        token = self._take()
        self._deeper(token.column)
        inner = self._truth_of(self._negated())
        self._depth -= 1
        return _Part("truth", negated(inner), token.column)

    def _truth_of(self, part: _Part) -> Ask:
        self._need(part, "truth", "and, or and not join conditions: compare it with something")
        return truth(part.ask)

    # -- comparisons --------------------------------------------------------------------------------------------------

    def _comparison(self) -> _Part:
        left = self._sum()
        token = self._next
        if self._is("="):
            raise ConditionError(token.column, "'=' compares nothing", "write ==")
        if not self._is("==", "!=", "<", "<=", ">", ">=", "in", "not"):
            return left
        word = self._take().text
        if word == "not":
            self._expect("in", "write not in, as in args.currency not in ['EUR', 'USD']")
            word = "not in"
        right = self._sum()
        if self._is("==", "!=", "<", "<=", ">", ">=", "in", "not"):
            raise ConditionError(
                self._next.column, "comparisons do not form a chain", "write a < b and b < c, or use brackets"
            )
        if word in ("in", "not in"):
            self._need(
                right, "list", "put a list on the right of in; for a piece of a text write contains(text, piece)"
            )
            if left.kind == "list":
                raise ConditionError(left.column, "a list stands where one value belongs", "write subset(these, those)")
            asked = member_of(left.ask, right.ask)
            return _Part("truth", negated(asked) if word == "not in" else asked, left.column)
        self._refuse_unlike(left, right, token)
        if word in ("==", "!="):
            asked = equal(left.ask, right.ask)
            return _Part("truth", negated(asked) if word == "!=" else asked, left.column)
        for side in (left, right):
            if side.kind in ("truth", "null"):
                raise ConditionError(side.column, f"{_KINDS[side.kind]} has no order", "write == or !=")
        return _Part("truth", ordered(word, left.ask, right.ask), left.column)

    def _refuse_unlike(self, left: _Part, right: _Part, token: Token) -> None:
        for side in (left, right):
            if side.kind == "list":
                raise ConditionError(side.column, "lists are not compared", "write x in list, or subset(these, those)")
        kinds = {left.kind, right.kind} - {"any"}
        if len(kinds) > 1 and "null" not in kinds:
            one, other = sorted(kinds)
            raise ConditionError(
                token.column,
                f"compares {_KINDS[one]} with {_KINDS[other]}, which are never equal",
                "compare like with like",
            )

    # -- arithmetic ---------------------------------------------------------------------------------------------------

    def _sum(self) -> _Part:
        part = self._product()
        while self._is("+", "-"):
            sign = self._take()
            part = self._arithmetic(sign, part, self._product())
        return part

    def _product(self) -> _Part:
        part = self._signed()
        while self._is("*"):
            sign = self._take()
            part = self._arithmetic(sign, part, self._signed())
        return part

    def _arithmetic(self, sign: Token, left: _Part, right: _Part) -> _Part:
        for side in (left, right):
            self._need(side, "number", f"{sign.text} is for numbers")
        return _Part("number", computed(sign.text, left.ask, right.ask), left.column)

    def _signed(self) -> _Part:
        if not self._is("-"):
            return self._value()
        token = self._take()
        self._deeper(token.column)
        inner = self._signed()
        self._depth -= 1
        self._need(inner, "number", "- is for numbers")
        return _Part("number", computed("-", constant(0), inner.ask), token.column)

    # -- values -------------------------------------------------------------------------------------------------------

    def _value(self) -> _Part:
        token = self._next
        if token.kind == "number":
            return self._number()
        if token.kind == "text":
            self._take()
            text = unquoted(token)
            return _Part("text", constant(text), token.column, constant=text)
        if self._is("("):
            self._take()
            self._deeper(token.column)
            inner = self._either()
            self._expect(")", "close the bracket")
            self._depth -= 1
            return inner
        if self._is("["):
            return self._list()
        if token.kind == "word":
            return self._word()
        what = "the condition ends" if token.kind == "end" else f"{token.text!r} stands"
        raise ConditionError(token.column, f"{what} where a value belongs", "write a name, a number, a text or a call")

    def _number(self) -> _Part:
        token = self._take()
        following = self._next
        if following.column == token.column + len(token.text) and following.kind in {"word", "number"}:
            raise ConditionError(token.column, "is no number", "write digits alone, as in 10000 or 0.5")
        if len(token.text) > 20:
            raise ConditionError(token.column, "a number of more than 20 digits", "write a smaller one")
        value: int | float = float(token.text) if "." in token.text else int(token.text)
        return _Part("number", constant(value), token.column, constant=value)

    def _list(self) -> _Part:
        opened = self._take()
        asked: list[Ask] = []
        constants: list[Any] = []
        self._deeper(opened.column)
        while not self._is("]"):
            item = self._sum()
            if item.kind == "list":
                raise ConditionError(item.column, "a list holds single values", "write texts, numbers or arguments")
            asked.append(item.ask)
            constants.append(item.constant)
            if not self._is("]"):
                self._expect(",", "put commas between the members and ] at the end")
        self._take()
        self._depth -= 1
        if all(value is not ABSENT for value in constants):
            return _Part("list", constant(tuple(constants)), opened.column, constant=tuple(constants))
        members = tuple(asked)
        return _Part("list", lambda scene: tuple(ask(scene) for ask in members), opened.column)

    def _word(self) -> _Part:
        token = self._take()
        if self._is("("):
            return self._call(token)
        if token.text == "args":
            return self._argument(token)
        if token.text in ("true", "false"):
            value = token.text == "true"
            return _Part("truth", constant(value), token.column, constant=value)
        if token.text == "null":
            return _Part("null", constant(None), token.column, constant=None)
        if token.text == "tenant":
            if self._is("."):
                self._take()
                member = self._take()
                if member.text == "id":
                    return _Part("text", named_value("tenant"), token.column)
                if member.text == "domains":
                    return _Part("list", named_value("tenant_domains"), token.column)
            raise ConditionError(
                token.column, "of a tenant only id and domains are known", "write tenant.id or tenant.domains"
            )
        if token.text == "first_use":
            self.looks_back = True
            return _Part("truth", first_use, token.column)
        known = _NAMES.get(token.text)
        if known is None:
            raise ConditionError(token.column, f"{token.text!r} is no name of this language", _cure_for(token.text))
        if self._is(".", "["):
            raise ConditionError(self._next.column, f"{token.text} has no members", "leave out what follows it")
        return _Part(known, named_value(token.text), token.column)

    def _argument(self, token: Token) -> _Part:
        path: list[str | int] = []
        while self._is(".", "["):
            if self._take().text == ".":
                member = self._take()
                if member.kind != "word":
                    raise ConditionError(
                        member.column, "an argument's name belongs here", "write args.name or args['a name']"
                    )
                path.append(member.text)
                continue
            index = self._take()
            if index.kind == "text":
                path.append(unquoted(index))
            elif index.kind == "number" and index.text.isdigit() and len(index.text) < 5:
                path.append(int(index.text))
            else:
                raise ConditionError(
                    index.column, "a text or a place from 0 belongs here", "write args['a name'] or args.ids[0]"
                )
            self._expect("]", "close the bracket with ]")
        if not path:
            raise ConditionError(token.column, "args is all arguments at once", "name one, as in args.amount_cents")
        if len(path) > 8:
            raise ConditionError(token.column, "a path of more than 8 members", "look less deep")
        steps = tuple(path)
        return _Part("any", argument(steps), token.column, path=steps)

    # -- calls --------------------------------------------------------------------------------------------------------

    def _call(self, name: Token) -> _Part:
        if name.text not in _FUNCTIONS:
            raise ConditionError(name.column, f"{name.text!r} is no function of this language", _cure_for(name.text))
        self._take()
        self._deeper(name.column)
        given: list[_Part] = []
        named: dict[str, _Part] = {}
        while not self._is(")"):
            if (
                self._next.kind == "word"
                and self._tokens[self._at + 1].text == "="
                and self._tokens[self._at + 1].kind == "sign"
            ):
                word = self._take()
                self._take()
                if word.text in named:
                    raise ConditionError(word.column, f"{word.text} stands twice", "say it once")
                named[word.text] = self._sum()
            elif named:
                raise ConditionError(self._next.column, "stands behind a named value", "put it first")
            else:
                given.append(self._either())
            if not self._is(")"):
                self._expect(",", "put commas between the values and ) at the end")
        self._take()
        self._depth -= 1
        return _FUNCTIONS[name.text](self, name, given, named)

    def _plain(self, name: Token, given: list[_Part], named: dict[str, _Part], *kinds: tuple[_Kind, ...]) -> None:
        shape = _SHAPES[name.text]
        if named or len(given) != len(kinds):
            raise ConditionError(name.column, f"{name.text} takes {len(kinds)} values", f"write {shape}")
        for part, accepted in zip(given, kinds, strict=True):
            if part.kind != "any" and part.kind not in accepted:
                raise ConditionError(
                    part.column, f"{_KINDS[part.kind]} stands where {_KINDS[accepted[0]]} belongs", f"write {shape}"
                )

    def read_len(self, name: Token, given: list[_Part], named: dict[str, _Part]) -> _Part:
        self._plain(name, given, named, ("list", "text"))
        return _Part("number", length(given[0].ask), name.column)

    def read_lower(self, name: Token, given: list[_Part], named: dict[str, _Part]) -> _Part:
        self._plain(name, given, named, ("text",))
        asked = given[0].ask
        return _Part("text", lambda scene: lowered(asked(scene)), name.column)

    def read_domain(self, name: Token, given: list[_Part], named: dict[str, _Part]) -> _Part:
        self._plain(name, given, named, ("text", "list"))
        asked = given[0].ask
        kind: _Kind = "text" if given[0].kind == "text" else ("list" if given[0].kind == "list" else "any")
        return _Part(kind, lambda scene: domain_of(asked(scene)), name.column)

    def read_startswith(self, name: Token, given: list[_Part], named: dict[str, _Part]) -> _Part:
        self._plain(name, given, named, ("text",), ("text",))
        return _Part("truth", of_two_texts(str.startswith, given[0].ask, given[1].ask), name.column)

    def read_endswith(self, name: Token, given: list[_Part], named: dict[str, _Part]) -> _Part:
        self._plain(name, given, named, ("text",), ("text",))
        return _Part("truth", of_two_texts(str.endswith, given[0].ask, given[1].ask), name.column)

    def read_contains(self, name: Token, given: list[_Part], named: dict[str, _Part]) -> _Part:
        self._plain(name, given, named, ("text", "list"), ("text", "number", "truth", "null"))
        whole, piece = given[0].ask, given[1].ask
        in_text, in_list = of_two_texts(str.__contains__, whole, piece), member_of(piece, whole)
        if given[0].kind == "list":
            return _Part("truth", in_list, name.column)
        return _Part(
            "truth",
            lambda scene: in_text(scene) if type(whole(scene)) is str else in_list(scene),
            name.column,
        )

    def read_subset(self, name: Token, given: list[_Part], named: dict[str, _Part]) -> _Part:
        self._plain(name, given, named, ("list",), ("list",))
        return _Part("truth", within(given[0].ask, given[1].ask), name.column)

    def read_exists(self, name: Token, given: list[_Part], named: dict[str, _Part]) -> _Part:
        self._plain(name, given, named, ("any",))
        path = given[0].path
        if path is None:
            raise ConditionError(given[0].column, "only an argument can be absent", "write exists(args.note)")
        return _Part("truth", is_there(path), name.column)

    def read_clock(self, name: Token, given: list[_Part], named: dict[str, _Part]) -> _Part:
        zone: tzinfo = UTC
        if named or len(given) > 1 or (given and not isinstance(given[0].constant, str)):
            raise ConditionError(
                name.column, f"{name.text} takes the name of a time zone", f"write {_SHAPES[name.text]}"
            )
        if given:
            zone = _zone(given[0])
        hour = name.text == "hour"

        def read(scene: Scene) -> Any:
            if scene.now is None:
                return UNKNOWN
            there = datetime.fromtimestamp(scene.now, zone)
            return there.hour if hour else there.isoweekday()

        return _Part("number", read, name.column)

    def read_called(self, name: Token, given: list[_Part], named: dict[str, _Part]) -> _Part:
        shape = f"write {_SHAPES['called']}"
        if len(given) != 1 or not isinstance(given[0].constant, str) or not _TOOL.fullmatch(given[0].constant):
            raise ConditionError(name.column, "called needs the name of a tool, in quotes", shape)
        for word, part in named.items():
            if word not in ("within", "same", "there"):
                raise ConditionError(part.column, f"called knows no {word}=", shape)
        tool: str = given[0].constant
        within = _seconds(named["within"], shape) if "within" in named else float(MOST_SECONDS)
        here = _paths(named["same"], shape) if "same" in named else ()
        there = _paths(named["there"], shape) if "there" in named else here
        if len(here) != len(there):
            raise ConditionError(name.column, "same and there name different numbers of arguments", shape)
        self.looks_back = True
        self.remembers.add((tool, there))
        steps = tuple(argument(tuple(path.split("."))) for path in here)

        def ask(scene: Scene) -> Any:
            if scene.called is None:
                return UNKNOWN
            same = []
            for path, step in zip(there, steps, strict=True):
                value = step(scene)
                if value is UNKNOWN or value is None or likeness(value) is None:
                    return UNKNOWN
                same.append((path, value))
            said = scene.called(tool, within, tuple(same))
            return said if type(said) is bool else UNKNOWN

        return _Part("truth", ask, name.column)


_NAMES: Final[Mapping[str, _Kind]] = {
    "tool": "text",
    "tool_class": "text",
    "client": "text",
    "subject": "text",
    "purpose": "text",
    "roles": "list",
    "scopes": "list",
    "is_service": "truth",
}
_Function = Callable[[Parser, Token, list[_Part], dict[str, _Part]], _Part]
_FUNCTIONS: Final[Mapping[str, _Function]] = {
    "len": Parser.read_len,
    "lower": Parser.read_lower,
    "domain": Parser.read_domain,
    "startswith": Parser.read_startswith,
    "endswith": Parser.read_endswith,
    "contains": Parser.read_contains,
    "subset": Parser.read_subset,
    "exists": Parser.read_exists,
    "hour": Parser.read_clock,
    "weekday": Parser.read_clock,
    "called": Parser.read_called,
}
_SHAPES: Final[Mapping[str, str]] = {
    "len": "len(args.ids)",
    "lower": "lower(args.country)",
    "domain": "domain(args.recipient)",
    "startswith": "startswith(args.path, '/tmp/')",
    "endswith": "endswith(args.name, '.txt')",
    "contains": "contains(args.note, 'urgent')",
    "subset": "subset(domain(args.recipients), tenant.domains)",
    "exists": "exists(args.note)",
    "hour": "hour('Europe/Berlin')",
    "weekday": "weekday('Europe/Berlin')",
    "called": "called('get_order', within='10 min', same='order_id')",
}
_TOOL = re.compile(r"[A-Za-z0-9_./-]{1,122}")
_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*){0,7}")
_DURATION = re.compile(r"([0-9]{1,5}) ?(s|sec|seconds?|min|minutes?|h|hours?)")
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,2}")


_RESERVED: Final = frozenset({"and", "or", "not", "in", "true", "false", "null"})
_PYTHONIC: Final[Mapping[str, str]] = {"True": "true", "False": "false", "None": "null", "AND": "and", "OR": "or"}


def _cure_for(word: str) -> str:
    if word in _PYTHONIC:
        return f"write {_PYTHONIC[word]}"
    if word in _RESERVED:
        return f"{word} stands between two conditions or values"
    if word in _FUNCTIONS:
        return f"write {_SHAPES[word]}"
    names = sorted({*_NAMES, "args", "tenant", "first_use", *_FUNCTIONS})
    return f"arguments are args.{word if len(word) <= 40 else 'name'}; other names are {', '.join(names)}"


def _zone(part: _Part) -> tzinfo:
    name = part.constant
    if _ZONE.fullmatch(name) and len(name) <= 64:
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            pass
    raise ConditionError(
        part.column, f"{name[:64]!r} is no time zone known here", "write one such as 'Europe/Berlin', or install tzdata"
    )


def _seconds(part: _Part, shape: str) -> float:
    match = _DURATION.fullmatch(part.constant) if isinstance(part.constant, str) else None
    if match is None:
        raise ConditionError(part.column, "within is a length of time in quotes: '30 s', '10 min', '2 h'", shape)
    seconds = int(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2][0]]
    if not 1 <= seconds <= MOST_SECONDS:
        raise ConditionError(part.column, "within is 1 second to 24 hours", shape)
    return float(seconds)


def _paths(part: _Part, shape: str) -> tuple[str, ...]:
    said = (part.constant,) if isinstance(part.constant, str) else part.constant
    if not isinstance(said, tuple) or not 1 <= len(said) <= 4:
        raise ConditionError(part.column, "names one argument, or a list of up to 4", shape)
    for path in said:
        if not isinstance(path, str) or not _PATH.fullmatch(path) or len(path) > 200:
            raise ConditionError(part.column, "is no argument's name", "write it as in 'order_id' or 'order.id'")
    return said
