"""
What a server answers is looked through before it leaves: each message of it, whichever way it travels.

A JSON body waits until it is whole; of an event stream each event leaves at once. A message in which nothing changed leaves as the
server's own bytes. What cannot be read (compressed, another content type, too large, no JSON, a repeated member) does not leave, unless
the request carried nothing that a tool could answer.

The result of a call is known by the id of its request. A stream that is opened by GET may repeat answers to earlier requests of its
session; whose answer that is was remembered when it was asked (`Asked`).
"""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from resource_lib.beside import beside
from resource_lib.definition import named
from resource_lib.event_stream import Events, data_of, lines_of, with_data
from resource_lib.output import Leaving, WithheldError, cleaned
from resource_lib.output.hostile import Screening, Sign
from resource_lib.output.leaving import ScreenAwaitedError
from resource_lib.output.mirrors import MOST_DEPTH
from resource_lib.output.unasked import Others
from resource_lib.policy.method_policy import CATALOGUES
from resource_lib.transport import answers
from resource_lib.transport.answers import Answer, RequestId
from resource_lib.transport.asgi import Message, Send, send_whole, without_length
from resource_lib.wire import strict_json

_MEMBERS: Final = frozenset({"jsonrpc", "id", "method", "params", "result", "error"})
_KNOWN_LINES: Final = (b"id:", b"event:", b"retry:")
_USUAL: Final = frozenset(
    {
        "notifications/progress",
        "notifications/message",
        "sampling/createMessage",
        "elicitation/create",
        "roots/list",
        "ping",
    }
)
_OF_A_RESULT: Final = frozenset({"content", "structuredContent"})
_NO_REQUEST: Final = (None, "server-error")
"""Ids under which servers, the official SDK among them, answer what they did not read."""
_AT_ONCE: Final = 64 * 1024
"""Bytes of a message that is looked through at once; a longer one beside the loop, which serves everybody else meanwhile."""
_LONGEST_WORD: Final = 1000
"""Characters of a method, an id, or a line of an event beside its data. What is longer is none."""
_KEPT: Final = frozenset({b"mcp-session-id"})
"""Headers that stay where the answer itself does not."""

log = logging.getLogger("resource_lib.guard")


class UnreadableAnswerError(Exception):
    """An answer that two programs could read differently, or not at all."""


class _BesideError(Exception):
    """Somebody has to look through this beside the loop; then the same message is read once more."""

    def __init__(self, value: Mapping[str, Any], leaving: Leaving) -> None:
        super().__init__(leaving.part)
        self.value = value
        self.leaving = leaving


_Looked = tuple[Leaving, Mapping[str, Any] | WithheldError]
"""What was known of a part, and what leaves in its place."""


@dataclass(kw_only=True, slots=True, eq=False)
class Question:
    """One request that the server answers, and by what its answer is looked through."""

    id: RequestId
    leaving: Callable[[], Leaving]
    """Makes what is known of an answer to it."""
    withheld: Callable[[WithheldError | None], dict[str, Any]]
    """Makes the reply in its place, where it does not leave; None: it could not be read."""
    instead: Callable[[dict[str, Any]], dict[str, Any] | None] | None = None
    """Makes the reply in the place of a result that only passes on a refusal of ours; None: it is the tool's own."""
    is_protocol: bool = False
    """Whether its result is the protocol's own word, in which no tool speaks."""
    is_grave: bool = False
    """Whether what is said meanwhile is looked through as its answer, where several are asked at once."""
    is_modern: bool = False
    """Whether it was asked in the protocol of 2026-07-28."""
    asks_of_task: bool = False
    """Whether it asks what came of a call that goes on as a task."""
    task_of: "Question | None" = None
    """The call that the task is of, where it asks of one; None: nobody knows."""


@dataclass(kw_only=True, slots=True, eq=False)
class Room:
    """What one answer may be about."""

    questions: tuple[Question, ...]
    """What this request asks."""
    unasked: Callable[[str], Leaving]
    """Makes what is known of what a server says by itself, under a method."""
    others: Callable[[], Others]
    """Finds what any of the caller's tools could say in it."""
    earlier: Callable[[RequestId], Question | None]
    """Finds what an answer is about that this request did not ask for."""
    goes_on: Callable[[str, Question], None]
    """Told the id of a task as which a call goes on."""
    task: Callable[[Any], Question | None]
    """Finds the call that a task is of."""
    heard: Callable[[Leaving], None]
    """Told of each part that was looked through."""
    says_of_itself: Callable[[Mapping[str, Any]], None] = lambda _: None
    """Told of each result in which no tool speaks."""
    screening: Screening | None = None
    """Who judges texts beside the patterns; None: nobody does."""
    telling: Callable[[], Awaitable[object] | None] = lambda: None
    """What must be over before it leaves; None: nothing."""
    saw: Callable[[Leaving, Mapping[str, Any]], None] | None = None
    """Told of each part as it was before it was looked through; None: nobody listens."""
    most_bytes: int
    is_batch: bool = False
    withholds: bool
    """Whether a whole answer that cannot be read stays here: something that a tool says could stand in it."""
    withholds_events: bool
    """The same of an event of a stream."""


