"""What a login costs: failures use up a budget, successes do not, and nobody's success pays for somebody else's guesses."""

import base64

import pytest

from authserver.domain.login import login
from authserver.domain.login.login import LoggedIn, Refused
from authserver.domain.users import user as users
from authserver.opening import close_machines, open_machines
from authserver.runtime.migration import migrate
from authserver.settings import Settings

LIMIT = 2
MOST_OF_AN_ADDRESS = LIMIT * login._PER_ADDRESS


@pytest.fixture
async def machines(tmp_path):
    settings = Settings(
        database_url=f"sqlite:///{tmp_path / 'login.db'}",
        kek="k:" + base64.b64encode(bytes(32)).decode(),
        password_memory_kib=8,
        password_time_cost=1,
        login_failures=LIMIT,
    )
    await migrate(settings.database_url, settings.database_url)
    # The middle of a window: the budget is not renewed during the test.
    opened = await open_machines(settings, clock=lambda: 1_800_000_450_000_000)
    work = opened.work()
    hashed = await opened.passwords.hash("correct horse")
    users.add_person(work, email="alice@example.com", name="Alice", password_hash=hashed)
    assert await work.commit()
    yield opened
    await close_machines(opened)


async def attempt(machines, email, password):
    work = machines.work(address="192.0.2.7")
    answer = await login.with_password(work, email=email, password=password, current_session=None)
    assert await work.commit()
    return answer


@pytest.mark.requirement("login:throttle:a-success-costs-its-address-nothing")
async def test_an_office_behind_one_address_can_log_in_more_often_than_a_guesser_may_guess(machines):
    """Ours: the address budget is for guesses; a hundred people behind one router are not an attack."""
    answers = [await attempt(machines, "alice@example.com", "correct horse") for _ in range(MOST_OF_AN_ADDRESS + 5)]

    assert {LoggedIn} == {type(answer) for answer in answers}


@pytest.mark.requirement("login:throttle:a-success-pays-for-nobody-else")
async def test_a_guesser_with_an_account_of_their_own_gets_no_further_guesses(machines):
    """ASVS 6.3: else one valid account would switch the address budget off."""
    guesses = [f"person{number}@example.com" for number in range(MOST_OF_AN_ADDRESS)]
    for guess in guesses[:-1]:
        await attempt(machines, guess, "wrong")
        if guess in guesses[::5]:
            await attempt(machines, "alice@example.com", "correct horse")

    last = await attempt(machines, guesses[-1], "wrong")
    refused = await attempt(machines, "another@example.com", "wrong")

    assert Refused() == last
    assert isinstance(refused, Refused)
    assert refused.retry_after_s is not None


@pytest.mark.requirement("login:throttle:one-account-closes-nobody-else-out")
async def test_who_hammers_at_one_account_uses_up_nobody_elses_tries_at_the_same_address(machines):
    """Decision 12: what was not looked at costs the address nothing, or one account would shut a whole office out."""
    for _ in range(MOST_OF_AN_ADDRESS + 5):
        await attempt(machines, "bob@example.com", "wrong")

    throttled = await attempt(machines, "bob@example.com", "wrong")
    colleague = await attempt(machines, "alice@example.com", "correct horse")

    assert isinstance(throttled, Refused)
    assert throttled.retry_after_s is not None
    assert isinstance(colleague, LoggedIn)
