"""
Nothing longer leaves than a model can make use of: 10,000 characters, JSON that stays JSON, and a word that says so. C32.
"""

from collections.abc import Mapping
from typing import Any

from resource_lib.output.leaving import Leaving
from resource_lib.output.shortening import MARK, cut, shortened
from resource_lib.output.texts import with_texts


def short(value: Mapping[str, Any], leaving: Leaving) -> Mapping[str, Any]:
    """Return what leaves of a result, an error, or what a server says meanwhile, of at most so many characters."""
    most = leaving.settings.most_characters
    if leaving.size is not None and leaving.size <= most:
        return value
    if leaving.part == "result":
        found = shortened(value, most, None if leaving.definition is None else leaving.definition.output_schema)
    else:
        found = with_texts(value, lambda text: text if len(text) <= most else f"{cut(text, most - len(MARK))}{MARK}")
    if found is not value:
        leaving.note("truncated")
    return found