class Reader:
    """Looks through messages: bytes in, the same bytes out where nothing changes."""

    __slots__ = (
        "_at",
        "_by_id",
        "_done",
        "_is_told_again",
        "_looked",
        "_only",
        "_room",
        "_size",
        "_speaker",
        "_verdicts",
        "unanswered",
    )

    def __init__(self, room: Room) -> None:
        self._room = room
        self._is_told_again = False
        self._size: int | None = None
        self._verdicts: dict[tuple[str, ...], tuple[Sign, ...] | None] = {}
        self._done: dict[int, Any] = {}
        """Of a batch, what was looked through while a screen is asked about another part of it."""
        self._looked: list[_Looked] | None = None
        """The parts of one message that were looked through beside the loop, in their order; None: it is looked through at once."""
        self._at = 0
        self._by_id = {(type(one.id), one.id): one for one in room.questions}
        self._only = room.questions[0] if len(room.questions) == 1 else None
        about_tools = [one for one in room.questions if not one.is_protocol]
        self._speaker = self._only or next((one for one in about_tools if one.is_grave), next(iter(about_tools), None))
        self.unanswered = list(room.questions)
        """Those to which no answer was seen."""

    async def screened(self, raw: bytes) -> bytes:
        """Return what leaves in the place of `raw`, once a screen has looked at it, where there is one. Raises UnreadableAnswerError."""
        screening, is_long = self._room.screening, len(raw) > _AT_ONCE
        if screening is None and not is_long:
            return self.read(raw)
        self._done.clear()
        self._verdicts.clear()
        self._looked = [] if is_long else None
        value = await beside(partial(_parsed, raw)) if is_long else _parsed(raw)
        self._size = len(raw)
        while True:
            try:
                other = self._read(value)
                break
            except ScreenAwaitedError as waits:
                texts, tool = waits.texts, waits.tool
            except _BesideError as waits:
                try:
                    self._looked = [*(self._looked or ()), await beside(partial(_looked_through, waits))]
                    continue
                except ScreenAwaitedError as screen:
                    texts, tool = screen.texts, screen.tool
            assert screening is not None
            self._verdicts[texts] = await screening.verdict(texts, tool=tool)
        if other is value:
            return raw
        return await beside(partial(_written, other)) if is_long else _written(other)

    def read(self, raw: bytes) -> bytes:
        """Return what leaves in the place of `raw`, one message or a batch. Raises UnreadableAnswerError."""
        self._looked = None
        value = _parsed(raw)
        self._size = len(raw)
        other = self._read(value)
        return raw if other is value else _written(other)

    def _read(self, value: Any) -> Any:
        """Return what leaves in the place of one message or a batch; the very same object where nothing changes."""
        if type(value) is dict:
            return self._message(value)
        if type(value) is not list or any(type(one) is not dict for one in value):
            raise UnreadableAnswerError
        for at, one in enumerate(value):
            if at not in self._done:
                self._done[at] = self._message(one)
                self._looked = None if self._looked is None else []
        others = list(self._done.values())
        self._done = {}
        return value if all(new is old for new, old in zip(others, value, strict=True)) else others

    def told_again(self, message: dict[str, Any]) -> dict[str, Any]:
        """Return what leaves in the place of a reply that was kept since it left: to whoever asks now, by their own rights."""
        self._is_told_again = True
        return self._message(message)

    def _message(self, message: dict[str, Any]) -> dict[str, Any]:
        self._at = 0
        if not _MEMBERS.issuperset(message) or message.get("jsonrpc") != "2.0":
            message = {name: member for name, member in message.items() if name in _MEMBERS} | {"jsonrpc": "2.0"}
        if ("method" in message) + ("result" in message) + ("error" in message) != 1:
            raise UnreadableAnswerError
        if "method" in message:
            return self._said(message)
        question = self._question(message.get("id"))
        if "error" in message:
            # An error may name no request at all.
            return self._error(message, question or self._only)
        if question is None:
            raise UnreadableAnswerError  # the result of what nobody asked
        result = message["result"]
        if type(result) is not dict:
            raise UnreadableAnswerError
        reply = None if question.instead is None else question.instead(result)
        if reply is None:
            reply = self._result(_with_id_of(message, question), result, question)
        self._answered(question)
        return reply

    def _result(self, message: dict[str, Any], result: dict[str, Any], question: Question) -> dict[str, Any]:
        if question.is_protocol:
            self._room.says_of_itself(result)
            return message
        if question.asks_of_task:
            return self._of_task(message, "result", question.task_of, question)
        task = result.get("task")
        if type(task) is dict and isinstance(task.get("taskId"), str):
            self._room.goes_on(task["taskId"], question)
        leaving = question.leaving()
        if not leaving.tool and leaving.method not in CATALOGUES:
            # A document or a prompt may hold what any tool returns; there is no switch for whoever may see it.
            leaving.others = self._others(question)
        return self._cleaned(message, "result", leaving, question)

    def _of_task(
        self, message: dict[str, Any], member: str, task_of: Question | None, question: Question | None
    ) -> dict[str, Any]:
        """Look through what is said of a call that goes on: what came of it stands there, or inside it."""
        value = message[member]
        inner = value.get("result")
        is_inside = type(inner) is dict
        if not is_inside and not (_OF_A_RESULT & value.keys()):
            # How far it is, or why it failed: the words of its tool, where anybody knows which one it was.
            leaving = self._of_any(task_of or question, None)
            if task_of is None:
                leaving.others = self._room.others()
                leaving.part = "said" if question is None else "result"
            return self._cleaned(message, member, leaving, question)
        if task_of is None:
            if question is None:
                raise UnreadableAnswerError
            return question.withheld(None)
        leaving = task_of.leaving()
        if not is_inside:
            return self._cleaned(message, member, leaving, question)
        found = self._cleaned({"result": inner}, "result", leaving, question)
        if "result" not in found or "jsonrpc" in found:
            return found
        around = self._of_any(task_of, None)
        rest = {name: each for name, each in value.items() if name != "result"}
        outer = self._cleaned({member: rest}, member, around, question)
        if member not in outer or "jsonrpc" in outer:
            return outer
        if found["result"] is inner and outer[member] is rest:
            return message
        return {**message, member: {**outer[member], "result": found["result"]}}

    def _question(self, request_id: Any) -> Question | None:
        # By this very id: a server that knows ids by their text alone may answer here what was asked elsewhere.
        found = self._by_id.get((type(request_id), request_id)) if type(request_id) in (str, int, float) else None
        return found or self._room.earlier(request_id)

    def _answered(self, question: Question) -> None:
        if question in self.unanswered:
            self.unanswered.remove(question)

    def _said(self, message: dict[str, Any]) -> dict[str, Any]:
        """Look through what the server says or asks meanwhile."""
        method = message["method"]
        if type(method) is not str or not (method in _USUAL or self._is_clean(method)):
            raise UnreadableAnswerError
        if type(message.get("id")) is str and not self._is_clean(message["id"]):
            raise UnreadableAnswerError
        params = message.get("params")
        if params is None:
            return message
        if type(params) is not dict:
            raise UnreadableAnswerError
        if "taskId" in params:
            return self._of_task(message, "params", self._room.task(params["taskId"]), None)
        return self._cleaned(message, "params", self._of_any(self._speaker, method), None)

    def _of_any(self, question: Question | None, method: str | None) -> Leaving:
        """Return what is known of what is said beside an answer: whichever tool it was asked of, any other one could stand behind it."""
        leaving = self._room.unasked("") if question is None else question.leaving()
        leaving.method, leaving.part = leaving.method if method is None else method, "said"
        leaving.others = self._others(question)
        return leaving

    def _others(self, question: Question | None) -> Others:
        """Return what may stand in it of others; where something was asked, that says itself how grave it is and where it comes from."""
        others = self._room.others()
        return others if question is None or question.is_protocol else others.in_words()

    def _error(self, message: dict[str, Any], question: Question | None) -> dict[str, Any]:
        error = message["error"]
        if type(error) is not dict:
            raise UnreadableAnswerError
        if question is not None:
            message = _with_id_of(message, question)
        elif message.get("id") is not None:
            message = {**message, "id": None}
        leaving = self._room.unasked("") if question is None else question.leaving()
        leaving.part = "error"
        leaving.others = self._others(question)
        reply = self._cleaned(message, "error", leaving, question)
        if question is not None:
            self._answered(question)
        return reply

    def _is_clean(self, text: str) -> bool:
        """Tell whether a word that must stay as it is holds nothing that may not leave."""
        if len(text) > _LONGEST_WORD:
            return False
        leaving = self._room.unasked("")
        leaving.part = "said"
        said = {"text": text}
        return cleaned(said, leaving) is said

    def is_clean(self, line: bytes) -> bool:
        """Tell whether a line of an event beside its data may leave."""
        if line in (b"event: message", b"event:message"):
            return True
        try:
            return self._is_clean(line.decode("utf-8"))
        except UnicodeDecodeError:
            return False

    def _cleaned(
        self, message: dict[str, Any], member: str, leaving: Leaving, question: Question | None
    ) -> dict[str, Any]:
        value = message[member]
        leaving.is_told_again, leaving.size = self._is_told_again, self._size
        if self._room.screening is not None:
            tool = leaving.tool

            def verdict(texts: tuple[str, ...]) -> tuple[Sign, ...] | None:
                if texts not in self._verdicts:
                    raise ScreenAwaitedError(texts, tool)
                return self._verdicts[texts]

            leaving.verdict = verdict
        leaving, other = (
            (leaving, _cleaned(value, leaving)) if self._looked is None else self._looked_at(value, leaving)
        )
        self._saw(leaving, value)
        if isinstance(other, WithheldError):
            log.warning(
                "what %s says was withheld: %s",
                leaving.tool or leaving.method,
                other.reason,
                extra={"event": "output.withheld", "reason": other.reason, **named(leaving.tool, leaving.definition)},
            )
            self._room.heard(leaving)
            if question is None:
                raise UnreadableAnswerError
            return question.withheld(other)
        self._room.heard(leaving)
        return message if other is value else {**message, member: other}

    def _looked_at(self, value: Mapping[str, Any], leaving: Leaving) -> _Looked:
        """Return what came of looking through a part beside the loop. Raises _BesideError where nobody has looked yet."""
        at, self._at = self._at, self._at + 1
        assert self._looked is not None
        if at >= len(self._looked):
            raise _BesideError(value, leaving)
        return self._looked[at]

    def _saw(self, leaving: Leaving, value: Mapping[str, Any]) -> None:
        """Tell whoever listens what was looked through, as the server said it, once: a screen may have had to be waited for."""
        if self._room.saw is not None:
            self._room.saw(leaving, value)


