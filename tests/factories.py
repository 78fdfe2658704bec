"""Rows of ours, valid by themselves. People are named by role."""

from decimal import Decimal

from factory.declarations import LazyAttribute, SelfAttribute, Sequence, SubFactory
from factory.django import DjangoModelFactory

from commitments.models import (
    ChangeOrderLine,
    ChangeOrderStatus,
    Commitment,
    CommitmentChangeOrder,
    CommitmentKind,
    CommitmentStatus,
    CostCode,
    CostType,
    ErpStatus,
    Vendor,
)
from companies.models import Company, Membership, Project, User

BEYOND = 10_000
"""Factories count on from here, for a whole run, in any order of tests; what a test numbers itself is
below, so that the two never meet."""


class CompanyFactory(DjangoModelFactory[Company]):
    class Meta:
        model = Company

    slug = Sequence(lambda n: f"company-{BEYOND + n}")
    name = LazyAttribute(lambda company: company.slug.replace("-", " ").title())


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User

    username = Sequence(lambda n: f"person-{n}")
    email = LazyAttribute(lambda user: f"{user.username}@example.com")


class MembershipFactory(DjangoModelFactory[Membership]):
    class Meta:
        model = Membership

    company = SubFactory(CompanyFactory)
    user = SubFactory(UserFactory)


class ProjectFactory(DjangoModelFactory[Project]):
    class Meta:
        model = Project

    company = SubFactory(CompanyFactory)
    number = Sequence(lambda n: f"{BEYOND + n}")
    name = LazyAttribute(lambda project: f"Project {project.number}")


class VendorFactory(DjangoModelFactory[Vendor]):
    class Meta:
        model = Vendor

    company = SubFactory(CompanyFactory)
    number = Sequence(lambda n: f"V{n}")
    name = LazyAttribute(lambda vendor: f"Vendor {vendor.number}")


class CostCodeFactory(DjangoModelFactory[CostCode]):
    class Meta:
        model = CostCode

    company = SubFactory(CompanyFactory)
    code = Sequence(lambda n: f"{1000 + n}.000")
    name = "Concrete"


class CostTypeFactory(DjangoModelFactory[CostType]):
    class Meta:
        model = CostType

    company = SubFactory(CompanyFactory)
    code = Sequence(str)
    name = "Subcontract"


class CommitmentFactory(DjangoModelFactory[Commitment]):
    class Meta:
        model = Commitment

    project = SubFactory(ProjectFactory)
    kind = CommitmentKind.SUBCONTRACT
    number = Sequence(lambda n: f"SC-{n}")
    title = "Structural steel"
    vendor = SubFactory(VendorFactory, company=SelfAttribute("..project.company"))
    status = CommitmentStatus.APPROVED


class ChangeOrderFactory(DjangoModelFactory[CommitmentChangeOrder]):
    class Meta:
        model = CommitmentChangeOrder

    commitment = SubFactory(CommitmentFactory)
    number = Sequence(lambda n: f"{BEYOND + n}")
    title = "Added steel at grid C"
    status = ChangeOrderStatus.APPROVED


class ChangeOrderLineFactory(DjangoModelFactory[ChangeOrderLine]):
    class Meta:
        model = ChangeOrderLine

    change_order = SubFactory(ChangeOrderFactory)
    position = Sequence(lambda n: BEYOND + n)
    description = "Steel"
    cost_code = SubFactory(
        CostCodeFactory, company=SelfAttribute("..change_order.commitment.project.company")
    )
    cost_type = SubFactory(
        CostTypeFactory, company=SelfAttribute("..change_order.commitment.project.company")
    )
    amount = Decimal("100.00")


WAY_TO: dict[ErpStatus, tuple[ErpStatus, ...]] = {
    ErpStatus.NOT_IN_ERP: (),
    ErpStatus.READY_TO_EXPORT: (ErpStatus.READY_TO_EXPORT,),
    ErpStatus.EXPORTING: (ErpStatus.READY_TO_EXPORT, ErpStatus.EXPORTING),
    ErpStatus.FAILED_TO_EXPORT: (
        ErpStatus.READY_TO_EXPORT,
        ErpStatus.EXPORTING,
        ErpStatus.FAILED_TO_EXPORT,
    ),
    ErpStatus.REJECTED: (ErpStatus.READY_TO_EXPORT, ErpStatus.REJECTED),
    ErpStatus.SYNCED: (ErpStatus.READY_TO_EXPORT, ErpStatus.SYNCED),
}
"""The steps from Not in ERP that the database lets pass. The last one of Synced takes a link as well."""


def walk_to(change_order: CommitmentChangeOrder, erp_status: ErpStatus) -> None:
    """Takes a CCO that is not in the ERP to that ERP status; its lines must be there before."""
    for step in WAY_TO[erp_status]:
        CommitmentChangeOrder.objects.filter(pk=change_order.pk).update(erp_status=step)
    change_order.refresh_from_db()
