"""How people sign in: with the accounts support made for them."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class ClosedSignUp(DefaultAccountAdapter):  # type: ignore[misc]  # allauth is untyped
    """Signing in and out; never up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002  (signature given)
        return False
