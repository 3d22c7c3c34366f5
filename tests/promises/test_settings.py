"""A wrong setting stops the start and says which one and what to do (design §4)."""

import pytest

from authserver.settings import Settings, SettingsError, load_settings

WRONG = {
    "ISSUER": [
        ("http://auth.example.com", "https"),
        ("https://auth.example.com/", "trailing slash"),
        ("https://auth.example.com/x", "no path"),
        ("https://auth.example.com?x=1", "query"),
        ("https://auth.example.com#", "fragment"),
        ("auth.example.com", "https"),
        ("ftp://auth.example.com", "https"),
        ("https://user@auth.example.com", "https"),
    ],
    "PORT": [("70000", "65535"), ("-1", "0"), ("http", "integer")],
    "WORKERS": [("0", "1"), ("65", "64")],
    "EXPOSURE": [("internet", "public-bearer")],
    "ACCESS_TOKEN_SECONDS": [("10", "30"), ("86401", "86400"), ("ten", "integer")],
    "AUTHORIZATION_CODE_SECONDS": [("1", "5"), ("601", "600")],
    "REFRESH_REPLAY_SECONDS": [("-1", "0"), ("601", "600")],
    "SYSTEM_ABSOLUTE_SECONDS": [("60", "604800"), ("99999999", "2592000")],
    "SIGNING_ALGORITHM": [("HS256", "ES256"), ("none", "ES256"), ("RS512", "RS256")],
    "PASSWORD_WORKERS": [("0", "1")],
    "LOGIN_FAILURES": [("0", "1")],
    "LOG_LEVEL": [("loud", "info")],
    "MEMORY_REFRESH_SECONDS": [("0", "0"), ("6", "5")],
}


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch):
    import os

    for name in list(os.environ):
        if name.startswith("AUTHSERVER_"):
            monkeypatch.delenv(name)


@pytest.mark.requirement("ours:settings:wrong-values-name-setting-and-cure")
@pytest.mark.parametrize(("name", "value", "cure"), [(name, *case) for name, cases in WRONG.items() for case in cases])
def test_a_wrong_value_names_the_setting_and_the_cure(monkeypatch, name, value, cure):
    """Design §4: from the environment, before anything listens."""
    monkeypatch.setenv(f"AUTHSERVER_{name}", value)

    with pytest.raises(SettingsError) as refused:
        load_settings()

    assert str(refused.value).startswith(f"AUTHSERVER_{name}: ")
    assert cure in str(refused.value)


@pytest.mark.requirement("ours:settings:wrong-values-name-setting-and-cure")
@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"INTERACTIVE_IDLE_SECONDS": "100000", "INTERACTIVE_ABSOLUTE_SECONDS": "1000"}, "INTERACTIVE_IDLE_SECONDS"),
        ({"KEY_PUBLISH_AHEAD_SECONDS": "1000", "KEY_ROTATION_SECONDS": "1000"}, "KEY_PUBLISH_AHEAD_SECONDS"),
        ({"TLS_CERTIFICATE": "/tmp/cert.pem"}, "TLS_KEY"),
        ({"TLS_KEY": "/tmp/key.pem"}, "TLS_CERTIFICATE"),
        ({"KEY_PUBLISH_AHEAD_SECONDS": "60", "JWKS_MAX_AGE_SECONDS": "300"}, "JWKS_MAX_AGE_SECONDS"),
    ],
    ids=str,
)
def test_settings_that_do_not_fit_each_other_are_named(monkeypatch, given, named):
    """Design §4; the last: a key that signs before every cache has seen it would fail its first tokens."""
    for name, value in given.items():
        monkeypatch.setenv(f"AUTHSERVER_{name}", value)

    with pytest.raises(SettingsError) as refused:
        load_settings()

    assert named in str(refused.value)


@pytest.mark.requirement("ours:settings:errors-hold-no-secret")
@pytest.mark.parametrize("name", ["KEK", "REDIS_URL", "DATABASE_OWNER_URL"])
def test_no_secret_setting_is_ever_shown(monkeypatch, name):
    """C47: neither in an error about another setting, nor in the settings' own words."""
    monkeypatch.setenv(f"AUTHSERVER_{name}", "canary-secret-value")
    shown = repr(load_settings())
    monkeypatch.setenv("AUTHSERVER_PORT", "nonsense")

    with pytest.raises(SettingsError) as refused:
        load_settings()

    assert "canary" not in shown
    assert "canary" not in str(refused.value)


@pytest.mark.requirement("ours:settings:errors-hold-no-secret")
def test_the_password_in_a_database_url_is_not_shown(monkeypatch):
    """C47: the URL of the serving role holds a password too."""
    monkeypatch.setenv("AUTHSERVER_DATABASE_URL", "postgresql://app:canary-password@db/authserver")

    shown = repr(load_settings())

    assert "canary-password" not in shown


@pytest.mark.requirement("ours:settings:file-is-read-strictly")
@pytest.mark.parametrize(
    ("text", "told"),
    [("PORT=1\n", "line 1"), ("# ok\nAUTHSERVER_PORT\n", "line 2"), ("AUTHSERVER_PORT=x\n", "AUTHSERVER_PORT")],
)
def test_a_line_that_is_no_setting_stops_the_start(tmp_path, text, told):
    """Design §4: `--data-dir DIR` reads DIR/env; the error names file and line."""
    (tmp_path / "env").write_text(text)

    with pytest.raises(SettingsError) as refused:
        load_settings(tmp_path)

    assert told in str(refused.value)


@pytest.mark.requirement("ours:settings:file-is-read-strictly")
def test_a_folder_without_settings_says_what_to_give(tmp_path):
    """Design §4."""
    with pytest.raises(SettingsError, match="--data-dir"):
        load_settings(tmp_path)


@pytest.mark.requirement("ours:settings:defaults-are-safe")
def test_the_defaults_are_those_of_the_design():
    """Design §4, decisions 9, 19, 21: short lives, loopback, a replay window of a minute."""
    settings = Settings()

    assert "127.0.0.1" == settings.host
    assert "loopback" == settings.exposure
    assert "ES256" == settings.signing_algorithm
    assert (600, 60, 60) == (
        settings.access_token_seconds,
        settings.authorization_code_seconds,
        settings.refresh_replay_seconds,
    )
    assert (86_400, 30 * 86_400) == (settings.interactive_idle_seconds, settings.interactive_absolute_seconds)
    assert settings.password_memory_kib >= 19_456
    assert "" == settings.trusted_proxies
