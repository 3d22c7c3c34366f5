"""
Writes the pages of docs/ that follow from the code: settings, events, and the map from RFC sections to files.

`python docs/generate.py` writes them; `python docs/generate.py --check` says which are out of date, and fails.
"""

import ast
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

_SECTION = re.compile(
    r"(RFC \d{4}|OAuth 2\.1|OpenID Connect Core|MCP|Control|NIST SP [\d-]+|FIPS \d+|ASVS)((?:,? (?:and )?§[\d.]+|,? C\d\d|,? [AR]\d+)*)"
)


def settings_page() -> str:
    """Return every setting: its name, its default, what it is."""
    from authserver.settings import Settings

    lines = [
        "# Settings",
        "",
        "Read from the environment, or from `DIR/env` with `--data-dir DIR`.",
        "A wrong value stops the start and names the setting and the cure; `authserver check` looks at them without serving.",
        "",
        "| setting | default | what it is |",
        "|---|---|---|",
    ]
    told = _attribute_docs(ROOT / "authserver/settings.py", "Settings")
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f"`{field.default}`"
        lines.append(f"| `AUTHSERVER_{name.upper()}` | {default} | {told[name]} |")
    return "\n".join(lines) + "\n"


def events_page() -> str:
    """Return every event that is recorded."""
    from authserver.domain.audit.event import Kind
    from authserver.web.console.event_words import CALLED

    lines = [
        "# Events",
        "",
        "Every event is inserted with the change it tells of, in the same commit; a refusal is recorded with its answer, a stranger's within a budget.",
        "An event has a header (numbers, codes, keyed references, a commitment) and, where a person is named, an encrypted payload.",
        "",
        "| event | what it tells of | recorded by |",
        "|---|---|---|",
    ]
    written = {path: _written_kinds(path) for path in (ROOT / "authserver").rglob("*.py")}
    for kind in Kind:
        places = sorted(str(path.relative_to(ROOT)) for path, kinds in written.items() if kind.name in kinds)
        lines.append(
            f"| `{kind.value}` | {CALLED[kind]} | {', '.join(f'`{place}`' for place in places) or 'not yet'} |"
        )
    return "\n".join(lines) + "\n"


def _written_kinds(path: Path) -> set[str]:
    """Return the kinds of events that a file writes: those that it names, and neither compares, looks up nor asks for."""
    tree, found, read = ast.parse(path.read_text(encoding="utf-8")), [], set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in {"Kind", "event.Kind"}:
            found.append(node)
        asks = isinstance(node, ast.Compare | ast.Set | ast.Attribute) or (
            isinstance(node, ast.Call) and ast.unparse(node.func) == "event.history"
        )
        if asks or isinstance(node, ast.Dict):
            parts = [key for key in node.keys if key] if isinstance(node, ast.Dict) else ast.iter_child_nodes(node)
            read |= {id(part) for each in parts for part in ([each, *ast.iter_child_nodes(each)])}
    return {node.attr for node in found if id(node) not in read}


