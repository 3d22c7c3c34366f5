"""
Is what a call says of the form that its tool advertises: bounds first, then the schema, in words that a model can act on.
"""

from resource_lib.arguments.advertised import Advertised, ArgumentMode, Form, advertised_by
from resource_lib.arguments.bounds import Bounds

__all__ = ["Advertised", "ArgumentMode", "Bounds", "Form", "advertised_by"]
