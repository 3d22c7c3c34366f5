"""
GET and POST /account/password: a new password, and what hangs on the old one ends.

OWASP ASVS 6.2.3, 7.4.3: the present password is asked for, every other browser is signed out, and every application of the
person, in each of their organisations, has to ask again.
"""

from authserver.domain.login import login as logins
from authserver.oauth.parameters import Parameters
from authserver.runtime.passwords import PasswordLineFullError, UnusablePasswordError
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.http import Request, Response
from authserver.web.pages import account, forms
from authserver.web.pages.account import Visitor
from authserver.web.pages.answers import page

_WRONG = "Your present password is not right. Nothing was changed."
_WAIT = "Too many attempts. Wait a few minutes, then try again."


async def show_password(request: Request) -> Response:
    """Show the form."""

    async def show(_work: UnitOfWork, visitor: Visitor) -> Response:
        return _page(request, visitor)

    return await account.shown_to(request, show)


async def change_password(request: Request) -> Response:
    """Check the present password, set the new one, end what came from the old one."""

    async def act(work: UnitOfWork, visitor: Visitor, form: Parameters) -> Response:
        new = form.one("new_password") or ""
        if new != form.one("new_password_again"):
            return _page(request, visitor, status=400, error="The two new passwords differ. Nothing was changed.")
        try:
            outcome = await logins.with_new_password(
                work, email=visitor.person.email, password=form.one("password") or "", new=new
            )
        except UnusablePasswordError as error:
            return _page(request, visitor, status=400, error=f"Nothing was changed: {error}.")
        except PasswordLineFullError:
            return _page(request, visitor, status=503, error="Too much is going on right now. Try again in a moment.")
        if isinstance(outcome, logins.Refused):
            if outcome.retry_after_s is not None:
                return _page(request, visitor, status=429, error=_WAIT)
            return _page(request, visitor, status=401, error=_WRONG)
        settings = work.machines.settings
        cookie = forms.set_cookie(settings, forms.session_cookie_name(settings), outcome.cookie)
        return account.back(request, outcome.session, "password", cookie)

    return await account.decided_by(request, act)


def _page(request: Request, visitor: Visitor, *, status: int = 200, error: str | None = None) -> Response:
    return page(
        "account_password.html",
        status=status,
        here=request.issuer.path + "/account",
        csrf=account.csrf(request, visitor.session),
        person_email=visitor.person.email,
        error=error,
    )
