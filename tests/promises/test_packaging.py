"""What is installed is what was asked for: the bare distribution is the library alone."""

import ast
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def name_of(requirement: str) -> str:
    return re.match(r"[A-Za-z0-9._-]+", requirement).group().lower().replace("_", "-")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The distribution, built by the locked build backend as a publisher would."""
    folder = tmp_path_factory.mktemp("wheel")
    build = "import sys, hatchling.build; print(hatchling.build.build_wheel(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", build, str(folder)], cwd=ROOT, check=True, capture_output=True)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """An environment with the wheel and what it needs without any extra: linked from here, so that no network is asked."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=False, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as files:
        files.extractall(packages)
    here = Path(pytest.__file__).resolve().parents[1]
    for distribution in needed():
        for top in tops(here, distribution):
            if not (packages / top.name).exists():
                (packages / top.name).symlink_to(top)
    return folder / "bin" / "python"


def needed() -> set[str]:
    """The names of the distributions that the bare install pulls in, and theirs."""
    from importlib.metadata import PackageNotFoundError, requires

    from packaging.requirements import Requirement

    found: set[str] = set()
    waiting = [Requirement(line) for line in PROJECT["dependencies"]]
    while waiting:
        requirement = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        name = requirement.name.lower().replace("_", "-")
        if name in found:
            continue
        found.add(name)
        try:
            waiting += [Requirement(line) for line in requires(name) or ()]
        except PackageNotFoundError:
            raise AssertionError(f"{name} is needed and not installed") from None
    return found


def tops(here: Path, distribution: str) -> set[Path]:
    from importlib.metadata import files

    return {
        here / file.parts[0]
        for file in files(distribution) or ()
        if file.parts[0] not in {"..", "__pycache__"} and (here / file.parts[0]).exists()
    }


@pytest.mark.requirement("packaging:bare:is-the-library-alone")
def test_the_bare_install_imports_the_library_and_nothing_of_the_server(bare: Path):
    """Design §1: it goes into other people's servers."""
    script = """
import sys
import resource_lib
import resource_lib.testing
guard = resource_lib.ResourceGuard(
    issuer="https://auth.example.com", resource="https://mcp.example.com/mcp", tools={"look": resource_lib.read("see")}
)
guard.wrap(lambda scope, receive, send: None)
strange = {"authserver", "sqlalchemy", "fastapi", "starlette", "mcp", "fastmcp", "uvicorn", "redis", "jwcrypto"}
print(sorted(strange & {name.partition(".")[0] for name in sys.modules}))
"""

    done = subprocess.run(
        [bare, "-W", "error", "-c", script], capture_output=True, text=True, check=False, cwd=bare.parent
    )

    assert ("[]\n", "") == (done.stdout, done.stderr)


@pytest.mark.requirement("packaging:bare:is-the-library-alone")
@pytest.mark.parametrize(
    "package", ["sqlalchemy", "fastapi", "mcp", "fastmcp", "redis", "alembic", "jwcrypto", "uvicorn"]
)
def test_the_bare_environment_has_nothing_of_the_extras(bare: Path, package: str):
    """Design §1: without this, the test above would pass because everything is installed."""
    done = subprocess.run(
        [bare, "-c", f"import {package}"], capture_output=True, text=True, check=False, cwd=bare.parent
    )

    assert "ModuleNotFoundError" in done.stderr


