"""The house keeps its order: who may import whom, whose rows are whose, and what each file is for."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOMAIN = ROOT / "authserver" / "domain"
SHIPPED = [ROOT / "authserver", ROOT / "resource_lib"]


SHARED_ROWS = {
    # Every token waits for both, so one reading says who the member is now and what they allow.
    "consent/store.py": {"authserver.domain.users.store"},
    # A refresh is decided by one reading: the token with its authorization, that standing, and what a kill has counted out.
    "tokens/store.py": {"authserver.domain.consent.store", "authserver.domain.revocation.store"},
    # A yes counts while what it stands on lives and whoever gave it could still give it: asked by the statement that spends it.
    "approvals/store.py": {
        "authserver.domain.revocation.store",
        "authserver.domain.tokens.store",
        "authserver.domain.users.store",
    },
    # And so does one for several calls, each time that one of them is spent.
    "call_grants/store.py": {"authserver.domain.revocation.store", "authserver.domain.users.store"},
    # What was promised before a kill is worth nothing after it, in the statement that redeems it.
    "codes/store.py": {"authserver.domain.revocation.store"},
    # Nor does a session open what was stopped since its login.
    "login/store.py": {"authserver.domain.revocation.store", "authserver.domain.users.store"},
    # What a stop would end is counted where it stands.
    "stopping/store.py": {"authserver.domain.revocation.store", "authserver.domain.tokens.store"},
}
"""The joins that two capabilities agreed on, each with its reason. It is not meant to grow."""


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(path: Path) -> Iterator[str]:
    """Every module that a file names in an import, `from package import module` included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def tracked() -> list[Path]:
    """Every file of the tree, as far as git knows it; without git, every file that is not a build product."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    ignored = {".git", ".venv", "build", "dist", "demo-data", "__pycache__"}
    return [path for path in ROOT.rglob("*") if path.is_file() and not ignored & set(path.relative_to(ROOT).parts)]


@pytest.mark.requirement("house:imports:flow-one-way")
def test_the_contracts_of_the_house_hold():
    """Decision of the first ADR: measured elsewhere, folders without an enforced order become one ball."""
    linter = Path(sys.executable).with_name("lint-imports")

    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert 0 == done.returncode, done.stdout
    assert "0 broken" in done.stdout


@pytest.mark.requirement("house:stores:are-private")
@pytest.mark.parametrize("path", sorted(DOMAIN.rglob("*.py")), ids=relative)
def test_only_its_own_capability_reads_a_store(path: Path):
    """Ours: rows that two capabilities read have two masters, and rules that only one of them knows."""
    parts = path.relative_to(DOMAIN).parts
    mine = f"authserver.domain.{parts[0]}." if len(parts) > 1 else "nobody's"

    strangers = {
        name
        for name in imports(path)
        if re.fullmatch(r"authserver\.domain\.\w+\.store(\.\w+)?", name) and not name.startswith(mine)
    }

    agreed = SHARED_ROWS.get(str(path.relative_to(DOMAIN)), set())
    assert set() == {name for name in strangers if name not in agreed and name.rpartition(".")[0] not in agreed}


@pytest.mark.requirement("house:files:say-what-they-are-for")
@pytest.mark.parametrize(
    "path",
    sorted(path for folder in SHIPPED for path in folder.rglob("*.py") if "versions" not in path.parts),
    ids=relative,
)
def test_every_module_opens_with_its_promise(path: Path):
    """Ours: the tree is the first page of documentation, and a docstring is the caption of each picture in it."""
    promise = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").strip()

    first = promise.splitlines()[0] if promise else ""
    assert len(first) >= 15, f"{relative(path)} does not say what it is for"
    assert first[-1] in ".:,;?!" or len(promise.splitlines()) > 1, first


@pytest.mark.requirement("house:files:say-what-they-are-for")
def test_no_folder_or_module_is_called_after_nothing():
    """Ours: if it has no name it has no place."""
    nameless = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager", "stuff", "lib"}

    named = {relative(path) for folder in SHIPPED for path in folder.rglob("*.py") if path.stem in nameless}
    named |= {
        relative(path) for folder in SHIPPED for path in folder.rglob("*") if path.is_dir() and path.name in nameless
    }

    assert set() == named


@pytest.mark.requirement("house:tree:names-no-registry-and-no-machine")
def test_no_file_names_a_package_registry_or_a_path_of_somebodys_machine():
    """Design §4: the tree installs from whatever registry its user trusts, and from any folder."""
    # In two halves, so that this file names none either.
    halves = ("pypi org", "files pythonhosted", "registry npmjs", "docker io", "ghcr io", "quay io", "gcr io")
    hosts = [".".join(half.split()) for half in halves]
    registries = "|".join(host.replace(".", "\\.") for host in hosts)
    machines = r"(?<![\w.])/(?:root|home/\w+|Users/\w+|work)/[\w.]"
    forbidden = re.compile(f"{registries}|{machines}")
    found = {}
    for path in tracked():
        if (
            path == Path(__file__)
            or path.suffix in {".png", ".db", ".woff2"}
            or path.stat().st_size > 5_000_000
            or "vectors" in path.parts
        ):
            continue
        hit = forbidden.search(path.read_text(encoding="utf-8", errors="replace"))
        if hit:
            found[relative(path)] = hit.group()

    assert {} == found


@pytest.mark.requirement("house:make:every-target-is-explained")
def test_every_make_target_has_a_line_of_help():
    """Design §4: whoever types `make` sees what there is."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z.][a-z.-]*):(?!=)", makefile, flags=re.MULTILINE)) - {".PHONY", ".DEFAULT_GOAL"}

    shown = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout

    assert targets == set(re.findall(r"^  make (\S+) +\S", shown, flags=re.MULTILINE))
    assert {"demo", "test", "lint", "bench", "browser", "conformance", "lock", "sbom", ".venv"} <= targets
