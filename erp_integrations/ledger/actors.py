"""Who acts, as the ledger will write it down."""

from dataclasses import dataclass

import structlog

from companies.models import User
from erp_integrations.models import Via


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, or the product itself where `user_id` is None, and the way they came."""

    user_id: int | None
    name: str
    via: Via
    operating_system_user: str = ""
    request_id: str = ""

    @property
    def is_staff(self) -> bool:
        """Whether they act as staff, in the admin: then every act has a reason."""
        return self.via == Via.ADMIN


PLUMBLINE = Actor(user_id=None, name="Plumbline", via=Via.QUEUE)
"""The product itself, in what it does on the queue."""


def actor_on_page(user: User) -> Actor:
    """The signed-in person, with the id of the request that is being answered."""
    return _signed_in(user, Via.PAGE)


def actor_in_admin(user: User) -> Actor:
    """The same, as staff: they may do what their staff permissions say, whatever their levels are."""
    return _signed_in(user, Via.ADMIN)


def _signed_in(user: User, via: Via) -> Actor:
    request_id = str(structlog.contextvars.get_contextvars().get("request_id", ""))
    return Actor(user_id=user.pk, name=user.name, via=via, request_id=request_id)


def actor_by_command(user: User, operating_system_user: str) -> Actor:
    return Actor(
        user_id=user.pk, name=user.name, via=Via.COMMAND, operating_system_user=operating_system_user
    )
