"""Whatever the server offers, says or records is named by a test: a thing nobody tests is a thing nobody promised."""

import ast
import functools
import re
from pathlib import Path

import pytest

from authserver.domain.audit.event import Kind
from authserver.oauth import errors
from authserver.settings import Settings
from authserver.web.routes import ROUTES

TESTS = Path(__file__).resolve().parents[1]

CODES = sorted(
    {one.code for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.OAuthError) and hasattr(one, "code")}
)  # fmt: skip


@functools.cache
def words() -> str:
    """Every string and name in the tests, this folder's own excepted."""
    found = []
    for path in sorted(TESTS.rglob("*.py")):
        if path.parent == Path(__file__).parent:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
            elif isinstance(node, ast.Attribute):
                found.append(node.attr)
            elif isinstance(node, ast.keyword) and node.arg:
                found.append(node.arg)
    return "\n".join(found)


def named() -> set[str]:
    """The same, word by word."""
    return set(re.findall(r"\w+", words()))


@pytest.mark.requirement("house:surface:is-tested")
@pytest.mark.parametrize("endpoint", sorted(ROUTES))
def test_every_endpoint_is_asked_for_by_a_test(endpoint: str):
    """Ours."""
    assert endpoint in words()


@pytest.mark.requirement("house:surface:is-tested")
@pytest.mark.parametrize("code", CODES)
def test_every_error_is_expected_by_a_test(code: str):
    """Ours."""
    assert code in words()


@pytest.mark.requirement("house:surface:is-tested")
@pytest.mark.parametrize("kind", sorted(Kind))
def test_every_event_is_looked_for_by_a_test(kind: Kind):
    """Decision 15: what happened can be proved only if it is recorded."""
    assert kind.value in words() or kind.name in words()


@pytest.mark.requirement("house:surface:is-tested")
@pytest.mark.parametrize("setting", sorted(Settings.model_fields))
def test_every_setting_is_set_by_a_test(setting: str):
    """Ours: a setting nothing reads is a promise nobody keeps."""
    assert {setting, setting.upper(), f"AUTHSERVER_{setting.upper()}"} & named()
