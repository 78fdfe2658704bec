"""The people of the demo, named by role, with the levels of the table in the documentation."""

from dataclasses import dataclass

from companies.models import Level

PASSWORD = "plumbline-demo"  # noqa: S105  (printed on the demo's sign-in page)


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """The Commitments level is for every project; `staff` gives access to the Django admin."""

    username: str
    who: str
    company: str | None = "harbor-point"
    commitments: Level = Level.ADMIN
    erp_integrations: Level = Level.STANDARD
    directory: Level = Level.READ_ONLY
    can_push_to_accounting: bool = True
    staff: bool = False


DEMO_PEOPLE = (
    DemoPerson(
        "approver", "may unlink: Commitments Admin, ERP Integrations Standard, Can Push to Accounting"
    ),
    DemoPerson("erp-admin", "the same with ERP Integrations Admin", erp_integrations=Level.ADMIN),
    DemoPerson("no-privilege", "lacks Can Push to Accounting", can_push_to_accounting=False),
    DemoPerson("commitments-standard", "has only Standard on Commitments", commitments=Level.STANDARD),
    DemoPerson("erp-read-only", "has only Read Only on ERP Integrations", erp_integrations=Level.READ_ONLY),
    DemoPerson(
        "project-manager",
        "Commitments Admin, no ERP Integrations",
        erp_integrations=Level.NONE,
        can_push_to_accounting=False,
    ),
    DemoPerson(
        "company-admin",
        "Admin on the Directory, no Commitments, no ERP Integrations",
        commitments=Level.NONE,
        erp_integrations=Level.NONE,
        directory=Level.ADMIN,
        can_push_to_accounting=False,
    ),
    DemoPerson("outsider", "like approver, in another company", company="ridgeline"),
    DemoPerson("support", "staff of the Django admin, in no company", company=None, staff=True),
)

PEOPLE = tuple((person.username, person.who) for person in DEMO_PEOPLE)
"""(username, who), for the sign-in page and the demo's welcome."""
