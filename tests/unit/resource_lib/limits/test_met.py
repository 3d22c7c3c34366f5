"""How often limits were met: counted by tenant, tool and limit, bounded, of nobody."""

import pytest

from resource_lib.limits.limits import Limited
from resource_lib.limits.met import MOST_KEPT, LimitsMet
from resource_lib.limits.telling import PAUSE_S, LimitReport
from resource_lib.wire.limits_met import MOST_TOLD, parse_met


def limited(**changed):
    known = {"scope": "tool", "tool": "t", "most": 1, "window_s": 60, "per": "user", "retry_after_s": 9}
    known |= {"tenant": "t1", "subject": "usr_ada", "client_id": "cli_x", "authorization_id": "aut_x"}
    return Limited(**known | changed)


@pytest.mark.requirement("limits:reported:counts-of-tools-and-tenants")
def test_refusals_are_counted_by_tenant_tool_and_limit_and_by_the_minute_of_the_last():
    now = [1_800_000_000.0]
    met = LimitsMet(clock=lambda: now[0])
    for subject in ("usr_ada", "usr_eve"):
        met.note(limited(subject=subject))
    met.note(limited(tenant="t2"))
    now[0] += 60
    met.note(limited())
    met.note(limited(scope="credential", tool=None))

    assert [("t1", "", "credential", 1, 1), ("t1", "t", "tool", 3, 1), ("t2", "t", "tool", 1, 1)] == [
        (one.tenant, one.tool, one.limit, one.times, one.in_minute) for one in met.all
    ]
    assert met.all == parse_met(met.told)
    assert not any(word in str(met.told) for word in ("usr_", "cli_", "aut_"))


@pytest.mark.requirement("limits:reported:counts-of-tools-and-tenants")
def test_what_is_kept_and_told_is_bounded_and_a_name_that_cannot_be_told_is_left_out():
    met = LimitsMet(clock=lambda: 1_800_000_000)
    for number in range(2 * MOST_KEPT):
        met.note(limited(tool=f"t{number}"))
    met.note(limited(tool="a tool with spaces"))
    met.note(limited(tenant="<b>"))

    assert (MOST_KEPT, MOST_TOLD) == (len(met.all), len(met.told))
    assert f"t{2 * MOST_KEPT - 1}" == met.told[0]["tool"]


@pytest.mark.requirement("limits:reported:costs-no-acknowledgement")
async def test_it_is_told_when_there_is_news_not_sooner_than_it_is_due_and_again_when_it_was_not_heard():
    now, hears, said = [100.0], [False], []
    met = LimitsMet()

    async def say():
        said.append(met.times)
        return hears[0]

    report = LimitReport(met, say, clock=lambda: now[0])
    await report.tell()
    met.note(limited())
    for _ in range(3):
        await report.tell()
    now[0] += PAUSE_S
    hears[0] = True
    await report.tell()
    now[0] += PAUSE_S
    await report.tell()

    assert [1, 1] == said
