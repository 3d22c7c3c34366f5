"""The official conformance suite in its `authorization` mode, with somebody who logs in where it says."""

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.agreement import npm
from tests.agreement.demo_process import Demo
from tests.agreement.people import FormPerson
from tests.support.processes import free_port

SCENARIOS = {"authorization-server-metadata-endpoint", "authorization-code-grant"}
CHECKS = {"authorization-server-metadata", "authorization-server-metadata-cimd", "authorization-code-grant"}

pytestmark = [npm.needs_npm, pytest.mark.usefixtures("packages")]


async def run(demo: Demo, folder: Path) -> tuple[int, str]:
    """Run the suite; where it prints an address to be visited, somebody logs in there and allows."""
    user = demo.user("alice")
    person = FormPerson(email=user["email"], password=user["password"])
    process = await asyncio.create_subprocess_exec(
        *map(str, (npm.node(), npm.CONFORMANCE, "authorization", "--url", demo.facts["issuer"])),
        *("--client-id", demo.public_client["client_id"], "--resource", demo.facts["resource"]),
        *("--port", str(free_port()), "--output-dir", str(folder)),
        cwd=npm.FOLDER,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    said = []
    try:
        async with asyncio.timeout(60):
            async for line in process.stdout:
                said.append(line.decode())
                if said[-1].startswith(f"{demo.facts['issuer']}/authorize?"):
                    await person.visit(said[-1].strip())
            return await process.wait(), "".join(said)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.requirement("interop:conformance:authorization-mode-passes-whole")
async def test_the_official_suite_passes_whole_in_its_authorization_mode(
    demo: Demo, tmp_path: Path, tally: Callable[..., None]
):
    """MCP authorization, as its own conformance suite tests an authorization server: no failure, no warning, nothing skipped."""
    code, output = await run(demo, tmp_path)

    found = {
        re.sub(r"^authorization-server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z?$", r"\1", path.parent.name): {
            check["id"]: check["status"] for check in json.loads(path.read_text())
        }
        for path in tmp_path.glob("**/checks.json")
    }
    checks = {name: status for scenario in found.values() for name, status in scenario.items()}
    tally(
        f"MCP conformance {npm.version('@modelcontextprotocol/conformance')}, authorization",
        scenarios=len(found),
        checks=len(checks),
        failures=sum(status != "SUCCESS" for status in checks.values()),
    )
    assert SCENARIOS == set(found), output
    assert dict.fromkeys(CHECKS, "SUCCESS") == checks, found
    assert 0 == code, output
