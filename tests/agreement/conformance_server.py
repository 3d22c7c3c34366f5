"""A server of our own that has what the official conformance suite asks a server for."""

import asyncio
import base64
import json
from typing import Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp.server.streamable_http import EventMessage, EventStore
from mcp.shared.exceptions import MCPError
from mcp_types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    AudioContent,
    CallToolResult,
    Completion,
    CreateMessageRequest,
    CreateMessageRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    EmbeddedResource,
    EmptyResult,
    ImageContent,
    InputRequiredResult,
    ListRootsRequest,
    SamplingMessage,
    SubscribeRequestParams,
    TextContent,
    TextResourceContents,
    UnsubscribeRequestParams,
)
from pydantic import BaseModel, Field

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SILENCE = base64.b64encode(
    b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\0\0\0\0"
).decode()
IMAGE = ImageContent(data=base64.b64encode(PIXEL).decode(), mime_type="image/png")


class Events(EventStore):
    """Remembers what was sent on each stream, so that a client that comes back gets the rest."""

    def __init__(self) -> None:
        self._sent: list[tuple[str, Any]] = []

    async def store_event(self, stream_id, message):
        """Number events from one."""
        self._sent.append((stream_id, message))
        return str(len(self._sent))

    async def replay_events_after(self, last_event_id, send_callback):
        """Send what followed on the same stream."""
        last = int(last_event_id)
        stream = self._sent[last - 1][0]
        for number, (place, message) in enumerate(self._sent[last:], last + 1):
            if place == stream and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream


def embedded(uri, mime_type, text):
    """Return a resource as a content block."""
    return EmbeddedResource(resource=TextResourceContents(uri=uri, mime_type=mime_type, text=text))


def form(**properties):
    """Return a form's schema in which every field is required."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def question(message, **properties):
    """Return an elicitation to put into an unfinished result."""
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=form(**properties)))


def sampling(text, limit):
    """Return a sampling request to put into an unfinished result."""
    messages = [SamplingMessage(role="user", content=TextContent(text=text))]
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=messages, max_tokens=limit))


def unanswered(ctx, state=None, **requests):
    """Return what is still to be asked, or None when every question has an answer."""
    answers = ctx.input_responses or {}
    if set(requests) <= set(answers):
        return None
    return InputRequiredResult(input_requests=requests, request_state=state)


def make_server():
    """Return a fresh server; it and its `Events` keep nothing in the module."""
    mcp = MCPServer("conformance")
    add_content_tools(mcp)
    add_schema_tool(mcp)
    add_tools_that_ask(mcp)
    add_tools_that_ask_by_result(mcp)
    add_resources_and_prompts(mcp)
    add_subscriptions(mcp)
    return mcp


ADDRESS = {
    "$anchor": "addressDef",
    "type": "object",
    "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
}
JSON_SCHEMA_2020_12 = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {"address": ADDRESS},
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}
"""What the suite wants to find in a list, word for word."""


def add_schema_tool(mcp):
    """Add the tool whose schema uses what JSON Schema 2020-12 has beyond a list of members."""

    @mcp.tool(structured_output=False)
    async def json_schema_2020_12_tool(
        name: str = "",
        address: dict[str, str] | None = None,
        contactMethod: str = "",  # noqa: N803 - the suite names it
        phone: str = "",
        email: str = "",
    ) -> str:
        """Tool with JSON Schema 2020-12 features."""
        return f"{name} of {(address or {}).get('city', 'nowhere')} by {contactMethod or 'either'}: {phone or email}"

    mcp._tool_manager.get_tool("json_schema_2020_12_tool").parameters = JSON_SCHEMA_2020_12


def add_content_tools(mcp):
    """Add the tools that only answer."""

    @mcp.tool(structured_output=False)
    async def test_simple_text() -> str:
        """Answer one line."""
        return "This is a simple text response for testing."

    @mcp.tool(structured_output=False)
    async def test_image_content() -> Any:
        """Answer a picture."""
        return IMAGE

    @mcp.tool(structured_output=False)
    async def test_audio_content() -> Any:
        """Answer a sound."""
        return AudioContent(data=SILENCE, mime_type="audio/wav")

    @mcp.tool(structured_output=False)
    async def test_embedded_resource() -> Any:
        """Answer a resource."""
        return embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")

    @mcp.tool(structured_output=False)
    async def test_multiple_content_types() -> Any:
        """Answer text, a picture and a resource."""
        data = embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}')
        return [TextContent(text="Multiple content types test:"), IMAGE, data]

    @mcp.tool(structured_output=False)
    async def test_error_handling() -> Any:
        """Fail, always."""
        text = TextContent(text="This tool intentionally returns an error for testing")
        return CallToolResult(is_error=True, content=[text])

    @mcp.tool(structured_output=False)
    async def test_tool_with_progress(ctx: Context) -> str:
        """Report progress thrice."""
        for done in (0, 50, 100):
            await ctx.report_progress(done, 100)
            await asyncio.sleep(0.05)
        return "done"


class Contact(BaseModel):
    """What the suite's client fills in."""

    username: str = Field(description="User's response")
    email: str = Field(description="User's email address")


class Defaults(BaseModel):
    """A form whose every field has a default."""

    name: str = Field(default="John Doe")
    age: int = Field(default=30)
    score: float = Field(default=95.5)
    verified: bool = Field(default=True)


