"""One request that works for each route of the admin API; a route without one fails `tests/attacks/test_admin_matrix.py`."""

from tests.support.admin_examples import clients, directory, operating, tenants, users
from tests.support.admin_examples.example import Example

EXAMPLES: dict[tuple[str, str], Example] = {
    **clients.EXAMPLES,
    **tenants.EXAMPLES,
    **users.EXAMPLES,
    **directory.EXAMPLES,
    **operating.EXAMPLES,
}
