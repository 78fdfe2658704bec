"""What staff may do in the admin beside reading: one Django permission per act, checked at the act."""

from enum import StrEnum

from companies.access import Ruling
from companies.models import User


class StaffAct(StrEnum):
    """An act of the support desk; the value is the full name of its permission."""

    DECIDE_PRIVILEGE = "companies.decide_privilege"
    DEACTIVATE_PERSON = "companies.deactivate_person"
    FREE_ATTEMPT = "erp_integrations.free_attempt"
    CHECK_NOW = "erp_integrations.check_now"
    RELINK = "erp_integrations.relink"


WORDS = {
    StaffAct.DECIDE_PRIVILEGE: "decide about Can Push to Accounting",
    StaffAct.DEACTIVATE_PERSON: "deactivate people",
    StaffAct.FREE_ATTEMPT: "free stuck attempts",
    StaffAct.CHECK_NOW: "ask the ERP whether a record is there",
    StaffAct.RELINK: "relink CCOs",
}
"""What each permission allows, for the page and for the ledger."""


EXPORT_LEDGER = "erp_integrations.export_ledger"
"""The permission to export the ledger as a file."""


def find_staff(user_id: int | None) -> User | None:
    """The active staff user with this id, without cached permissions."""
    return User.objects.filter(pk=user_id or 0, is_active=True, is_staff=True).first()


def ruling_on_staff(act: StaffAct, user_id: int | None) -> Ruling:
    """Whether this person may do this now. A deactivated person may do nothing."""
    staff = find_staff(user_id)
    if staff is None or not staff.has_perm(act):
        return Ruling(missing=(f"Needs the staff permission to {WORDS[act]}",))
    return Ruling(rights=f"staff, may {WORDS[act]}")