def _cleaned(value: Mapping[str, Any], leaving: Leaving) -> Mapping[str, Any] | WithheldError:
    """Return what leaves in the place of `value`, or why nothing does. Raises ScreenAwaitedError alone: what cannot be looked through stays here."""
    try:
        return cleaned(value, leaving)
    except WithheldError as error:
        return error
    except ScreenAwaitedError:
        raise
    except Exception as error:
        log.exception("what %s says could not be looked through", leaving.tool or leaving.method)
        subject = leaving.tool or leaving.method
        return WithheldError(
            f"it could not be looked through ({type(error).__name__})",
            message=f"{subject} has run, and its answer is withheld: it cannot be looked through. Do not call it again for that; tell "
            "whoever runs this server.",
        )


def _looked_through(waits: _BesideError) -> _Looked:
    return waits.leaving, _cleaned(waits.value, waits.leaving)


def _parsed(raw: bytes) -> Any:
    try:
        return strict_json.loads_message(raw, most_depth=MOST_DEPTH)
    except ValueError:
        raise UnreadableAnswerError from None


def _written(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")


class Outward:
    """Stands between the server and the wire."""

    __slots__ = ("_events", "_has_lost", "_held", "_is_over", "_kind", "_reader", "_room", "_send", "_start")

    def __init__(self, send: Send, room: Room) -> None:
        self._send = send
        self._room = room
        self._reader = Reader(room)
        self._kind = "json"
        self._start: Message = {"type": "http.response.start", "status": 500, "headers": []}
        self._held = bytearray()
        self._events = Events()
        self._has_lost = False
        self._is_over = False

    async def send(self, message: Message) -> None:
        """Take one ASGI message from the server."""
        if message["type"] == "http.response.start":
            await self._began(message)
        elif self._kind == "passing":
            await self._send(message)
        elif message["type"] != "http.response.body" or self._is_over:
            return  # trailers, or a file by its path: nothing that MCP knows, and a way around
        elif self._kind == "stream":
            await self._stream(message)
        else:
            await self._whole(message)

    async def _began(self, message: Message) -> None:
        kind, is_plain = _content_of(message)
        self._start = message
        if kind == b"text/event-stream" and is_plain:
            self._kind = "stream"
            await self._send({**message, "headers": without_length(message)})
        elif kind == b"application/json" and is_plain:
            self._kind = "json"
        elif self._room.withholds:
            self._kind = "strange"
        else:
            self._kind = "passing"
            await self._send(message)

    async def _whole(self, message: Message) -> None:
        self._held += message.get("body", b"")
        if len(self._held) > self._room.most_bytes:
            await self._withhold()
        elif not message.get("more_body", False):
            raw = bytes(self._held)
            try:
                body = await self._read(raw)
            except UnreadableAnswerError:
                await self._withhold()
                return
            await self._settled()
            await send_whole(self._send, self._start, body, is_changed=body is not raw)

    async def _settled(self) -> None:
        telling = self._room.telling()
        if telling is not None:
            await telling

    async def _read(self, raw: bytes) -> bytes:
        if not raw:
            return raw
        try:
            if self._kind == "strange":
                raise UnreadableAnswerError
            return await self._reader.screened(raw)
        except UnreadableAnswerError:
            if self._room.withholds:
                raise
            return raw

    async def _withhold(self) -> None:
        """Answer in the server's place what was asked, with the server's own status where that is an error."""
        self._is_over = True
        _log_unreadable()
        replies = [one.withheld(None) for one in self._room.questions]
        status = self._start["status"] if self._start["status"] >= 400 else 200
        if not replies:
            answer = answers.UNUSABLE_ANSWER
        else:
            body = answers.replied(replies if self._room.is_batch else replies[0])
            answer = Answer(status, body.body, body.headers)
        kept = [each for each in self._start.get("headers", ()) if each[0].lower() in _KEPT]
        await self._send(answer.start(kept))
        await self._send({"type": "http.response.body", "body": answer.body, "more_body": False})

    async def _stream(self, message: Message) -> None:
        more = message.get("more_body", False)
        out = bytearray()
        for event in self._events.feed(message.get("body", b"")):
            out += await self._event(event)
        if len(self._events) > self._room.most_bytes:
            more, self._has_lost = False, True
            _log_unreadable()
        elif not more and len(self._events):
            out += await self._event(self._events.rest())
        if not more:
            self._is_over = True
            if self._has_lost:
                for reply in [one.withheld(None) for one in self._reader.unanswered]:
                    out += (
                        b"event: message\ndata: " + json.dumps(reply, separators=(",", ":")).encode("ascii") + b"\n\n"
                    )
        if out or not more:
            await self._settled()
            await self._send({"type": "http.response.body", "body": bytes(out), "more_body": more})

    def _line(self, line: bytes) -> bytes | None:
        """Return a line of an event as it leaves; of one that is none of the known ones nobody knows what a reader makes of it."""
        if line.startswith(b"data:"):
            return line
        if line.startswith(b":"):
            return b":"  # a comment is no message, and yet somebody's words
        return line if line.startswith(_KNOWN_LINES) and self._reader.is_clean(line) else None

    async def _event(self, event: bytes) -> bytes:
        """Return what leaves in the place of one event; empty: nothing of it."""
        lines = lines_of(event)
        kept = [line for line in map(self._line, lines) if line is not None]
        if kept != lines:
            event = b"\r\n".join([*kept, b"", b""]) if kept else b""
        data = data_of(event)
        if not data.strip(b"\n"):
            return event
        try:
            body = await self._reader.screened(data)
        except UnreadableAnswerError:
            if not self._room.withholds_events:
                return event
            self._has_lost = True
            _log_unreadable()
            return b""
        return event if body is data else with_data(event, body)


def _with_id_of(message: dict[str, Any], question: Question) -> dict[str, Any]:
    """Return a reply under the id that was asked by: another one could be anything."""
    said = message.get("id")
    if (type(said) is type(question.id) and said == question.id) or said in _NO_REQUEST:
        return message
    return {**message, "id": question.id}


def _log_unreadable() -> None:
    log.warning(
        "an answer was withheld: it could not be read", extra={"event": "output.withheld", "reason": "unreadable"}
    )


def _content_of(message: Message) -> tuple[bytes, bool]:
    """Return the media type of a response, and whether its bytes are UTF-8 text as they stand."""
    kinds, encodings = [], []
    for name, value in message.get("headers", ()):
        lower = name.lower()
        if lower == b"content-type":
            kinds.append(value)
        elif lower == b"content-encoding":
            encodings.append(value.strip().lower())
    if len(kinds) != 1:
        return b"", False
    kind, _, parameters = kinds[0].partition(b";")
    charset = parameters.replace(b" ", b"").replace(b'"', b"").lower()
    is_utf8 = b"charset=" not in charset or b"charset=utf-8" in charset
    return kind.strip().lower(), is_utf8 and all(each == b"identity" for each in encodings)
