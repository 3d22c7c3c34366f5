"""
The console's pages hang together: from each of them every other one is one press away, and says where one is.
"""

import re

import pytest

from tests.support.console import at_console


def ways_of(page):
    """Return where the console's own navigation leads, and whether each is the page that is shown."""
    inside = re.search(r'<nav class="bar-ways".*?</nav>', page.response.text, re.DOTALL)
    assert inside, page.text[:300]
    found = re.findall(r'<a href="([^"]*)"( aria-current="page")?>', inside[0])
    return {address.replace("&amp;", "&"): bool(current) for address, current in found}


@pytest.mark.requirement("console:ways:every-page-leads-to-every-other")
async def test_every_page_of_the_console_leads_to_every_other_and_says_where_one_is(server):
    """Ours: the same ways in the same order on each page, none leads nowhere, and the organisation stays chosen."""
    visitor = await at_console(server, "o1")
    ways = ways_of(await visitor.open(tenant="t1"))
    inside = [address for address in ways if address.startswith("/console")]

    assert len(inside) >= 3
    for address in inside:
        page = await visitor.browser.open(address)
        assert 200 == page.status, address
        assert "tenant=t1" in address
        assert list(ways) == list(ways_of(page)), address
        if "#" not in address:
            assert [address] == [way for way, is_here in ways_of(page).items() if is_here]
