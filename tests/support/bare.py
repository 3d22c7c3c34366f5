"""The words with which a guard leaves out what a test is not about: its fake server lists no tools, and is called in floods."""

from typing import Any, Final

BARE: Final[dict[str, Any]] = {"arguments": "off", "limits": None, "output": None, "lint": "off", "record": None}
"""Keyword arguments of `ResourceGuard`: whoever adds a control that is on by default adds the word that leaves it out."""
