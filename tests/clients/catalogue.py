"""
What real clients send, each with the public place where it was seen.

One `KnownClient` is one row of docs/clients.md and one case of every test in `test_matrix.py`. A body is what goes over the
wire; `{port}` is whatever port the program got this time. Traps are shown by the promises they name.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

BOTH = ["authorization_code", "refresh_token"]

Names = Literal["exactly", "its origin", "its origin with a slash", "not at all"]
"""How a client names the MCP server in `resource`."""


@dataclass(frozen=True, kw_only=True)
class Trap:
    """Something it does that breaks other servers."""

    what: str
    source: str
    promise: str


@dataclass(frozen=True, kw_only=True)
class KnownClient:
    """One application as it is met in the wild."""

    name: str
    sources: tuple[str, ...]
    registration: dict[str, Any] | None = None
    document: dict[str, Any] | None = None
    by_operator: dict[str, Any] | None = None
    redirect_uri: str
    names_resource: Names = "exactly"
    asks: str | None = None
    repeats_resource: bool = True
    finishes_step_up: bool = True
    traps: tuple[Trap, ...] = field(default=())
    connect: tuple[str, ...]


def _public(name: str, *redirect_uris: str, **more: Any) -> dict[str, Any]:
    return {
        "client_name": name,
        "redirect_uris": list(redirect_uris),
        "grant_types": BOTH,
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        **more,
    }


EVERYTHING = "orders:read orders:write orders:admin tool:update_order offline_access"
"""What a client asks for that repeats every scope it saw advertised."""

CLIENTS: dict[str, KnownClient] = {
    "claude-code": KnownClient(
        name="Claude Code",
        sources=("anthropics/claude-code#10572", "agent-native#2532", "elmo#684"),
        document=_public(
            "Claude Code",
            "http://localhost/callback",
            "http://127.0.0.1/callback",
            client_id="https://claude.ai/oauth/claude-code-client-metadata",
            client_uri="https://claude.ai",
        ),
        registration=_public("Claude Code (orders)", "http://localhost:{port}/callback", application_type="native"),
        redirect_uri="http://localhost:{port}/callback",
        names_resource="its origin with a slash",
        asks=EVERYTHING,
        finishes_step_up=False,
        traps=(
            Trap(
                what="2.1.251 and older send no `resource`",
                source="anthropics/claude-code#90497, #10572",
                promise="clients:habit:no-resource-at-all",
            ),
            Trap(
                what="2.1.258 sends the origin with a slash, whatever the challenge names",
                source="anthropics/claude-code#52871",
                promise="rfc8707:origin:means-the-one-resource-under-it",
            ),
            Trap(
                what="asks for every advertised scope, and for `offline_access`",
                source="anthropics/claude-code#10572, #41610",
                promise="clients:habit:asks-for-everything",
            ),
            Trap(
                what="shows a 403 as an expired token instead of asking for more",
                source="anthropics/claude-code#44652, #68720, #92518",
                promise="clients:matrix:steps-up",
            ),
            Trap(
                what="several processes share one refresh token",
                source="anthropics/claude-code#91641",
                promise="clients:habit:one-refresh-token-in-several-processes",
            ),
            Trap(
                what="listens on another port than it was configured with",
                source="anthropics/claude-code#53066",
                promise="rfc8252:loopback:any-port",
            ),
        ),
        connect=(
            "`claude mcp add --transport http orders https://mcp.example.com/mcp`",
            "In a session type `/mcp`, choose the server, then *Authenticate*; the browser opens.",
            "To let it write later, open `/account` of the authorization server, choose the connection, and allow more.",
        ),
    ),
    "claude": KnownClient(
        name="Claude (web, desktop, mobile, Cowork)",
        sources=("support.anthropic.com 11503834", "anthropics/claude-ai-mcp#299", "anthropics/claude-ai-mcp#1043"),
        document=_public(
            "Claude",
            "https://claude.ai/api/mcp/auth_callback",
            client_id="https://claude.ai/oauth/mcp-oauth-client-metadata",
            client_uri="https://claude.ai",
            grant_types=[*BOTH, "urn:ietf:params:oauth:grant-type:jwt-bearer"],
        ),
        registration={
            "client_name": "Claude",
            "redirect_uris": ["https://claude.ai/api/mcp/auth_callback"],
            "grant_types": BOTH,
            "response_types": ["code"],
            "token_endpoint_auth_method": "client_secret_post",
            "scope": "orders:read",
            "client_uri": "https://claude.ai",
        },
        by_operator={
            "redirect_uris": ("https://claude.ai/api/mcp/auth_callback", "https://claude.com/api/mcp/auth_callback")
        },
        redirect_uri="https://claude.ai/api/mcp/auth_callback",
        asks="orders:read offline_access",
        finishes_step_up=False,
        traps=(
            Trap(
                what="its document lists `jwt-bearer`: dropped, not refused",
                source="Keycloak MCP guide",
                promise="clients:matrix:known-by-document",
            ),
            Trap(
                what="registers again at nearly every connect",
                source="lion-reader#975, mcphub#1174",
                promise="rfc7591:same:a-public-client-finds-itself-again",
            ),
            Trap(
                what="asks for a secret in the body where that is advertised",
                source="anthropics/claude-ai-mcp#1043",
                promise="rfc7591:register:a-secret-where-it-can-be-kept",
            ),
            Trap(
                what="registers anew only after HTTP 401 with `invalid_client`",
                source="support.anthropic.com 11503834",
                promise="clients:habit:told-to-register-again",
            ),
            Trap(
                what="refreshes without `scope`, when a person reconnects",
                source="anthropics/claude-ai-mcp#228",
                promise="clients:matrix:refreshes",
            ),
            Trap(
                what="two of its nodes hold different tokens of one login",
                source="fastmcp#4265",
                promise="clients:habit:two-nodes-refresh-in-turn",
            ),
            Trap(
                what='calls a token for another audience "integration rejected the credentials"',
                source="anthropics/claude-ai-mcp#299",
                promise="rfc8707:resource:becomes-the-audience",
            ),
            Trap(
                what="its document may hide behind a bot filter for a while",
                source="wp-rocket#8619",
                promise="cimd:cache:last-good-copy-for-a-week",
            ),
            Trap(
                what="may come with a client id that was typed in, without registering",
                source="fastmcp#3949",
                promise="clients:matrix:logs-in",
            ),
            Trap(
                what="opens `/authorize` twice on reconnect",
                source="anthropics/claude-ai-mcp#899",
                promise="clients:rule:10-two-authorize-calls",
            ),
        ),
        connect=(
            "*Settings → Connectors → Add custom connector*, paste `https://mcp.example.com/mcp`, *Add*.",
            "Choose *Connect*; the browser shows whom it is for and what it may do.",
            "On a Team or Enterprise plan an owner adds the connector once for everybody; each person connects for themselves.",
            "The calls come from Anthropic's servers: the MCP server and this one must be reachable from the internet.",
        ),
    ),
    "chatgpt": KnownClient(
        name="ChatGPT (web, apps, desktop)",
        sources=("Altinity#118", "kody#1905", "Apps SDK documentation"),
        document={
            "client_id": "https://chatgpt.com/oauth/client.json",
            "client_name": "ChatGPT",
            "redirect_uris": [
                "https://chatgpt.com/connector/oauth/abc123",
                "https://chatgpt.com/connector_platform_oauth_redirect",
            ],
            "grant_types": BOTH,
            "response_types": ["code"],
            "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
            "jwks_uri": "https://chatgpt.com/oauth/jwks.json",
        },
        registration=_public("ChatGPT", "https://chatgpt.com/connector/oauth/abc123"),
        by_operator={"redirect_uris": ("https://chatgpt.com/connector_platform_oauth_redirect",)},
        redirect_uri="https://chatgpt.com/connector/oauth/abc123",
        names_resource="its origin",
        asks="orders:read offline_access",
        traps=(
            Trap(
                what="`resource` is the origin, although the metadata says `/mcp`",
                source="gbrain#5222",
                promise="rfc8707:origin:means-the-one-resource-under-it",
            ),
            Trap(
                what="refreshes only where `offline_access` is advertised",
                source="supabase#2628",
                promise="clients:rule:7-offline-access-is-advertised",
            ),
            Trap(
                what="older documents name `private_key_jwt` with RS256 alone",
                source="Altinity#118",
                promise="clients:habit:an-older-document",
            ),
            Trap(
                what="its document lists methods instead of naming one",
                source="kody#1905",
                promise="clients:matrix:known-by-document",
            ),
            Trap(
                what="the desktop app hangs on `invalid_grant`: a refresh that was only repeated does not get one",
                source="openai/codex#47513",
                promise="attack:replay:window-gives-the-same-successor",
            ),
            Trap(
                what="still comes back to an older address",
                source="omi#8824",
                promise="clients:matrix:logs-in",
            ),
        ),
        connect=(
            (
                "*Settings → Apps & Connectors → Advanced → Developer mode*, then *Create*, paste `https://mcp.example.com/mcp`, "
                "authentication *OAuth*."
            ),
            (
                "For a client that an operator registered: copy the callback that ChatGPT shows, "
                "`authserver client add --name ChatGPT --redirect-uri CALLBACK`, and leave the secret blank."
            ),
        ),
    ),
    "codex": KnownClient(
        name="Codex (CLI, IDE, app)",
        sources=("openai/codex#13200", "openai/codex#17265", "opencode#47743"),
        document=_public(
            "Codex",
            "http://127.0.0.1/callback/orders-1f2e",
            client_id="https://chatgpt.com/oauth/codex/client.json",
            application_type="native",
        ),
        registration=_public("Codex", "http://127.0.0.1:{port}/callback/orders-1f2e", application_type="native"),
        redirect_uri="http://127.0.0.1:{port}/callback/orders-1f2e",
        asks="openid profile email offline_access",
        traps=(
            Trap(
                what="`mcp add` asks for OpenID scopes and none of the server's",
                source="openai/codex#17265",
                promise="oauth21:scope:unknown-by-policy",
            ),
            Trap(
                what="uses its document only where `none` and the document support are both advertised",
                source="openai/codex#13200",
                promise="clients:rule:1-metadata",
            ),
            Trap(
                what="0.150 and newer refuse an authorization endpoint on another origin than the issuer's",
                source="codspeed#523, openai/codex#38944",
                promise="clients:rule:1-metadata",
            ),
            Trap(
                what="sessions of one person hold older refresh tokens of one login",
                source="openai/codex",
                promise="attack:replay:other-logins-live-on",
            ),
            Trap(
                what="0.143 to 0.146 lose `iss` and then miss it: nothing a server can cure, update",
                source="openai/codex#31573, #33354",
                promise="rfc9207:iss:in-every-response",
            ),
        ),
        connect=(
            "`codex mcp add orders --url https://mcp.example.com/mcp`, then `codex mcp login orders`.",
            "Versions 0.143 to 0.146 cannot finish a login with a server that follows RFC 9207: update.",
        ),
    ),
    "cursor": KnownClient(
        name="Cursor",
        sources=("erp-mafia/accounted#2225", "makeplane/plane-mcp-server#159", "bytebase/bytebase#20510"),
        registration=_public(
            "Cursor",
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "https://www.cursor.com/agents/mcp/oauth/callback",
            "http://localhost:8787/callback",
        ),
        redirect_uri="cursor://anysphere.cursor-mcp/oauth/callback",
        traps=(
            Trap(
                what="registers three addresses of three kinds in one request",
                source="erp-mafia/accounted#2225",
                promise="clients:habit:cursor-uses-each-of-its-addresses",
            ),
            Trap(
                what="leaves `application_type` out, or says `web` beside loopback",
                source="erp-mafia/accounted#2225",
                promise="clients:habit:web-beside-loopback",
            ),
            Trap(
                what="the consent page must be able to go on to `cursor://`",
                source="inbox-zero#3784",
                promise="clients:habit:the-page-goes-on-to-a-private-scheme",
            ),
            Trap(
                what="older versions put the server's name into the address",
                source="makeplane/plane-mcp-server#159",
                promise="rfc7591:redirects:private-use-by-exact-list",
            ),
        ),
        connect=(
            'In `~/.cursor/mcp.json`: `{"mcpServers": {"orders": {"url": "https://mcp.example.com/mcp"}}}`',
            "*Settings → Tools & MCP*, choose *Connect* beside the server.",
        ),
    ),
    "vscode": KnownClient(
        name="Visual Studio Code",
        sources=("microsoft/vscode#278512", "clerk/mcp-tools#9"),
        document=_public(
            "Visual Studio Code",
            "http://127.0.0.1:33418/",
            "http://127.0.0.1/",
            "https://vscode.dev/redirect",
            client_id="https://vscode.dev/oauth/client-metadata.json",
            client_uri="https://vscode.dev/product",
            logo_uri="https://code.visualstudio.com/assets/images/code-stable.png",
            application_type="native",
        ),
        registration=_public(
            "Visual Studio Code",
            "https://insiders.vscode.dev/redirect",
            "https://vscode.dev/redirect",
            "http://127.0.0.1/",
            "http://127.0.0.1:33418/",
            application_type="native",
            client_uri="https://code.visualstudio.com",
            scope="orders:read",
        ),
        by_operator={"redirect_uris": ("http://127.0.0.1:33418/", "https://vscode.dev/redirect")},
        redirect_uri="http://127.0.0.1:{port}/",
        asks="orders:read orders:write tool:update_order",
        traps=(
            Trap(
                what="comes back to any free port, not the registered one",
                source="microsoft/vscode#278512",
                promise="clients:matrix:logs-in",
            ),
            Trap(
                what="asks its person for a client id where it can neither register nor be known by a document",
                source="microsoft/vscode#278512",
                promise="clients:matrix:logs-in",
            ),
            Trap(
                what="registers the scopes of the resource and asks for those of the server",
                source="clerk/mcp-tools#9",
                promise="clients:habit:asks-beyond-what-it-registered",
            ),
        ),
        connect=(
            (
                "*MCP: Add Server… → HTTP*, paste `https://mcp.example.com/mcp`; or in `.vscode/mcp.json`: "
                '`{"servers": {"orders": {"type": "http", "url": "https://mcp.example.com/mcp"}}}`'
            ),
            "Choose *Start* above the entry; allow the sign-in when the editor asks.",
        ),
    ),
    "copilot-cli": KnownClient(
        name="GitHub Copilot CLI",
        sources=("boardoil#11", "copilot-cli#1951", "copilot-cli#1305"),
        registration=_public("GitHub Copilot CLI", "http://127.0.0.1:{port}/", application_type="native"),
        redirect_uri="http://127.0.0.1:{port}/",
        traps=(
            Trap(
                what="registers without `scope`, which must not mean none",
                source="boardoil#11",
                promise="rfc7591:register:missing-members-have-defaults",
            ),
            Trap(
                what="the port changes between registration and login",
                source="copilot-cli#1951",
                promise="clients:habit:another-port-than-registered",
            ),
        ),
        connect=(
            "In a session: `/mcp add`, type *HTTP*, URL `https://mcp.example.com/mcp`; or in `~/.copilot/mcp-config.json`.",
            "The browser opens at the first call.",
        ),
    ),
    "gemini-cli": KnownClient(
        name="Gemini CLI",
        sources=("google-gemini/gemini-cli#14419", "google-gemini/gemini-cli#10937"),
        registration=_public("Gemini CLI MCP Client", "http://localhost:{port}/oauth/callback", scope=""),
        redirect_uri="http://localhost:{port}/oauth/callback",
        asks="orders:read orders:write",
        traps=(
            Trap(
                what="a fixed port in 2025, a random one since",
                source="google-gemini/gemini-cli#14419",
                promise="clients:habit:another-port-than-registered",
            ),
            Trap(
                what="takes its scopes from the metadata alone, and asks for none where it finds none",
                source="google-gemini/gemini-cli#10937",
                promise="ours:consent:defaults-to-reading",
            ),
            Trap(
                what="uses the authorization endpoint as a base for discovery",
                source="google-gemini/gemini-cli#17167",
                promise="clients:habit:discovery-from-the-authorization-endpoint",
            ),
        ),
        connect=(
            "`gemini mcp add --transport http orders https://mcp.example.com/mcp`, then `/mcp auth orders` in a session.",
        ),
    ),
    "antigravity": KnownClient(
        name="Google Antigravity",
        sources=("antigravity#480",),
        registration=_public("Antigravity", "https://antigravity.google/oauth-callback"),
        redirect_uri="https://antigravity.google/oauth-callback",
        connect=(
            (
                "*MCP Servers → Manage → View raw config*: "
                '`{"mcpServers": {"orders": {"serverUrl": "https://mcp.example.com/mcp"}}}`, then *Authenticate*.'
            ),
        ),
    ),
    "mcp-remote": KnownClient(
        name="mcp-remote",
        sources=("punkpeye/mcp-remote", "mcp-remote#72", "mcp-remote#292"),
        registration=_public(
            "MCP CLI Proxy",
            "http://localhost:{port}/oauth/callback",
            client_uri="https://github.com/modelcontextprotocol/mcp-cli",
            software_id="2e6dc280-f3c3-4e01-99a7-8181dbd1d23d",
            software_version="0.8.0",
        ),
        by_operator={"redirect_uris": ("http://localhost:3334/oauth/callback",)},
        redirect_uri="http://localhost:{port}/oauth/callback",
        traps=(
            Trap(
                what="keeps its client id in a file and comes with another port the next time",
                source="mcp-remote#72, #292",
                promise="clients:habit:another-port-than-registered",
            ),
            Trap(
                what="comes with a client id that lapsed long ago",
                source="mcp-remote#36",
                promise="clients:rule:5-stale-clients",
            ),
        ),
        connect=(
            (
                "For a program that speaks to local servers alone: command `npx`, arguments "
                "`mcp-remote https://mcp.example.com/mcp`."
            ),
            "When it says that the client is unknown, delete `~/.mcp-auth` and start again.",
            'With a client that an operator registered: `--static-oauth-client-info \'{"client_id": "cli_…"}\'`.',
        ),
    ),
    "mcp-inspector": KnownClient(
        name="MCP Inspector",
        sources=("routecraft#320", "infisical#5192"),
        registration=_public(
            "MCP Inspector",
            "http://localhost:6274/oauth/callback",
            "http://localhost:6274/oauth/callback/debug",
            client_uri="https://github.com/modelcontextprotocol/inspector",
            scope="orders:read",
        ),
        redirect_uri="http://localhost:6274/oauth/callback",
        asks="orders:read",
        traps=(
            Trap(
                what="registers and redeems from a web page",
                source="routecraft#320, infisical#5192",
                promise="clients:rule:11-cross-origin",
            ),
            Trap(
                what="asks for the metadata with the path in every place it could be",
                source="modelcontextprotocol/inspector",
                promise="rfc8414:metadata:at-every-location",
            ),
        ),
        connect=(
            "`npx @modelcontextprotocol/inspector`, transport *Streamable HTTP*, URL `https://mcp.example.com/mcp`, *Connect*.",
            "*Open Auth Settings → Quick OAuth Flow* shows each step.",
        ),
    ),
    "opencode": KnownClient(
        name="OpenCode",
        sources=("opencode#47743", "elmo#684"),
        document=_public(
            "OpenCode",
            "http://127.0.0.1/callback",
            "http://localhost/callback",
            "http://127.0.0.1:19876/mcp/oauth/callback",
            client_id="https://opencode.ai/oauth/opencode/client.json",
        ),
        registration=_public("OpenCode", "http://127.0.0.1:19876/mcp/oauth/callback"),
        redirect_uri="http://127.0.0.1:19876/mcp/oauth/callback",
        traps=(
            Trap(
                what="leaves `application_type` out: a default of `web` refuses it",
                source="elmo#684",
                promise="rfc7591:register:missing-members-have-defaults",
            ),
        ),
        connect=(
            (
                "In `opencode.json`: "
                '`{"mcp": {"orders": {"type": "remote", "url": "https://mcp.example.com/mcp"}}}`, then `opencode mcp auth orders`.'
            ),
        ),
    ),
    "librechat": KnownClient(
        name="LibreChat",
        sources=("LibreChat, MCPOAuthHandler",),
        registration={
            "client_name": "LibreChat MCP Client",
            "redirect_uris": ["https://chat.example.com/api/mcp/orders/oauth/callback"],
            "grant_types": BOTH,
            "response_types": ["code"],
            "token_endpoint_auth_method": "client_secret_basic",
            "logo_uri": None,
            "contacts": [],
        },
        redirect_uri="https://chat.example.com/api/mcp/orders/oauth/callback",
        connect=(
            (
                "In `librechat.yaml` under `mcpServers`: `orders: {type: streamable-http, url: https://mcp.example.com/mcp}`; "
                "restart, then *Connect* in the panel of MCP servers."
            ),
        ),
    ),
    "n8n": KnownClient(
        name="n8n (MCP Client node)",
        sources=("n8n-io/n8n#30733",),
        registration=_public("n8n", "https://n8n.example.com/rest/oauth2-credential/callback"),
        redirect_uri="https://n8n.example.com/rest/oauth2-credential/callback",
        names_resource="not at all",
        repeats_resource=False,
        traps=(
            Trap(
                what="sent no `resource` until May 2026",
                source="n8n-io/n8n#30733",
                promise="clients:habit:no-resource-at-all",
            ),
        ),
        connect=(
            "Credential *MCP OAuth2*, server URL `https://mcp.example.com/mcp`, *Use dynamic client registration*.",
        ),
    ),
    "vercel-ai-sdk": KnownClient(
        name="Vercel AI SDK and older SDKs",
        sources=("vercel/ai#13988",),
        registration=_public("AI SDK", "https://app.example.com/api/mcp/callback"),
        redirect_uri="https://app.example.com/api/mcp/callback",
        traps=(
            Trap(
                what="adds a slash to a resource without a path",
                source="vercel/ai#13988",
                promise="clients:habit:a-slash-after-a-pathless-resource",
            ),
        ),
        connect=(
            "Give `createMCPClient` a transport with `url: 'https://mcp.example.com/mcp'` and an `authProvider`.",
        ),
    ),
    "rmcp": KnownClient(
        name="rmcp (Rust SDK)",
        sources=("modelcontextprotocol/rust-sdk#1084",),
        registration=_public("rmcp", "http://localhost:{port}/callback"),
        redirect_uri="http://localhost:{port}/callback",
        traps=(
            Trap(
                what="refreshed with the URL of the endpoint instead of the resource, until 2026-07-29",
                source="modelcontextprotocol/rust-sdk#1084",
                promise="clients:habit:a-refused-refresh-burns-nothing",
            ),
        ),
        connect=('`AuthClient` with `OAuthState::new("https://mcp.example.com/mcp", …)`; 0.9 or newer.',),
    ),
    "perplexity": KnownClient(
        name="Perplexity",
        sources=("stacklok/toolhive#5321", "stacklok/toolhive#6252"),
        registration={
            "client_name": "Perplexity",
            "redirect_uris": ["https://www.perplexity.ai/rest/connections/oauth_callback"],
            "grant_types": BOTH,
            "response_types": ["code"],
            "token_endpoint_auth_method": "client_secret_post",
        },
        redirect_uri="https://www.perplexity.ai/rest/connections/oauth_callback",
        asks="orders:read offline_access",
        traps=(
            Trap(
                what="some versions register `none` and then miss a secret: name its address in "
                "`AUTHSERVER_CONFIDENTIAL_REDIRECTS`",
                source="stacklok/toolhive#6252",
                promise="rfc7591:register:a-secret-where-an-operator-says-so",
            ),
        ),
        connect=("*Settings → Connectors → Add custom connector*, URL `https://mcp.example.com/mcp`, *OAuth*.",),
    ),
    "mcporter": KnownClient(
        name="mcporter",
        sources=("mcporter#52",),
        registration=_public("mcporter", "http://127.0.0.1:{port}/callback", scope="mcp:tools"),
        redirect_uri="http://127.0.0.1:{port}/callback",
        asks="mcp:tools",
        traps=(
            Trap(
                what="asks for a scope of its own, `mcp:tools`",
                source="mcporter#52",
                promise="oauth21:scope:unknown-by-policy",
            ),
        ),
        connect=("`npx mcporter auth https://mcp.example.com/mcp`",),
    ),
}


REGISTERING = tuple(name for name, known in CLIENTS.items() if known.registration)
"""Those that register themselves where they may."""

DOCUMENTED = tuple(name for name, known in CLIENTS.items() if known.document)
"""Those that publish a metadata document and prefer it."""

OPERATED = tuple(name for name, known in CLIENTS.items() if known.by_operator)
"""Those into which a client id can be typed, and whose people do."""

FINISHING = tuple(name for name, known in CLIENTS.items() if known.finishes_step_up)
"""Those that ask again when a 403 names more scopes."""