def rfc_page() -> str:
    """Return which file keeps which section, from the docstrings."""
    kept: dict[str, set[str]] = {}
    for package in ("authserver", "resource_lib"):
        for path in sorted((ROOT / package).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            documented = [
                tree,
                *(
                    node
                    for node in ast.walk(tree)
                    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
                ),
            ]
            for node in documented:
                for name, sections in _SECTION.findall(ast.get_docstring(node) or ""):
                    for section in re.findall(r"§[\d.]*\d|C\d\d|[AR]\d+", sections) or [""]:
                        kept.setdefault(f"{name} {section}".strip(), set()).add(str(path.relative_to(ROOT)))
    lines = [
        "# From specification to file",
        "",
        "Made from the docstrings. OAuth 2.1 sections are those of draft-ietf-oauth-v2-1-13; MCP rows are those of its authorization chapter.",
        "",
        "| section | files |",
        "|---|---|",
    ]
    lines += [
        f"| {name} | {', '.join(f'`{path}`' for path in sorted(paths))} |" for name, paths in sorted(kept.items())
    ]
    return "\n".join(lines) + "\n"


def _tried_with(test: Callable[..., object]) -> frozenset[str]:
    """Return the keys with which a test runs, from its own mark."""
    marks: list[pytest.Mark] = getattr(test, "pytestmark", [])
    return frozenset(key for mark in marks if mark.name == "parametrize" for key in mark.args[1])


def clients_page() -> str:
    """Return what the tests try with which client, and how each is connected."""
    from tests.clients import test_documents, test_matrix
    from tests.clients.catalogue import CLIENTS
    from tests.clients.rules import RULES

    by_document = _tried_with(test_documents.test_it_is_known_by_its_document)
    registers = _tried_with(test_matrix.test_it_registers)
    by_operator = _tried_with(test_matrix.test_its_person_logs_in_where_an_operator_registered_it)
    logs_in = _tried_with(test_matrix.test_its_person_logs_in)
    refreshes = _tried_with(test_matrix.test_it_refreshes)
    asks_again = _tried_with(test_matrix.test_it_steps_up_by_asking_again)
    on_our_page = _tried_with(test_matrix.test_its_person_lets_it_do_more_whether_it_finishes_a_step_up_or_not)

    lines = [
        "# Clients",
        "",
        "Give a client the URL of your MCP server: it makes itself known and opens a browser. What to type in each stands below the table, with `https://mcp.example.com/mcp` for yours.",
        "A client id by hand, devices and machines are in [operating.md](operating.md).",
        "",
        "What each client sends stands in `tests/clients/catalogue.py` and is replayed against the server in every run; this page is made from there.",
        "A cell says what a test of `tests/clients/test_matrix.py` or `test_documents.py` does with the row's key, and `not tried` where none does; a trap is shown by the promise beside it (`tests/requirements/`).",
        "It is what was seen of each, replayed: the programs themselves change without asking. The SDKs that most of them are built with are run for real in `tests/agreement`.",
        "",
        "| client | key | becomes known by | names the MCP server | login | refresh | step-up |",
        "|---|---|---|---|---|---|---|",
    ]
    for key, known in CLIENTS.items():
        ways = (
            ("metadata document", by_document),
            ("registering itself", registers),
            ("an operator", by_operator),
        )
        steps = (("by asking again", asks_again), ("by its person on `/account`", on_our_page))
        cells = (
            ", ".join(way for way, tried in ways if key in tried),
            known.names_resource,
            "works" if key in logs_in else "",
            "works, without `scope`" if key in refreshes else "",
            ("" if known.finishes_step_up else "it never asks again: ")
            + (", or ".join(way for way, tried in steps if key in tried) or "not tried"),
        )
        lines.append(f"| {known.name} | `{key}` | {' | '.join(cell or 'not tried' for cell in cells)} |")
    for key, known in CLIENTS.items():
        lines += ["", f"## {known.name}", ""]
        lines += [f"{number}. {step}" for number, step in enumerate(known.connect, start=1)]
        if known.traps:
            lines += ["", f"Known of it, and shown (`{key}`):", ""]
            lines += [f"- {trap.what} ({trap.source}): `{trap.promise}`" for trap in known.traps]
        lines += ["", f"Sources: {', '.join(known.sources)}."]
    lines += ["", "## Rules that follow", "", "| | rule | shown by |", "|---|---|---|"]
    for number, rule in RULES.items():
        lines.append(f"| {number} | {rule.text} | {', '.join(f'`{promise}`' for promise in rule.promises)} |")
    return "\n".join(lines) + "\n"


_KEEPERS = {
    "guard": "the library",
    "issuer": "the authorization server",
    "author": "the tools' author, who is told",
    "deployment": "whoever runs it",
    "client": "the agent's side",
}


def endpoint_limits_page() -> str:
    """Return how often each endpoint may be asked."""
    from authserver.domain.resources.administration import PATH
    from authserver.web.limits import ADMIN, Limit
    from authserver.web.routes import ROUTES, limit_of

    said: dict[Limit, list[str]] = {}
    for path, route in ROUTES.items():
        for method in route.methods:
            said.setdefault(limit_of(route, method), []).append(f"{method} {path}")
    said[ADMIN] = [f"{PATH}, and all below it"]
    lines = [
        "# How often each endpoint may be asked",
        "",
        "Made from `authserver/web/limits.py` and `ROUTES`. Each refusal is a 429 with `Retry-After` (RFC 6585 §4): JSON, a page, or a problem",
        "document (RFC 9457), as the endpoint answers otherwise. Budgets are of each process, except where it says in the database.",
        "",
        "| endpoint | who counts together | how often |",
        "|---|---|---|",
    ]
    for limit, endpoints in said.items():
        named = "<br>".join(f"`{one}`" for one in endpoints)
        lines.append(f"| {named} | {limit.counts or 'nobody is counted'} | {limit.most} |")
    return "\n".join(lines) + "\n"


_DEFAULTS = {"on": "on", "option": "option", "later": "not built", "outside": "outside"}
_MOST_SHOWN = 3


def controls_page() -> str:
    """Return the 66 controls: on by default or an option, where, and which tests show each."""
    from resource_lib.wire.controls import CONTROLS

    shown = tests_of_controls()
    counted = ", ".join(
        f"{sum(one.default == default for one in CONTROLS)} {said}" for default, said in _DEFAULTS.items()
    )
    lines = [
        "# Controls",
        "",
        "What checklists for MCP servers ask for, 66 controls: whether each is kept without a word, who keeps it, where, and which tests show it.",
        "Made from `resource_lib/wire/controls.py` and from the sources that `tests/requirements/` names, the most telling tests first.",
        "`guard.doctor()` says which of them your guard keeps, `authserver check` the rest.",
        "",
        f"By default: {counted}.",
        "",
        "| control | what | kept by | by default | where | shown by |",
        "|---|---|---|---|---|---|",
    ]
    for one in CONTROLS:
        tests = shown.get(one.id, [])
        more = f" and {len(tests) - _MOST_SHOWN} more" if len(tests) > _MOST_SHOWN else ""
        cell = "<br>".join(f"`{test}`" for test in tests[:_MOST_SHOWN]) + more
        lines.append(
            f"| {one.id} | {one.title} | {_KEEPERS[one.keeper]} | {_DEFAULTS[one.default]} | {one.where} | {cell or 'no test'} |"
        )
    return "\n".join(lines) + "\n"


def lint_page() -> str:
    """Return every rule of the linter."""
    from resource_lib.lint import RULES

    lines = [
        "# What the linter looks for",
        "",
        "`python -m resource_lib lint`, and each guard at its start; [authors.md](authors.md) says how.",
        "",
        "| rule | severity | control | why it matters | cure |",
        "|---|---|---|---|---|",
    ]
    lines += [
        "| " + " | ".join((f"`{rule.id}`", rule.severity, rule.control, rule.says, rule.cure)) + " |" for rule in RULES
    ]
    return "\n".join(lines) + "\n"


def tests_of_controls() -> dict[str, list[str]]:
    """
    Return which tests show each control, by its id, the most telling first: one of each promise that the manifest marks (`TELLING`), then
    of those whose source names the control first and few others, then the rest.
    """
    from tests.requirements import REQUIREMENTS, TELLING

    named = {name: re.findall(r"C\d\d", line.source) for name, line in REQUIREMENTS.items()}
    shown: dict[str, list[str]] = {}
    order = list(REQUIREMENTS)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        marks = _named_marks(tree)
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                for promise in _promises(node, marks):
                    shown.setdefault(promise, []).append(f"{path.relative_to(ROOT / 'tests')}::{node.name}")
    found = {}
    for control in sorted({one for controls in named.values() for one in controls}):
        marked = TELLING.get(control, "").split()
        others = sorted(
            (promise for promise in shown if control in named.get(promise, ()) and promise not in marked),
            key=lambda one: (named[one].index(control), len(named[one]), order.index(one)),
        )
        promises = [promise for promise in (*marked, *others) if promise in shown]
        firsts = [shown[promise][0] for promise in promises]
        more = [test for promise in promises for test in shown[promise][1:]]
        found[control] = list(dict.fromkeys([*firsts, *more]))
    return found


def _named_marks(tree: ast.Module) -> dict[str, list[str]]:
    """Return the promises of marks that stand under a name: `rotation = pytest.mark.requirement(…)`."""
    return {
        node.targets[0].id: _named_in(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }


def _promises(node: ast.FunctionDef | ast.AsyncFunctionDef, marks: dict[str, list[str]]) -> list[str]:
    found: list[str] = []
    for mark in node.decorator_list:
        found += marks.get(mark.id, []) if isinstance(mark, ast.Name) else _named_in(mark)
    return found


def _named_in(mark: ast.expr) -> list[str]:
    if not (isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute) and mark.func.attr == "requirement"):
        return []
    return [one.value for one in mark.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def screening_page() -> str:
    """Return what is looked for in texts, and how often that is right on the labelled texts of the tests."""
    from resource_lib.output import detectors, hostile
    from resource_lib.output.detectors import disguises
    from resource_lib.output.hostile import hidden, screen
    from tests.support import screening_corpus as corpus

    def table(docstring: str | None) -> list[str]:
        return [line for line in (docstring or "").splitlines() if line.startswith("|")]

    def figures(score: corpus.Score | None) -> str:
        if score is None:
            return " | | | "
        there = score.right + len(score.missed)
        return f" {there} | {score.precision:.2f} | {score.recall:.2f} " if there or score.wrong else " 0 | | "

    def summed(scores: dict[str, corpus.Score]) -> corpus.Score:
        total = corpus.Score()
        for name, score in scores.items():
            if name != "hostile":
                total.right += score.right
                total.wrong += score.wrong
                total.missed += score.missed
        return total

    def scores(of: Callable[[str], dict[str, corpus.Score]], name: str) -> list[str]:
        tuned, held = of(f"{name}.txt"), of(f"{name}_held_out.txt")
        lines = [
            "| | texts | precision | recall | held out | precision | recall |",
            "|---|---|---|---|---|---|---|",
        ]
        lines += [f"| `{one}` |{figures(tuned[one])}|{figures(held.get(one))}|" for one in sorted(tuned)]
        return [*lines, f"| all |{figures(summed(tuned))}|{figures(summed(held))}|"]

    sizes = corpus.sizes()
    changed, plain = (
        sum(pair)
        for pair in zip(*(corpus.untouched_share(f"findings{end}.txt") for end in ("", "_held_out")), strict=True)
    )
    alarms, harmless = (
        sum(pair) for pair in zip(*(corpus.false_alarms(f"signs{end}.txt") for end in ("", "_held_out")), strict=True)
    )
    return (
        "\n".join(
            [
                "# Screening of texts",
                "",
                "What `resource_lib.output` looks for in the texts that a tool returns: personal data and secrets (`detectors`), what nobody sees (`hostile.plain`), and orders to the model (`hostile.signs`).",
                f"The figures are those of {sum(sizes.values())} labelled texts in `tests/vectors/screening/`: {sizes['findings.txt']} and {sizes['signs.txt']} on which the tables were tuned, and {sizes['findings_held_out.txt']} and {sizes['signs_held_out.txt']} that were written afterwards and tuned nothing. They were made by hand by those who made the tables: they show what is covered, not what the world sends.",
                "",
                "## Personal data and secrets",
                "",
                *scores(corpus.findings_scores, "findings"),
                "",
                f"Of {plain} texts without anything to find (prose in several languages, source, identifiers, hashes, order numbers, versions, times) {changed} were changed.",
                "",
                "`address`, `name` and `id` have no shape: a schema names them (`x-pii`). What stands under a member that is called like a secret goes whatever it looks like, `named` in the counts.",
                "Not found, on purpose: digits without a mark of a telephone number, secrets without a known prefix or name beside them, names and addresses in free text.",
                "",
                "## Disguises",
                "",
                *table(disguises.__doc__),
                "",
                "## What is removed",
                "",
                *table(hidden.__doc__),
                "",
                "## Orders to the model",
                "",
                f"Signs that weigh {hostile.THRESHOLD} together make a text hostile (`hostile` in the table). A sign alone is a hint: `secrecy`, `tool_order` and their like are harmless in most texts and weigh less.",
                "",
                *scores(corpus.signs_scores, "signs"),
                "",
                f"Of {harmless} texts that are not hostile {alarms} were called so. Whoever writes about injection is found as well; whoever says it in words nobody thought of is not. A text in a language that is not in the table is found by its delimiters alone.",
                "",
                "What was removed from an answer before it is screened (the table above) counts as a hint of its own.",
                "",
                "## A better judge",
                "",
                "```python",
                "class MyScreen:",
                "    async def looks_at(self, texts: Sequence[str], *, tool: str) -> Iterable[hostile.Sign]:",
                "        risk = await model.injection_risk(texts)            # 0 to 1",
                '        return [hostile.Sign("model", risk)] if risk > 0.2 else []',
                "",
                'guard = ResourceGuard(…, output=Output(screen=MyScreen(), screen_seconds=0.5, screening="quarantine"))',
                "```",
                "",
                "It is asked about every result, error, progress or log in which somebody's words stand and the patterns found no orders: after personal data was masked and hidden characters were removed, with at most 200,000 characters. Its signs are added to those of the patterns, and from 1.0 together on the answer is hostile; it can take nothing away, so no text can talk it into letting something through. An answer waits for it, and so does each event of a stream: a model of your own, nearby and fast, is meant.",
                "",
                "| when it | then |",
                "|---|---|",
                f'| takes longer than `screen_seconds` ({screen.TIMEOUT_S}), fails, answers something else than signs, or is looking at {screen.MOST_AT_ONCE} other answers | the verdict is that of the patterns alone, and the answer carries the sign: `_meta["authserver/screening"]: {{"signs": ["{screen.UNSCREENED}"]}}`, `screened:{screen.UNSCREENED}` in `output.changed`, `output.unscreened` in the log |',
                "| does so with `screen_required=True`, and `screening` of the tool is `quarantine` or `block` | the answer counts as orders: it waits for a person, or never leaves |",
                "",
                "It is called from the server's event loop; a method that is not `async` runs in a thread. One that does not stop when it is told to is left behind. What it raises is not written down, for the text could be in it.",
                "",
                "## Speed",
                "",
                f"{len(detectors.DETECTORS)} detectors, most of which a text without their literals never meets. Each pattern is linear: `python -m benchmarks.screening` measures each with texts made of its own near misses at one size and at ten times that size, and [its tables](performance.md#looking-at-texts) say what floods and ordinary texts cost.",
                "",
                "The goal for 1 MB of one thing repeated is 50 ms: `aaaa…@`, brackets, digits and single emoji meet it, floods of candidates that each have to be proved or masked (`password=`, groups of digits that could be cards) do not; twice as much takes twice as long. What a guard reads of one answer is bounded before (`most_bytes`), and what leaves is 10,000 characters.",
            ]
        )
        + "\n"
    )


def _attribute_docs(path: Path, class_name: str) -> dict[str, str]:
    told: dict[str, str] = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if not (isinstance(node, ast.ClassDef) and node.name == class_name):
            continue
        previous = ""
        for item in node.body:
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                previous = item.target.id
            elif isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant) and previous:
                told[previous] = " ".join(str(item.value.value).split())
                previous = ""
            else:
                previous = ""
    return told


PAGES = {
    "settings.md": settings_page,
    "lint-rules.md": lint_page,
    "events.md": events_page,
    "clients.md": clients_page,
    "rfc-map.md": rfc_page,
    "controls.md": controls_page,
    "endpoint-limits.md": endpoint_limits_page,
    "screening.md": screening_page,
}


def main() -> int:
    """Write the pages, or check them."""
    stale = []
    for name, make in PAGES.items():
        path, text = ROOT / "docs" / name, make()
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8")
    if stale:
        print(("out of date: " if "--check" in sys.argv else "written: ") + ", ".join(stale))
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    raise SystemExit(main())
