"""What was called before: bounded, forgetful in the open, and safe between threads."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from resource_lib.context import ProcessMemory


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def memory(**bounds):
    clock = Clock()
    made = ProcessMemory(clock=clock, **bounds)
    made.knows({"get": frozenset({("id",), ("order.id",)}), "put": frozenset({()})})
    clock.now = 1000.0
    return made, clock


@pytest.mark.requirement("policy:context:earlier-calls-of-this-authorization")
def test_a_call_is_known_by_its_tool_its_time_and_its_values():
    it, clock = memory()
    it.remember("a", "get", {"id": 7, "order": {"id": "x"}})
    clock.now += 60

    assert it.called("a", "get", 61, (), None)
    assert it.called("a", "get", 61, (("id", 7.0), ("order.id", "x")), None)
    assert it.called("a", "get", 59, (), None) is False
    assert it.called("a", "get", 61, (("id", "7"),), None) is False
    assert it.called("a", "get", 61, (("id", True),), None) is False
    assert it.called("b", "get", 61, (), None) is False
    assert it.called("a", "put", 61, (), None) is False
    assert it.first_use("a", "get", None) is False
    assert it.first_use("a", "put", 10.0) is True


@pytest.mark.requirement("policy:context:what-was-forgotten-is-not-what-never-was")
def test_what_lies_before_the_memory_is_unknown_unless_the_authorization_is_younger():
    it, _ = memory()

    assert it.called("a", "get", 5000, (), None) is None
    assert it.called("a", "get", 5000, (), 900.0) is False
    assert it.called("a", "get", 5000, (), 1500.0) is None
    assert it.first_use("a", "get", None) is None
    assert it.first_use("a", "get", 900.0) is True
    assert it.called("a", "get", 10, (("id", [1]),), 5.0) is None
    assert it.called("a", "get", 10, (("id", 10**40),), 5.0) is None


@pytest.mark.requirement("policy:context:what-was-forgotten-is-not-what-never-was")
def test_a_tool_that_nobody_asked_about_so_far_is_unknown_before_now():
    """An overlay may begin to ask at any time; what was not remembered did not necessarily not happen."""
    it, clock = memory()
    it.remember("a", "secret", {})

    it.knows({"secret": frozenset({()}), "get": frozenset({("id",)})})

    assert it.called("a", "secret", 10, (), 900.0) is None
    clock.now += 11
    assert it.called("a", "secret", 10, (), None) is False


@pytest.mark.requirement("policy:context:one-tenant-asks-another-still-knows")
def test_what_one_tenants_operators_begin_to_ask_leaves_known_what_anothers_conditions_ask():
    """The memory of a guard is of all its tenants: an overlay that changes every minute unsettles no other tenant's calls."""
    it, clock = memory()
    it.remember("a", "get", {"id": 1})
    clock.now += 60

    it.knows({"get": frozenset({("id",), ("note",)}), "put": frozenset({()}), "other": frozenset({()})})

    assert it.called("a", "get", 100, (("id", 1),), None)
    assert it.called("a", "get", 100, (("id", 2),), None) is False
    assert it.called("a", "get", 100, (("note", 2),), None) is None
    assert it.called("a", "other", 100, (), None) is None
    assert (True, None) == (it.first_use("a", "put", 10.0), it.first_use("a", "other", 10.0))
    it.knows({"put": frozenset({()})})
    it.knows({"get": frozenset({("id",)}), "put": frozenset({()})})
    assert it.called("a", "get", 100, (("id", 2),), None) is None, "what was not asked about in between is unknown"


@pytest.mark.requirement("policy:context:memory-is-bounded")
def test_many_authorizations_and_many_calls_take_bounded_room_and_what_goes_is_not_forgotten_silently():
    it, clock = memory(most_authorizations=10, most_calls=3)
    it.remember("a", "get", {"id": 1})
    for place in range(100):
        clock.now += 1
        it.remember(f"b{place}", "put", {})

    assert 10 == len(it._past)
    assert it.called("a", "get", 200, (), 50.0) is None
    assert it.called("b99", "put", 1, (), None)
    for _ in range(100):
        clock.now += 1
        it.remember("b99", "put", {})
    it.remember("b99", "nobody-asks", {})
    assert 3 == len(it._past["b99"].calls)
    assert it.called("b99", "get", 150, (), None) is None


@pytest.mark.requirement("policy:context:memory-is-bounded")
def test_threads_remember_side_by_side():
    it = ProcessMemory(most_authorizations=5)
    it.knows({"get": frozenset({("id",)})})

    def work(number):
        for place in range(300):
            it.remember(f"a{(number + place) % 9}", "get", {"id": place})
            it.called(f"a{place % 9}", "get", 10, (("id", place),), None)
            it.first_use(f"a{place % 9}", "get", None)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))

    assert 5 == len(it._past)


@pytest.mark.parametrize("arguments", [None, [], "x", {"id": {}}, {"id": 10**5000}, {"id": "\ud800"}, {"order": 3}])
def test_no_arguments_raise(arguments):
    it, _ = memory()

    it.remember("a", "get", arguments)

    assert it.called("a", "get", 10, (), None)
