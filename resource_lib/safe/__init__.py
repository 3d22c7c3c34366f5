"""
Building blocks for authors of tools: paths, SQL, processes, prompts and requests that arguments cannot break out of. It knows nothing of the rest.

Each refuses by an UnsafeError whose words may go to the model, before anything is opened, sent or run.
"""

from resource_lib.safe.errors import UnsafeError
from resource_lib.safe.hosts import Hosts, RefusedHostError
from resource_lib.safe.paths import Root
from resource_lib.safe.processes import Program, ProgramError, Ran
from resource_lib.safe.prompts import Prompt
from resource_lib.safe.requests import Endpoint, Request
from resource_lib.safe.sql import Bound, Identifiers, Sql, begins, contains

__all__ = [
    "Bound",
    "Endpoint",
    "Hosts",
    "Identifiers",
    "Program",
    "ProgramError",
    "Prompt",
    "Ran",
    "RefusedHostError",
    "Request",
    "Root",
    "Sql",
    "UnsafeError",
    "begins",
    "contains",
]