@pytest.mark.requirement("packaging:bare:is-the-library-alone")
def test_the_library_needs_only_what_it_declares():
    """Ours: an import that works here because of the server fails at whoever installed the library alone."""
    declared = {name_of(line) for line in PROJECT["dependencies"]}
    modules = {"cryptography", "httpx2", "anyio", "rfc8785", "jsonschema_rs", "jwt", "resource_lib", "yaml"}
    optional = {"sqlalchemy", "mcp", "mcp_types", "fastmcp", "starlette"}
    # Imported where jsonschema-rs has no wheel, and declared for there; it brings `referencing`.
    elsewhere = {"arguments/engine_python.py": {"jsonschema", "referencing"}}

    foreign: dict[str, set[str]] = {}
    for path in sorted((ROOT / "resource_lib").rglob("*.py")):
        tree = ast.parse(path.read_text())
        for node in tree.body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            for name in names:
                top = name.partition(".")[0]
                if top not in sys.stdlib_module_names and top not in modules:
                    foreign.setdefault(str(path.relative_to(ROOT / "resource_lib")), set()).add(top)

    assert {"anyio", "cryptography", "httpx2", "jsonschema", "jsonschema-rs", "pyjwt", "pyyaml", "rfc8785"} <= declared
    # Adapters and the database wall are imported by whoever has the framework.
    allowed = {path: tops for path, tops in foreign.items() if path.startswith(("integrations/", "data/"))}
    assert elsewhere == {path: tops for path, tops in foreign.items() if path not in allowed}
    assert set().union(*allowed.values(), set()) <= optional


@pytest.mark.requirement("packaging:wheel:holds-what-runs")
def test_the_wheel_holds_both_parts_the_migrations_and_the_licence(wheel: Path):
    """Ours: an installed server must be able to migrate, and to show its pages."""
    names = zipfile.ZipFile(wheel).namelist()

    for wanted in (
        "authserver/__main__.py", "authserver/web/pages/templates/consent.html", "authserver/web/static/style.css",
        "authserver/migrations/env.py", "resource_lib/guard.py", "resource_lib/py.typed",
    ):  # fmt: skip
        assert wanted in names, wanted
    assert [name for name in names if name.endswith("licenses/LICENSE")]
    assert not [name for name in names if name.startswith(("tests/", "examples/", "benchmarks/", "deploy/"))]


@pytest.mark.requirement("packaging:lock:names-no-host")
@pytest.mark.parametrize("name", ["dev.txt", "runtime.txt"])
def test_the_lock_has_a_hash_for_each_version_and_names_no_host(name: str):
    """Design §4, C63."""
    text = (ROOT / "requirements" / name).read_text()

    pins = re.findall(r"^([a-z0-9][a-z0-9._-]*)==([^\s;\\]+)", text, flags=re.MULTILINE)
    blocks = re.split(r"^(?=[a-z0-9][a-z0-9._-]*==)", text, flags=re.MULTILINE)
    assert len(pins) > 20
    assert all("--hash=sha256:" in block for block in blocks if "==" in block)
    assert "://" not in text
    assert "--index" not in text


@pytest.mark.requirement("packaging:lock:names-no-host")
def test_what_runs_is_locked_to_the_versions_that_were_tested():
    """C63: a runtime that differs from what the suite ran on was not tested."""
    versions = {}
    for name in ("dev.txt", "runtime.txt"):
        text = (ROOT / "requirements" / name).read_text()
        versions[name] = dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)==([^\s;\\]+)", text, flags=re.MULTILINE))

    assert {} == {name: made for name, made in versions["runtime.txt"].items() if versions["dev.txt"].get(name) != made}


@pytest.mark.requirement("packaging:sbom:lists-the-lock")
def test_the_bill_of_materials_lists_every_pin_with_its_hashes(tmp_path: Path):
    """C63."""
    import json

    lock = ROOT / "requirements" / "runtime.txt"
    make = [sys.executable, str(ROOT / "deploy/sbom.py"), str(lock), str(tmp_path / "sbom.json")]
    subprocess.run(make, check=True, capture_output=True)

    bill = json.loads((tmp_path / "sbom.json").read_text())
    pins = dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)==([^\s;\\]+)", lock.read_text(), flags=re.MULTILINE))
    assert pins == {one["name"]: one["version"] for one in bill["components"]}
    assert lock.read_text().count("--hash=sha256:") == sum(len(one["hashes"]) for one in bill["components"])
