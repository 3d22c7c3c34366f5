"""
What a client asks for in detail: so many calls of one tool, with these arguments or under this condition, until then.

RFC 9396 §2, §5, §6, §7, §9, with the type `mcp_tool_call`. A person allows it on the consent page, and then it is a grant
(`domain/call_grants/`): the row decides, and what stands in a response, a token or an introspection only speaks of it. A
client that names fewer at the token endpoint gets a token that stands for those alone; nothing there ever adds one.

Deliberately refused: a bare `args_hash`, because nobody can read a hash; and arguments that a page cannot show in full.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from authserver.domain.approvals import showing
from authserver.domain.call_grants import grant
from authserver.domain.call_grants.grant import CallGrant, InvalidCallGrantError
from authserver.domain.clients.client import Client
from authserver.domain.resources import resource as resources
from authserver.domain.resources.resource import Resource, Tool, requested_uri
from authserver.domain.tokens.authorization import Authorization
from authserver.oauth.errors import InvalidAuthorizationDetails
from authserver.oauth.parameters import Parameters
from authserver.runtime.unit_of_work import UnitOfWork
from resource_lib.wire import strict_json
from resource_lib.wire.approvals import DETAIL_TYPE
from resource_lib.wire.tool_call import InexpressibleError, args_hash

TYPES = (DETAIL_TYPE,)

MOST_DETAILS = 5
"""In one request: a person reads each."""

MOST_CHARACTERS = 12_000
MOST_VALUES = 20
MOST_VALUE = 300
"""Of arguments that a page shows in full: so many values, each of so many characters."""

_MOST_DEPTH = 8
_USUAL_S = 3600
_MOST_CLAIM_BYTES = 640
_MEMBERS = frozenset(
    {"type", "locations", "tool", "arguments", "args_hash", "condition", "max_calls", "expires_in", "definition_hash"}
)
_ENRICHED = frozenset({"grant_id", "expires_at"})
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Detail:
    """One entry of a request, checked. `arguments` are for the page alone and are kept nowhere.

    `definition_hash` is empty where the client does not state which definition of the tool it has seen.
    """

    tool: Tool
    arguments: Mapping[str, Any] | None
    args_hash: str
    condition: str
    max_calls: int
    expires_in: int
    definition_hash: str

    @property
    def scope(self) -> tuple[str, ...]:
        """The scopes without which it is worth nothing: they are asked along."""
        return tuple(name for name in (*self.tool.scopes, self.tool.own_scope) if name)

    @property
    def key(self) -> str:
        """How a page's box names it: by all that it says."""
        said = [self.tool.name, self.definition_hash, self.args_hash, self.condition, self.max_calls, self.expires_in]
        return hashlib.sha256(orjson.dumps(said)).hexdigest()[:32]

    @property
    def lines(self) -> tuple[showing.Line, ...]:
        """Its exact arguments, each on a line; none where it is for any arguments."""
        return showing.arguments_of(self.arguments, ()) if self.arguments is not None else ()

    def seen_at(self, resource: Resource) -> "Detail | None":
        """Return it with the tool as a tenant shows it; None: that tenant does not."""
        tool = next((tool for tool in resource.tools if tool.name == self.tool.name), None)
        return None if tool is None else replace(self, tool=tool)

    def promised(self, now: int) -> dict[str, Any]:
        """Return what a code keeps of it, from the moment of the yes on."""
        return {
            "tool": self.tool.name,
            "definition_hash": self.definition_hash or grant.as_shown(self.tool),
            "args_hash": self.args_hash,
            "condition": self.condition,
            "max_calls": self.max_calls,
            "expires_at": now + self.expires_in,
        }


def understood(work: UnitOfWork, text: str, *, client: Client, resource: Resource) -> tuple[Detail, ...]:
    """Return what `authorization_details` of a request asks for at `resource` (RFC 9396 §5).

    Raises InvalidAuthorizationDetails, naming the member and the cure.
    """
    asked = tuple(_detail(work, entry, client, resource) for entry in _entries(text))
    if len({each.key for each in asked}) < len(asked):
        raise _refused("the same detail stands twice; raise max_calls instead")
    return asked


def is_empty(form: Parameters) -> bool:
    """Whether a form says nothing of details."""
    return form.one("authorization_details") is None


