"""What the library offers by name, and what it costs to ask for one word of it."""

import subprocess
import sys

import pytest

import resource_lib


@pytest.mark.requirement("ours:library:names-are-imported-when-asked-for")
def test_every_public_name_is_there():
    assert set(resource_lib.__all__) == set(dir(resource_lib))
    assert all(getattr(resource_lib, name) is not None for name in resource_lib.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Resource'"):
        _ = resource_lib.Resource


@pytest.mark.requirement("ours:library:names-are-imported-when-asked-for")
def test_a_word_of_the_wire_brings_in_no_guard_and_no_http_client():
    asked = "import sys, resource_lib.wire.claims; print([name for name in ('resource_lib.guard', 'httpx2') if name in sys.modules])"

    assert (
        "[]" == subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout.strip()
    )
