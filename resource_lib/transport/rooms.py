"""
What one answer may be about: for each request of a body, by what its answer is looked through and what is said in its place.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from resource_lib.audit.recording import Recording
from resource_lib.decision import Deny
from resource_lib.definition import Definition
from resource_lib.identity.principal import Principal
from resource_lib.limits.downstream import DownstreamLimitedError, said_by
from resource_lib.output import Leaving, Output, WithheldError
from resource_lib.output.hostile import Screening
from resource_lib.output.own_words import OwnWords
from resource_lib.output.unasked import Others, Unasked
from resource_lib.policy import Demand
from resource_lib.policy.method_policy import PROTOCOL
from resource_lib.transport import answers
from resource_lib.transport.answers import RequestId
from resource_lib.transport.asked import Asked, Tasks
from resource_lib.transport.body import Body, Message
from resource_lib.transport.outward import Question, Room
from resource_lib.transport.refusals import Refusals, described
from resource_lib.transport.request import Request

_UNREADABLE: Final = "cannot be read"
_WITHHELD: Final = "output_withheld"

Heard = Callable[[Leaving, Principal], None]
"""Told of each part of an answer that was looked through, and for whom."""

Refuses = Callable[[Deny, Principal, str], None]
"""Told of a refusal, of whom, and of which definition of a tool by its hash."""


class Rooms:
    """
    Makes them. `heard` is told of what was looked through; `may_see` tells whether a caller may see personal data at
    all; `limited` is told of calls that ended because an API may not be asked more often; `telling` is what must be over before an answer
    to somebody leaves.
    """

    def __init__(
        self,
        settings: Output,
        refusals: Refusals,
        heard: Heard,
        *,
        may_see: Callable[[Principal], bool],
        limited: Refuses,
        telling: Callable[[Principal], Awaitable[object] | None] = lambda _: None,
        releases: bool = False,
        outside: Collection[str] = (),
    ) -> None:
        """`releases`: whether there is somebody who could release what is withheld. `outside`: methods of which strangers' text comes."""
        self.settings = settings
        self._outside = frozenset(outside)
        self._may_see = may_see
        self._releases = releases
        self._refusals = refusals
        self._heard = heard
        self._limited = limited
        self._telling = telling
        self._asked = Asked()
        self._tasks = Tasks()
        self._screening = (
            None if settings.screen is None else Screening(settings.screen, timeout_s=settings.screen_seconds)
        )
        self.unasked = Unasked(settings.screening)
        """What is known of what the server may say by itself."""
        self.own_words = OwnWords()
        """What is known of what the server says of itself."""

    def of(
        self,
        body: Body | None,
        request: Request,
        principal: Principal,
        *,
        demands: Mapping[str, Demand],
        definitions: Mapping[str | None, Definition],
        session: bytes | None = None,
        seeing: frozenset[int] = frozenset(),
        refused: Sequence[DownstreamLimitedError] | None = None,
        record: Recording | None = None,
    ) -> Room:
        """Return the room of an answer to `body` (None: to a request without one). `seeing`: the messages that may show personal data.

        `session` is the caller's own; None: there is none.

        `refused` is what was refused while the call runs, because an API may not be asked more often. `record` takes note of what
        is changed, seen and withheld.
        """
        messages = () if body is None else body.messages
        owner = principal.tenant, principal.subject, principal.client_id

        def task(task_id: Any) -> Question | None:
            found = self._tasks.of(owner, task_id)
            return found if found is None or self._may_see(principal) else _masked(found)

        asking = [message for message in messages if message.id is not None]
        by_id = {message.id: message for message in asking}
        questions = tuple(
            self._question(
                message,
                request,
                principal,
                demands,
                definitions,
                sees_personal=at in seeing,
                is_alone=body is not None and not body.is_batch,
                refused=refused,
                task=task,
                record=record,
            )
            for at, message in enumerate(messages)
            if message.id is not None
        )
        is_about_tools = any(_is_about_tools(message) for message in messages)
        if session is not None:
            self._asked.note(
                session, [self._kept(one, message) for one, message in zip(questions, asking, strict=True)]
            )

        def earlier(request_id: RequestId) -> Question | None:
            found = None if session is None else self._asked.of(session, request_id)
            return found if found is None or self._may_see(principal) else _masked(found)

        person = principal.tenant, principal.subject

        def others() -> Others:
            # A stream that is opened before any list was seen: nobody knows what the tools call personal.
            return self.unasked.of(person, demands, is_uncertain=body is None and self.lacks_tools(demands))

        def goes_on(task_id: str, question: Question) -> None:
            self._tasks.note(owner, task_id, self._kept(question, by_id.get(question.id)))

        def heard(leaving: Leaving) -> None:
            if leaving.taught is not None:
                self.unasked.learn(person, leaving.taught)
            self._heard(leaving, principal)
            if record is not None:
                record.heard(leaving)

        return Room(
            questions=questions,
            unasked=lambda method: Leaving(settings=self.settings, method=method),
            earlier=earlier,
            others=others,
            goes_on=goes_on,
            task=task,
            heard=heard,
            saw=None if record is None else record.saw,
            says_of_itself=self.own_words.learn,
            screening=self._screening,
            telling=lambda: self._telling(principal),
            most_bytes=self.settings.most_bytes,
            is_batch=body is not None and body.is_batch,
            withholds=is_about_tools,
            withholds_events=is_about_tools or body is None,
        )

    def lacks_tools(self, demands: Mapping[str, Demand]) -> bool:
        """Tell whether there are tools of which no list was seen yet."""
        return bool(demands) and not self.unasked.knows_tools

    def _kept(self, question: Question, message: Message | None) -> Question:
        """Return a question as it is kept for later: what it was asked with is not kept for that."""
        known = question.leaving()
        known.arguments, known.can_be_released = None, False
        asked = None if message is None else message._replace(params={})
        withheld = question.withheld if asked is None else partial(self._reply, asked, modern=question.is_modern)
        return replace(question, leaving=lambda: replace(known, notes=[], cut=[]), withheld=withheld, instead=None)

    def begin(self, session: bytes, body: Body) -> frozenset[tuple[bytes, str]] | None:
        """Take the ids of what is asked in a session, until `end`; None: one of them is in use there (JSON-RPC 2.0 §4, MCP "Requests")."""
        return self._asked.begin(session, [message.id for message in body.messages if message.id is not None])

    def end(self, taken: frozenset[tuple[bytes, str]]) -> None:
        """Give ids back."""
        self._asked.end(taken)

    def _question(
        self,
        message: Message,
        request: Request,
        principal: Principal,
        demands: Mapping[str, Demand],
        definitions: Mapping[str | None, Definition],
        *,
        sees_personal: bool,
        is_alone: bool,
        refused: Sequence[DownstreamLimitedError] | None,
        task: Callable[[Any], Question | None],
        record: Recording | None,
    ) -> Question:
        tool = message.tool
        demand = None if tool is None else demands.get(tool)
        shown = "" if tool is None else answers.shown(tool)
        definition = definitions.get(tool)

        def leaving() -> Leaving:
            return Leaving(
                settings=self.settings,
                method=message.method,
                tool=shown,
                demand=demand,
                definition=definition,
                sees_personal=sees_personal,
                own_words=self.own_words,
                arguments=message.arguments,
                is_labelled_outside=tool is None and message.method in self._outside,
                # What is only in a memory must be something that can be asked for once more.
                can_be_released=self._releases and is_alone and demand is not None and demand.tool_class == "read",
            )

        modern = request.is_modern

        def withheld(error: WithheldError | None) -> dict[str, Any]:
            if record is not None:
                record.withheld(message.id, _WITHHELD if error is None else error.error)
            return self._reply(message, error, modern=modern)

        def instead(result: dict[str, Any]) -> dict[str, Any] | None:
            error = said_by(result, refused or ())
            if error is None:
                return None
            deny = error.refusal(shown)
            self._limited(deny, principal, "" if definition is None else definition.hash)
            return self._refused(message, deny, modern=modern)

        return Question(
            id=message.id,
            is_modern=modern,
            instead=instead if refused is not None and tool is not None else None,
            leaving=leaving,
            withheld=withheld,
            is_protocol=message.method in PROTOCOL,
            is_grave=demand is not None and bool(demand.returns),
            asks_of_task=message.method.startswith("tasks/"),
            task_of=task(_task_id(message)) if message.method.startswith("tasks/") else None,
        )

    def _reply(self, message: Message, error: WithheldError | None, *, modern: bool) -> dict[str, Any]:
        if error is None:
            subject = answers.shown(message.tool or message.method)
            error = WithheldError(
                _UNREADABLE,
                message=f"{subject} has run, and its answer is withheld: it {_UNREADABLE} with certainty. "
                "Do not call it again for that; tell whoever runs this server.",
            )
        return self._refused(
            message, Deny(error=error.error, message=error.message, reason=error.reason), modern=modern
        )

    def _refused(self, message: Message, deny: Deny, *, modern: bool) -> dict[str, Any]:
        return answers.refused_reply(
            message.id,
            described(message, deny),
            is_tool=message.tool is not None,
            modern=modern,
            structured=self._refusals.structured(message.tool, modern=modern),
        )


def _task_id(message: Message) -> Any:
    return message.params.get("taskId") if isinstance(message.params, dict) else None


def _masked(question: Question) -> Question:
    """Return the same question, asked by a token that may not see what the earlier one could."""
    return replace(question, leaving=lambda: replace(question.leaving(), sees_personal=False))


def _is_about_tools(message: Message) -> bool:
    """Tell whether something that a tool, a resource or a prompt says could stand in the answer to it."""
    return message.method not in PROTOCOL and not message.method.startswith("notifications/")
