"""
Nothing leaves that a person would not see and a model reads: invisible characters, escape sequences, a chat's own delimiters. C32.
"""

from collections.abc import Mapping
from typing import Any

from resource_lib.output.free_texts import with_free_texts
from resource_lib.output.hostile import stripped
from resource_lib.output.leaving import Leaving


def plain(result: Mapping[str, Any], leaving: Leaving) -> Mapping[str, Any]:
    """Return what leaves of a result, an error, or what a server says meanwhile, in letters that everybody sees."""

    def shown(text: str) -> str:
        found, counts = stripped(text)
        for kind, count in counts.items():
            leaving.note(kind, count)
        return found

    return with_free_texts(result, leaving, shown)
