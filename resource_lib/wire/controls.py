"""
The 66 controls that checklists for MCP servers ask for, in plain words: who keeps each, and whether that is so by default.

`docs/controls.md` is made from here, with the tests that show each; a guard's `doctor()` and `authserver check` say which of them a
deployment keeps. The standard library only.
"""

from dataclasses import dataclass
from typing import Final, Literal

Keeper = Literal["guard", "issuer", "author", "deployment", "client"]
"""The library, the authorization server, whoever writes the tools, whoever runs it all, the agent's own side."""

Default = Literal["on", "option", "later", "outside"]
"""Kept without a word; kept when asked for; not built yet; nothing that a server could keep."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Control:
    """One control. `where` says how it is kept, or switched on."""

    id: str
    title: str
    keeper: Keeper
    default: Default
    where: str


CONTROLS: Final[tuple[Control, ...]] = (
    Control(id="C01", title="Every request carries a token from a login with PKCE", keeper="issuer", default="on", where="`/authorize`, `/token`; `ResourceGuard`"),
    Control(id="C02", title="API keys are scoped, end, and are only ever exchanged for a short token", keeper="issuer", default="option", where="`authserver api-key`, `ResourceGuard(api_keys=True)`"),
    Control(id="C03", title="A token belongs to one tenant", keeper="guard", default="on", where="claim `tenant_id`; `identity/access_token.py`"),
    Control(id="C04", title="A token lives for minutes, the login behind it for a stated time", keeper="issuer", default="on", where="`AUTHSERVER_ACCESS_TOKEN_SECONDS`; profiles `interactive` and `system`"),
    Control(id="C05", title="Keys and secrets are rotated on a schedule", keeper="issuer", default="on", where="`AUTHSERVER_KEY_ROTATION_SECONDS`, `authserver key rotate`, `authserver check`"),
    Control(id="C06", title="What is revoked is dead everywhere within seconds", keeper="guard", default="on", where="the guard's own credential; `max_staleness`; `authserver revoke`"),
    Control(id="C07", title="Nobody is served anonymously, and every refusal is the same 401", keeper="guard", default="on", where="`challenge.py`, `transport/answers.py`"),
    Control(id="C08", title="A token counts only at the server it was issued for", keeper="guard", default="on", where="claim `aud`; `identity/access_token.py`"),
    Control(id="C09", title="Secrets are encrypted at rest", keeper="issuer", default="on", where="`AUTHSERVER_KEK_FILE`; `docs/storage.md`"),
    Control(id="C10", title="A credential reaches as little as it needs", keeper="guard", default="on", where="`exchange_for`; no token is passed through"),
    Control(id="C11", title="People log in by the organisation's identity provider", keeper="issuer", default="later", where="not built"),
    Control(id="C12", title="A rotated key or credential is picked up without a restart", keeper="guard", default="on", where="`identity/jwks_cache.py`, `backchannel/credential.py`"),
    Control(id="C13", title="Each tool names its scopes, and all of them are needed", keeper="guard", default="on", where="`read(…)`, `write(…)`, `destructive(…)`"),
    Control(id="C14", title="A tool may name roles, of which one is needed", keeper="guard", default="option", where="`roles=`"),
    Control(id="C15", title="A tool that no policy names does not exist", keeper="guard", default="on", where="`checks/tool_allowed.py`"),
    Control(id="C16", title="Which tools an application may use is a list, and new tools are not on it", keeper="guard", default="option", where="`clients=`, `authserver tool`"),
    Control(id="C17", title="A new login reads and nothing else; each tool that writes is opted into", keeper="guard", default="on", where="scope `tool:<name>`"),
    Control(id="C18", title="A tool that reads is another tool than one that writes", keeper="author", default="on", where="`python -m resource_lib lint`"),
    Control(id="C19", title="Tools are read, write or destructive, and the graver class is held tighter", keeper="guard", default="on", where="`read(…)`, `write(…)`, `destructive(…)`"),
    Control(id="C20", title="A tool is allowed, denied, asked about or observed", keeper="guard", default="option", where="`mode=`"),
    Control(id="C21", title="A person approves what cannot be undone, exactly as it will run", keeper="guard", default="on", where="`approval=`; `/approvals/{id}`"),
    Control(id="C22", title="Rows are those of the token's tenant, whatever the arguments say", keeper="author", default="on", where="`tenant_session(engine)`; lint rule"),
    Control(id="C23", title="Tenants are kept apart, and crossing is refused and recorded", keeper="guard", default="on", where="`data/`; row-level security"),
    Control(id="C24", title="A call must make sense after what came before it", keeper="guard", default="on", where="conditions on earlier calls; taint"),
    Control(id="C25", title="No write follows text from outside without a person's yes", keeper="guard", default="on", where="`Output(taint=…)`"),
    Control(id="C26", title="No tool takes raw SQL, a shell command or a raw path", keeper="author", default="on", where="`python -m resource_lib lint`"),
    Control(id="C27", title="Arguments are held to the advertised schema before the tool sees them", keeper="guard", default="on", where="`arguments=`, `argument_bounds=`"),
    Control(id="C28", title="Errors say all about the input and nothing about the inside", keeper="guard", default="on", where="`transport/answers.py`"),
    Control(id="C29", title="Values are bound, never pasted: SQL, processes, prompts, requests", keeper="author", default="option", where="`resource_lib.safe`"),
    Control(id="C30", title="A path stays under its root", keeper="author", default="option", where="`resource_lib.safe`"),
    Control(id="C31", title="Arguments are screened for instructions, as a signal", keeper="guard", default="on", where="`output=`"),
    Control(id="C32", title="Results are cleaned of delimiters and shortened at 10,000 characters", keeper="guard", default="on", where="`output=`"),
    Control(id="C33", title="Text from outside is labelled, and can be held back", keeper="guard", default="on", where='`returns=["outside"]`, `output=`'),
    Control(id="C34", title="Personal data is masked unless the token may see it and asks", keeper="guard", default="on", where="`x-pii`, scope `pii:read`, `include_pii`"),
    Control(id="C35", title="A result holds no more than is declared", keeper="guard", default="on", where="`output=`; lint rules"),
    Control(id="C36", title="A result is held to its output schema", keeper="guard", default="on", where="`output=`"),
    Control(id="C37", title="Each tool has a limit that fits what it costs", keeper="guard", default="on", where="`limit=`, `limits=`"),
    Control(id="C38", title="Limits count people and logins, never addresses", keeper="guard", default="on", where="`limits/keys.py`"),
    Control(id="C39", title="The server has a limit beside those of its tools", keeper="guard", default="on", where="`limits=`"),
    Control(id="C40", title="Requests to other services are limited too", keeper="guard", default="option", where="`guard.downstream(name, limit)`"),
    Control(id="C41", title="A limit is exact, with a burst that is stated", keeper="guard", default="on", where="`limits/gcra.py`"),
    Control(id="C42", title="A limited call is told so in words for a model and for a client", keeper="guard", default="on", where="`Limits(signal=…)`"),
    Control(id="C43", title="A limit that is hit is a signal for operators", keeper="guard", default="on", where="log event `call.limited`"),
    Control(id="C44", title="No list of addresses and no captcha stands in for a credential", keeper="guard", default="on", where="there is none"),
    Control(id="C45", title="Each call is a row: who, what, how it ended, how long it took", keeper="guard", default="on", where="`record=`, the guard's own credential; `docs/record.md`"),
    Control(id="C46", title="Denied, held and allowed calls are all recorded", keeper="guard", default="on", where="`record=`; `resource_lib/audit/`"),
    Control(id="C47", title="Secrets and personal data are masked before they are kept", keeper="issuer", default="on", where="`docs/storage.md`"),
    Control(id="C48", title="Who called what in the last hour is one question", keeper="issuer", default="on", where="`authserver audit search`, `/console/record`"),
    Control(id="C49", title="A record that was changed is found out", keeper="issuer", default="on", where="`authserver audit verify`, `python -m resource_lib.verify`"),
    Control(id="C50", title="A person can be erased from the record", keeper="issuer", default="on", where="`authserver audit erase`, `authserver user erase`"),
    Control(id="C51", title="A tool, a login or everything is stopped in seconds from one shell", keeper="issuer", default="on", where="`authserver kill`, `/console`, `stop_file=`"),
    Control(id="C52", title="A server is switched off and on without losing its registration", keeper="issuer", default="on", where="`authserver resource pause`"),
    Control(id="C53", title="Versions of a tool stand side by side, and a client keeps the one it tested", keeper="guard", default="option", where="`definitions=`, `sunset=`, `authserver tool`"),
    Control(id="C54", title="New and changed tools are reviewed before they are used", keeper="issuer", default="on", where="`authserver tool review`, `authserver tool unused`, `python -m resource_lib inventory --check`"),
    Control(id="C55", title="What is unusual is noticed and explained", keeper="issuer", default="on", where="`authserver signal`, `/console/signals`"),
    Control(id="C56", title="Servers are checked, on demand and on a schedule", keeper="issuer", default="on", where="`authserver server check`, `AUTHSERVER_SERVER_CHECK_SECONDS`"),
    Control(id="C57", title="Calls are counted by tool, client and tenant", keeper="issuer", default="on", where="`authserver analytics`, `/console/analytics`"),
    Control(id="C58", title="What there is to attack is published, with whom to tell", keeper="issuer", default="on", where="`/.well-known/security.txt`, `/security`"),
    Control(id="C59", title="There is one button", keeper="issuer", default="on", where="`/console`, `authserver kill`"),
    Control(id="C60", title="It listens on this machine alone unless told otherwise", keeper="issuer", default="on", where="`AUTHSERVER_HOST`, `AUTHSERVER_EXPOSURE`"),
    Control(id="C61", title="TLS 1.3, client certificates where they are asked for", keeper="issuer", default="option", where="`AUTHSERVER_TLS_CERTIFICATE`, `AUTHSERVER_TLS_CLIENT_CA`"),
    Control(id="C62", title="It runs without privileges in a sandbox", keeper="deployment", default="option", where="`Dockerfile`, `compose.yaml`"),
    Control(id="C63", title="What is installed is pinned, checked and signed", keeper="deployment", default="option", where="`requirements/*.txt`, `make sbom`"),
    Control(id="C64", title="There is a threat model", keeper="deployment", default="on", where="`docs/threat-model.md`"),
    Control(id="C65", title="The agent defends itself", keeper="client", default="outside", where="limits, the record and the stop switch hold whether it does or not"),
    Control(id="C66", title="There is a smallest safe set, and a full one", keeper="guard", default="on", where='`preset="minimum"`, `preset="full"`, `doctor()`'),
)  # fmt: skip
"""In the order of their numbers."""