def refuse_any(form: Parameters) -> None:
    """Raise InvalidAuthorizationDetails where a request cannot have any: nobody would be asked about them."""
    if not is_empty(form):
        raise _refused("can be asked for at /authorize and /par alone, where a person reads them")


def narrowed(form: Parameters, held: Sequence[CallGrant]) -> tuple[CallGrant, ...] | None:
    """Return those of the held grants that a token request names (RFC 9396 §6); None: it names none, and gets all.

    Each entry is one as it was granted. Raises InvalidAuthorizationDetails for anything that is not held, more calls too.
    """
    text = form.one("authorization_details")
    if text is None:
        return None
    left = list(held)
    chosen = []
    for entry in _entries(text, may_be_none=True):
        found = next((each for each in left if _names(entry, each)), None)
        if found is None:
            raise _refused("one of these was not granted, is used up or is over; leave it out, or ask the person again")
        left.remove(found)
        chosen.append(found)
    if len(in_claim(chosen)) < len(chosen):
        raise _refused("these are too many for one token; name fewer")
    return tuple(chosen)


def said(each: CallGrant) -> dict[str, Any]:
    """Return a grant in the words of RFC 9396 §7, enriched by its id and its end."""
    answer: dict[str, Any] = {"type": DETAIL_TYPE, "locations": [each.resource], "tool": each.tool}
    if each.args_hash:
        answer["args_hash"] = each.args_hash
    if each.condition:
        answer["condition"] = each.condition
    return answer | {"max_calls": each.max_calls, "expires_at": each.expires_at, "grant_id": each.id}


def in_claim(held: Iterable[CallGrant]) -> list[dict[str, Any]]:
    """Return as many as a token carries (RFC 9396 §9.1): it stays small, and what is left out counts all the same."""
    kept: list[dict[str, Any]] = []
    for each in held:
        if len(orjson.dumps([*kept, said(each)])) > _MOST_CLAIM_BYTES:
            break
        kept.append(said(each))
    return kept


async def held_by(work: UnitOfWork, owner: Authorization, scope: Iterable[str]) -> tuple[CallGrant, ...]:
    """Return what an authorization may spend now with a token of these scopes; most have nothing, and no row is read."""
    if not owner.details:
        return ()
    return within(await grant.of_authorization(work, owner.id), scope, await resources.by_uri(work, owner.resource))


def within(held: Iterable[CallGrant], scope: Iterable[str], resource: Resource | None) -> tuple[CallGrant, ...]:
    """Return the grants at this resource whose tool a token with these scopes may use at all."""
    carried = set(scope)
    tools = {tool.name: tool for tool in resource.tools} if resource is not None else {}
    return tuple(
        each
        for each in held
        if resource is not None
        and each.resource == resource.uri
        and (tool := tools.get(each.tool)) is not None
        and set(tool.scopes) <= carried
        and (tool.own_scope is None or tool.own_scope in carried)
    )


def _entries(text: str, *, may_be_none: bool = False) -> list[dict[str, Any]]:
    if len(text) > MOST_CHARACTERS:
        raise _refused(f"at most {MOST_CHARACTERS} characters")
    try:
        read = strict_json.loads_object(b'{"details":' + text.encode() + b"}", most_depth=_MOST_DEPTH)
    except ValueError:
        raise _refused("must be a JSON array of objects, each member once, not deeply nested") from None
    entries = read["details"]
    if set(read) != {"details"} or not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        raise _refused("must be a JSON array of objects")
    if len(entries) > MOST_DETAILS or not (entries or may_be_none):
        raise _refused(f"1 to {MOST_DETAILS} of them")
    return entries


