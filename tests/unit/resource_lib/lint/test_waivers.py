"""What an author lets be: one rule, at one tool or one argument, with a reason; and never in silence."""

import pytest

from resource_lib import SettingsError, read
from resource_lib.lint import RULES, Waiver, lint, read_waivers, waivers_of

TOOL = {
    "name": "bookmark",
    "description": "Use it when a page is to be kept. Not for reading it.",
    "inputSchema": {
        "type": "object",
        "properties": {
            "url": {"type": "string", "maxLength": 300},
            "title": {"type": "string"},
            "note": {"type": "string"},
        },
    },
    "outputSchema": {"type": "object", "properties": {"kept": {"type": "boolean"}}},
    "annotations": {"readOnlyHint": False, "destructiveHint": False},
}


def left(*waivers, **options):
    return [(one.rule.id, one.at) for one in lint([TOOL], waivers=waivers, **options).findings]


@pytest.mark.requirement("lint:waivers-are-explicit")
def test_a_waiver_takes_away_its_own_finding_and_says_why():
    """C26: raw arguments are let be by name and with a reason, and nothing else is let be with them."""
    waiver = Waiver(tool="bookmark", rule="open-url", reason="stored as text, nobody fetches it")

    report = lint([TOOL], waivers=[waiver])

    assert [("unbounded-text", "/title"), ("unbounded-text", "/note")] == [
        (one.rule.id, one.at) for one in report.findings
    ]
    assert [("open-url", "/url", "stored as text, nobody fetches it")] == [
        (one.rule.id, one.at, one.waived) for one in report.waived
    ]


@pytest.mark.requirement("lint:waivers-are-explicit")
def test_a_waiver_for_one_argument_lets_no_other_be():
    """Ours: what is known of one argument says nothing of the next that is added."""
    waivers = waivers_of({"bookmark": {"unbounded-text:/title": "cut at 200 characters", "open-url": "never fetched"}})

    assert [("unbounded-text", "/note")] == left(*waivers)


@pytest.mark.requirement("lint:waivers-that-match-nothing-are-found")
@pytest.mark.parametrize(
    "said",
    [
        {"bookmark": {"raw-sql": "no query here"}},
        {"bookmark": {"open-url:/title": "another argument"}},
        {"bookmark": {"opn-url": "misspelt"}},
        {"bookmrk": {"open-url": "a tool that is gone"}},
    ],
    ids=str,
)
def test_a_waiver_that_matches_nothing_is_a_finding_itself(said):
    """Ours: it would waive tomorrow's mistake."""
    assert ("unused-waiver", "open-url") == next(
        (rule, "open-url") for rule, _ in left(*waivers_of(said)) if rule == "unused-waiver"
    )


@pytest.mark.requirement("lint:waivers-that-match-nothing-are-found")
def test_a_waiver_that_several_tools_share_counts_where_it_matches():
    """Ours: `from_annotations` gives one policy to many tools."""
    waivers = waivers_of({name: {"open-url": "never fetched"} for name in ("bookmark", "count")})

    assert "unused-waiver" not in [rule for rule, _ in left(*waivers)]


@pytest.mark.requirement("lint:waivers-are-explicit")
@pytest.mark.parametrize("reason", ["", "   ", None, 7, ["x"]])
def test_a_waiver_without_a_reason_stops_the_start(reason):
    """Ours: whoever reads it in a year has only the reason."""
    with pytest.raises(SettingsError, match="says no reason"):
        read("notes:read", waive={"open-url": reason})
    with pytest.raises(SettingsError, match="says no reason"):
        waivers_of({"bookmark": {"open-url": reason}})


@pytest.mark.requirement("lint:waivers-are-explicit")
def test_a_file_says_the_same(tmp_path):
    """Ours: for a server whose code belongs to somebody else."""
    file = tmp_path / "waivers.yaml"
    file.write_text(
        "bookmark:\n  open-url: never fetched\n  unbounded-text:/note: cut at 200 characters\n", encoding="utf-8"
    )

    assert [("unbounded-text", "/title")] == left(*read_waivers(file))


@pytest.mark.requirement("lint:waivers-are-explicit")
@pytest.mark.parametrize(
    "text", ["- a", "bookmark: open-url", "bookmark: {open-url: }", "{", "!!python/object:os.system x"]
)
def test_a_file_that_is_no_table_of_reasons_is_refused(tmp_path, text):
    """Ours: nothing is let be because a file was misread."""
    file = tmp_path / "waivers.yaml"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(SettingsError):
        read_waivers(file)


@pytest.mark.requirement("lint:rules-are-one-visible-table")
def test_every_rule_says_why_it_matters_what_cures_it_and_which_control_asks_for_it():
    """Issue: rules are one visible table."""
    assert len(RULES) == len({rule.id for rule in RULES})
    for rule in RULES:
        assert rule.says.endswith("."), rule.id
        assert rule.cure and not rule.cure.endswith("."), rule.id
        assert rule.control[0] == "C" and 1 <= int(rule.control[1:]) <= 66, rule.id
