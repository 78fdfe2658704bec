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
    Vendor,
)
from companies.models import Company, Membership, Project, User


class CompanyFactory(DjangoModelFactory[Company]):
    class Meta:
        model = Company

    slug = Sequence(lambda n: f"company-{n}")
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
    number = Sequence(lambda n: f"{4000 + n}")
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
    number = Sequence(lambda n: f"{n:03}")
    title = "Added steel at grid C"
    status = ChangeOrderStatus.APPROVED


class ChangeOrderLineFactory(DjangoModelFactory[ChangeOrderLine]):
    class Meta:
        model = ChangeOrderLine

    change_order = SubFactory(ChangeOrderFactory)
    position = Sequence(int)
    description = "Steel"
    cost_code = SubFactory(
        CostCodeFactory, company=SelfAttribute("..change_order.commitment.project.company")
    )
    cost_type = SubFactory(
        CostTypeFactory, company=SelfAttribute("..change_order.commitment.project.company")
    )
    amount = Decimal("100.00")