def _detail(work: UnitOfWork, entry: dict[str, Any], client: Client, resource: Resource) -> Detail:
    if entry.get("type") != DETAIL_TYPE:
        raise _refused(f"type: must be {DETAIL_TYPE}")
    if unknown := set(entry) - _MEMBERS:
        raise _refused(f"{_shown(min(unknown))}: is no member of {DETAIL_TYPE}; leave it out")
    locations = entry.get("locations")
    if not isinstance(locations, list) or len(locations) != 1 or not isinstance(locations[0], str):
        raise _refused("locations: must be an array of one, the resource that the request is for")
    if requested_uri(locations[0]) != resource.uri:
        raise _refused("locations: must be the resource that the request is for")
    tool = next((tool for tool in resource.tools if tool.name == entry.get("tool")), None)
    # One answer for a tool that is not there and for one that is not for this client.
    if tool is None or not all(client.may_ask(scope) for scope in (*tool.scopes, tool.own_scope) if scope):
        raise _refused("tool: must be the name of a tool of this resource that this client may ask for")
    detail = Detail(
        tool=tool,
        arguments=_arguments(entry),
        args_hash=_exact(entry),
        condition=_text(entry, "condition", grant.MOST_CONDITION),
        max_calls=_number(entry, "max_calls", 1),
        expires_in=_number(entry, "expires_in", min(_USUAL_S, work.machines.settings.call_grant_most_seconds)),
        definition_hash=_text(entry, "definition_hash", 64),
    )
    if "definition_hash" in entry and not _HASH.fullmatch(detail.definition_hash):
        raise _refused("definition_hash: must be a SHA-256 in hex")
    if detail.condition and detail.args_hash:
        raise _refused("condition: has no meaning beside exact arguments; leave one of them out")
    try:
        grant.check_bounds(
            work, max_calls=detail.max_calls, expires_at=work.now + detail.expires_in, condition=detail.condition
        )
    except InvalidCallGrantError as error:
        raise _refused(str(error)) from None
    return detail


def _arguments(entry: dict[str, Any]) -> dict[str, Any] | None:
    if "arguments" not in entry:
        return None
    arguments = entry["arguments"]
    if not isinstance(arguments, dict):
        raise _refused("arguments: must be an object, as the tool gets it")
    _exact(entry)
    try:
        lines = showing.arguments_of(arguments, ())
    except showing.TooMuchToShowError:
        lines = None
    if (
        lines is None
        or len(lines) > MOST_VALUES
        or any(max(len(line.path), len(line.text)) > MOST_VALUE for line in lines)
    ):
        raise _refused(
            f"arguments: at most {MOST_VALUES} values of {MOST_VALUE} characters; "
            "what a page cannot show in full nobody can allow"
        )
    return arguments


def _exact(entry: dict[str, Any]) -> str:
    stated = _text(entry, "args_hash", 64)
    if "arguments" not in entry:
        if stated:
            raise _refused("args_hash: send the arguments themselves; a person cannot read a hash")
        return ""
    try:
        exact = args_hash(entry["arguments"])
    except InexpressibleError:
        raise _refused("arguments: hold what RFC 8785 cannot express, such as an integer beyond 2^53") from None
    if stated and stated != exact:
        raise _refused("args_hash: is not that of the arguments; leave it out")
    return exact


def _names(entry: dict[str, Any], each: CallGrant) -> bool:
    """Whether an entry is this grant, in the words in which it was asked for or granted."""
    if set(entry) - _MEMBERS - _ENRICHED or entry.get("type") != DETAIL_TYPE:
        return False
    exact = _exact(entry) if "arguments" in entry else entry.get("args_hash", "")
    return (
        entry.get("locations") == [each.resource]
        and entry.get("tool") == each.tool
        and exact == each.args_hash
        and entry.get("condition", "") == each.condition
        and _is_number(entry.get("max_calls", 1), each.max_calls)
        and entry.get("grant_id", each.id) == each.id
        and _is_number(entry.get("expires_at", each.expires_at), each.expires_at)
        and entry.get("definition_hash", each.definition_hash) == each.definition_hash
    )


def _is_number(value: Any, expected: int) -> bool:
    return type(value) is int and value == expected


def _text(entry: dict[str, Any], name: str, most: int) -> str:
    value = entry.get(name, "")
    if not isinstance(value, str) or len(value) > most or (name in entry and not value.strip()):
        raise _refused(f"{name}: must be a text of at most {most} characters")
    return value


def _number(entry: dict[str, Any], name: str, usual: int) -> int:
    value = entry.get(name, usual)
    if type(value) is not int:
        raise _refused(f"{name}: must be a whole number")
    return value


def _shown(name: str) -> str:
    return "".join(char for char in name[:40] if char.isascii() and (char.isalnum() or char in "_-.")) or "a member"


def _refused(cure: str) -> InvalidAuthorizationDetails:
    return InvalidAuthorizationDetails(f"authorization_details: {cure}.", reason="invalid_details")
