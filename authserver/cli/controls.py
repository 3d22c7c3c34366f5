"""What `authserver check --controls` says: which of the 66 controls this deployment keeps, which it leaves out, and who keeps the rest."""

from dataclasses import dataclass
from typing import Final

from authserver.runtime import serving
from authserver.settings import Settings
from resource_lib.wire.controls import CONTROLS, Control

_EXAMPLE: Final = "@example.com"
_LONGEST_ROTATION_S: Final = 183 * 24 * 3600
"""Half a year: what C05 calls too long for a credential that never changed."""

_ELSEWHERE: Final = {
    "guard": "each MCP server's guard keeps it: ask its doctor()",
    "author": "whoever writes the tools keeps it",
    "deployment": "whoever runs this keeps it",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """One control, as this deployment keeps it."""

    control: str
    what: str
    state: str
    """`on`, `off`, `elsewhere` or `not applicable`."""
    why: str


def kept(settings: Settings) -> list[Kept]:
    """Return every control, in order."""
    return [
        Kept(control=control.id, what=control.title, state=state, why=why)
        for control in CONTROLS
        for state, why in [_answer(control, settings)]
    ]


def _answer(control: Control, settings: Settings) -> tuple[str, str]:
    if control.default == "later":
        return "off", "not built yet"
    if control.keeper == "client":
        return "not applicable", "it is the agent's side"
    if control.keeper != "issuer":
        return "elsewhere", _ELSEWHERE[control.keeper]
    match control.id:
        case "C05" if settings.key_rotation_seconds > _LONGEST_ROTATION_S:
            return "off", "AUTHSERVER_KEY_ROTATION_SECONDS is longer than half a year"
        case "C54" if settings.tool_review == "observe":
            return "off", "AUTHSERVER_TOOL_REVIEW=observe: what is new or changed counts before anybody has looked"
        case "C56" if settings.server_check_seconds == 0:
            return "off", "AUTHSERVER_SERVER_CHECK_SECONDS is 0: nothing is checked on a schedule"
        case "C58" if settings.security_contact.endswith(_EXAMPLE):
            return "off", "AUTHSERVER_SECURITY_CONTACT names nobody"
        case "C60" if not serving.is_loopback(settings.host):
            return "on", f"it listens on {settings.host}, as was said: {settings.exposure}"
        case "C61":
            return _transport(settings)
    return "on", ""


def _transport(settings: Settings) -> tuple[str, str]:
    if settings.tls_certificate is not None:
        asks = " and asks for client certificates" if settings.tls_client_ca is not None else ""
        return "on", f"it serves TLS 1.3{asks}"
    if settings.exposure == "trusted-proxy":
        return "elsewhere", "the proxy before it ends TLS"
    if serving.is_loopback(settings.host):
        return "not applicable", "it listens on this machine alone"
    return "off", "AUTHSERVER_TLS_CERTIFICATE is not set"
