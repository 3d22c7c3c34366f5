"""A wrong setting stops the start and names the cure."""

import pytest

from resource_lib import ResourceGuard, SettingsError, read
from resource_lib.settings import scope_hierarchy

TOOLS = {"see": read("n:read")}


@pytest.mark.parametrize(
    "url",
    [
        "",
        None,
        "mcp.example.com",
        "http://mcp.example.com/mcp",
        "http://127.0.0.1.example.com/mcp",
        "http://localhost.example.com",
        "ftp://127.0.0.1/",
        "https://user:secret@mcp.example.com/",
        "https://mcp.example.com/mcp?x=1",
        "https://mcp.example.com/mcp#x",
        'https://mcp.example.com/"quoted',
        "https://mcp.example.com/mcp\r\nX: y",
        "https://mcp.example.com/m cp",
        "https://mcp.example.com:port/",
        "https:///mcp",
        "https://\u043ccp.example.com/",
    ],
)
@pytest.mark.parametrize("setting", ["issuer", "resource"])
@pytest.mark.requirement("guard:settings:https-or-loopback")
def test_an_identifier_is_https_or_loopback_and_a_plain_url(setting, url):
    """RFC 8414 §2, RFC 8707 §2; decision 6."""
    urls = {"issuer": "https://auth.example.com", "resource": "https://mcp.example.com/mcp", setting: url}

    with pytest.raises(SettingsError) as refusal:
        ResourceGuard(tools=TOOLS, **urls)

    assert setting == refusal.value.setting
    assert "Cure: " in str(refusal.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/mcp", "http://[::1]:8000/mcp", "http://localhost/mcp"])
def test_plain_http_is_for_loopback(url):
    """Decision 6."""
    assert url == ResourceGuard(issuer="http://127.0.0.1:9000", resource=url, tools=TOOLS).settings.resource


@pytest.mark.parametrize(
    "wrong",
    [
        {"challenge": "everything"},
        {"max_body_bytes": 0},
        {"max_sessions": 0},
        {"max_token_seconds": 59},
        {"max_token_seconds": 86_401},
        {"allowed_origins": ["https://a.example/path"]},
        {"public_paths": ["/mcp"]},
        {"public_paths": ["/mcp/"]},
        {"public_paths": ["health"]},
        {"resource_name": " "},
        {"initial_scopes": ["two words"]},
        {"methods": {"tools/call": []}},
        {"methods": {"tools/list": ["x"]}},
        {"methods": {"resources/read": "n:read"}},
        {"methods": {"not a method": []}},
        {"implies": {"a": "b"}},
        {"implies": {"a b": ["b"]}},
        {"implies": {"admin": ["tool:wipe"]}},
        {"implies": {"tool:wipe": ["n:read"]}},
    ],
)
def test_every_other_wrong_setting_stops_the_start_too(wrong):
    """Ours."""
    with pytest.raises(SettingsError, match="Cure: "):
        ResourceGuard(issuer="https://a.example", resource="https://mcp.example.com/mcp", tools=TOOLS, **wrong)


def test_a_hierarchy_is_followed_to_its_end_and_round_in_circles():
    """MCP "Step-Up Authorization Flow": hierarchies must be accounted for."""
    closed = scope_hierarchy({"admin": ["write"], "write": ["read"], "read": ["admin"]})

    assert frozenset({"admin", "write", "read"}) == closed["admin"] == closed["read"]


def test_doctor_says_that_no_lease_is_applied(caplog):
    """Decision 18: a guard without a credential is token-only and says so at start and in doctor()."""
    caplog.set_level("INFO", "resource_lib.guard")
    guard = ResourceGuard(
        issuer="https://a.example", resource="https://mcp.example.com/mcp", tools=TOOLS, forward_authorization=True
    )

    guard.wrap(lambda *_: None)

    report = guard.doctor()
    assert ("token-only", None) == (report.mode, report.lease)
    assert {"read": ("see",), "write": (), "destructive": ()} == dict(report.tools)
    assert 1 == len(report.warnings)
    assert "token-only, no lease applied, nothing is followed" in caplog.text
