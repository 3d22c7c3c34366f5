"""
What a building block says when a value may not be used. The words are for the model: they name the rule and never repeat the value.
"""


class UnsafeError(ValueError):
    """A value may not be used there; nothing was done. `str()` may be shown to whoever sent it."""