def add_tools_that_ask(mcp):
    """Add the tools that ask the client while they run, as the revisions with a back channel let them."""

    @mcp.tool(structured_output=False)
    async def test_tool_with_logging(ctx: Context) -> str:
        """Log thrice."""
        for line in ("Tool execution started", "Tool processing data", "Tool execution completed"):
            await ctx.info(line)
            await asyncio.sleep(0.05)
        return "done"

    @mcp.tool(structured_output=False)
    async def test_reconnection(ctx: Context) -> str:
        """Hang up in the middle, and answer whoever comes back."""
        await ctx.close_sse_stream()
        await asyncio.sleep(0.2)
        return "You came back."

    @mcp.tool(structured_output=False)
    async def test_sampling(ctx: Context, prompt: str) -> str:
        """Ask the client's model."""
        asked = SamplingMessage(role="user", content=TextContent(text=prompt))
        answer = await ctx.session.create_message([asked], max_tokens=100, related_request_id=ctx.request_id)
        return f"LLM response: {getattr(answer.content, 'text', '')}"

    @mcp.tool(structured_output=False)
    async def test_elicitation(ctx: Context, message: str) -> str:
        """Ask the person."""
        answer = await ctx.elicit(message, Contact)
        return f"User response: action={answer.action}"

    @mcp.tool(structured_output=False)
    async def test_elicitation_sep1034_defaults(ctx: Context) -> str:
        """Ask with defaults."""
        answer = await ctx.elicit("Please review the defaults", Defaults)
        return f"Elicitation completed: action={answer.action}"


def add_tools_that_ask_by_result(mcp):
    """Add the tools that answer with a question, as 2026-07-28 has it."""

    @mcp.tool(structured_output=False)
    async def test_input_required_result_elicitation(ctx: Context) -> Any:
        """Ask for a name."""
        asking = unanswered(ctx, user_name=question("What is your name?", name={"type": "string"}))
        return asking or "Hello!"

    @mcp.tool(structured_output=False)
    async def test_input_required_result_sampling(ctx: Context) -> Any:
        """Ask the client's model."""
        return unanswered(ctx, capital=sampling("What is the capital of France?", 100)) or "Paris it is."

    @mcp.tool(structured_output=False)
    async def test_input_required_result_list_roots(ctx: Context) -> Any:
        """Ask for the client's roots."""
        return unanswered(ctx, roots=ListRootsRequest()) or "Seen."

    @mcp.tool(structured_output=False)
    async def test_input_required_result_request_state(ctx: Context) -> Any:
        """Ask, and want the state back."""
        asking = unanswered(ctx, "state-of-this-call", confirm=question("Go on?", ok={"type": "boolean"}))
        return asking or f"state-ok: {ctx.request_state is not None}"

    @mcp.tool(structured_output=False)
    async def test_input_required_result_multiple_inputs(ctx: Context) -> Any:
        """Ask three things at once."""
        asking = unanswered(
            ctx,
            "several",
            user_name=question("What is your name?", name={"type": "string"}),
            greeting=sampling("Write a greeting.", 50),
            roots=ListRootsRequest(),
        )
        return asking or "All answered."

    @mcp.tool(structured_output=False)
    async def test_missing_capability(ctx: Context) -> Any:
        """Refuse a client that cannot sample."""
        capabilities = ctx.client_capabilities
        if capabilities is None or capabilities.sampling is None:
            data = {"requiredCapabilities": {"sampling": {}}}
            raise MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, "Missing required client capability", data)
        return "It can."


def add_subscriptions(mcp):
    """Answer to subscriptions; nothing here ever changes by itself."""

    async def subscribed(_ctx: Any, _params: Any) -> EmptyResult:
        return EmptyResult()

    lowlevel = mcp._lowlevel_server
    lowlevel.add_request_handler("resources/subscribe", SubscribeRequestParams, subscribed)
    lowlevel.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, subscribed)

    @mcp.completion()
    async def complete(ref: Any, argument: Any, context: Any) -> Completion:
        """Know no completion."""
        return Completion(values=[], total=0, has_more=False)


def add_resources_and_prompts(mcp):
    """Add what can be read."""

    @mcp.resource("test://static-text", mime_type="text/plain")
    def static_text() -> str:
        """Read a text."""
        return "This is the content of the static text resource."

    @mcp.resource("test://template/{id}/data", mime_type="application/json")
    def template(id: str) -> str:  # noqa: A002 - the suite names it
        """Read what a template makes."""
        return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})

    @mcp.prompt()
    def test_simple_prompt() -> str:
        """Say one line."""
        return "This is a simple prompt for testing."

    @mcp.resource("test://static-binary", mime_type="image/png")
    def static_binary() -> bytes:
        """Read a picture."""
        return PIXEL

    @mcp.resource("test://watched-resource", mime_type="text/plain")
    def watched() -> str:
        """Read what could be watched."""
        return "Watched resource content."

    @mcp.prompt()
    def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
        """Say both arguments."""
        return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"

    @mcp.prompt()
    def test_prompt_with_embedded_resource(resourceUri: str) -> Any:  # noqa: N803 - the suite names it
        """Show a resource."""
        shown = embedded(resourceUri, "text/plain", "Embedded resource content for testing.")
        return [UserMessage(shown), UserMessage("Please process the embedded resource above.")]

    @mcp.prompt()
    def test_prompt_with_image() -> Any:
        """Show a picture."""
        return [UserMessage(IMAGE), UserMessage("Please analyze the image above.")]
