"""The actor that the ledger records."""

from dataclasses import dataclass

import structlog

from companies.models import User
from erp_integrations.models import Via


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, or Plumbline itself when `user_id` is None, and the way the action came."""

    user_id: int | None
    name: str
    via: Via
    operating_system_user: str = ""
    request_id: str = ""

    @property
    def is_staff(self) -> bool:
        """Whether they act as staff in the admin, where every action needs a reason."""
        return self.via == Via.ADMIN


PLUMBLINE = Actor(user_id=None, name="Plumbline", via=Via.QUEUE)
"""Plumbline itself, for background tasks."""


def actor_on_page(user: User) -> Actor:
    """The signed-in person, with the id of the current request."""
    return _signed_in(user, Via.PAGE)


def actor_in_admin(user: User) -> Actor:
    """The signed-in person as staff: staff permissions apply, not levels."""
    return _signed_in(user, Via.ADMIN)


def _signed_in(user: User, via: Via) -> Actor:
    request_id = str(structlog.contextvars.get_contextvars().get("request_id", ""))
    return Actor(user_id=user.pk, name=user.name, via=via, request_id=request_id)


def actor_by_command(user: User, operating_system_user: str) -> Actor:
    return Actor(
        user_id=user.pk, name=user.name, via=Via.COMMAND, operating_system_user=operating_system_user
    )
