"""The tree: one line per command group."""

from typing import Any

import typer
from typer.core import TyperGroup

from authserver.cli import (
    analytics,
    api_key,
    approvals,
    audit,
    authorization,
    client,
    demo,
    exchange,
    issuer,
    key,
    keygen,
    resource,
    revoke,
    running,
    server,
    session,
    signal,
    stop,
    tenant,
    tool,
    tool_review,
    tool_unused,
    trust,
    user,
    webhook,
)
from authserver.cli.operator import examples


class Commands(TyperGroup):
    """Lists its commands with the whole first sentence of each, wrapped and never cut."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - the overridden method's
        """Write the list."""
        rows = [(name, command.get_short_help_str(limit=1000)) for name, command in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


app = typer.Typer(
    name="authserver",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="An OAuth 2.1 authorization server for the Model Context Protocol.\n\n"
    "Start with `authserver demo`, or `authserver key kek FILE`, `authserver migrate`, `authserver serve`.",
)

app.command(epilog=demo.EXAMPLES)(demo.demo)
app.command(epilog=running.SERVE_EXAMPLES)(running.serve)
app.command(epilog=running.MIGRATE_EXAMPLES)(running.migrate)
app.command(epilog=running.CHECK_EXAMPLES)(running.check)
app.command(epilog=session.LOGIN_EXAMPLES)(session.login)
app.command(epilog=session.LOGOUT_EXAMPLES)(session.logout)
app.add_typer(tenant.app, name="tenant", cls=Commands, help="Customers: isolated from each other.")
app.add_typer(user.app, name="user", cls=Commands, help="People, and their membership in a tenant.")
app.add_typer(
    stop.kill_app,
    name="kill",
    cls=Commands,
    help="Stop a class of things everywhere within seconds, and see who has obeyed; `kill list` shows what is stopped.",
)
app.add_typer(stop.revive_app, name="revive", cls=Commands, help="Let what was killed or paused begin again.")
app.add_typer(
    revoke.app, name="revoke", cls=Commands, help="End one token, one login, or all of an application or person, once."
)
app.add_typer(server.app, name="server", cls=Commands, help="How each MCP server is, and who of them follows.")
app.add_typer(authorization.app, name="authorization", cls=Commands)
app.add_typer(audit.app, name="audit", cls=Commands)
app.command(epilog=analytics.EXAMPLES)(analytics.analytics)
client.app.command(epilog=examples(*keygen.EXAMPLES))(keygen.keygen)
client.app.add_typer(trust.app, name="trust", cls=Commands, help="Which applications of strangers a tenant lets in.")
app.add_typer(client.app, name="client", cls=Commands, help="Applications.")
app.add_typer(resource.app, name="resource", cls=Commands, help="MCP servers: their scopes and tools.")
tool.app.command(epilog=tool_review.EXAMPLES)(tool_review.review)
tool.app.command(epilog=tool_unused.EXAMPLES)(tool_unused.unused)
app.add_typer(
    tool.app,
    name="tool",
    cls=Commands,
    help="What a tenant demands of an MCP server's tools beyond their author: who may use them, and when a person is asked.",
)
app.add_typer(
    exchange.app,
    name="exchange",
    cls=Commands,
    help="Which MCP server may act for its callers at which upstream resource.",
)
app.add_typer(
    issuer.app,
    name="issuer",
    cls=Commands,
    help="Issuers: the deployment's own, and one for a tenant that wants it.",
)
app.add_typer(
    api_key.app,
    name="api-key",
    cls=Commands,
    help="Secrets that programs hold for months and exchange for tokens of minutes.",
)
app.add_typer(
    approvals.app,
    name="approvals",
    cls=Commands,
    help="Tool calls that wait for a person's yes: list, show, deny; approve as a person who proves who they are.",
)
app.add_typer(
    signal.app,
    name="signal",
    cls=Commands,
    help="What is unusual in the record, with the numbers that say why, and what is done about it.",
)
app.add_typer(
    webhook.app,
    name="webhook",
    cls=Commands,
    help="Where a tenant is told of what happens: signed calls to an address of its own.",
)
app.add_typer(key.app, name="key", cls=Commands, help="Signing keys, and the key-encryption key.")
