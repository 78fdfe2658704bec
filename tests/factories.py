"""Rows of ours, valid by themselves. People are named by role."""

from decimal import Decimal

import factory
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

    slug = factory.Sequence(lambda n: f"company-{n}")
    name = factory.LazyAttribute(lambda company: company.slug.replace("-", " ").title())


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User

    username = factory.Sequence(lambda n: f"person-{n}")


class MembershipFactory(DjangoModelFactory[Membership]):
    class Meta:
        model = Membership

    company = factory.SubFactory(CompanyFactory)
    user = factory.SubFactory(UserFactory)


class ProjectFactory(DjangoModelFactory[Project]):
    class Meta:
        model = Project

    company = factory.SubFactory(CompanyFactory)
    number = factory.Sequence(lambda n: f"{4000 + n}")
    name = factory.LazyAttribute(lambda project: f"Project {project.number}")


class VendorFactory(DjangoModelFactory[Vendor]):
    class Meta:
        model = Vendor

    company = factory.SubFactory(CompanyFactory)
    number = factory.Sequence(lambda n: f"V{n}")
    name = factory.LazyAttribute(lambda vendor: f"Vendor {vendor.number}")


class CostCodeFactory(DjangoModelFactory[CostCode]):
    class Meta:
        model = CostCode

    company = factory.SubFactory(CompanyFactory)
    code = factory.Sequence(lambda n: f"{1000 + n}.000")
    name = "Concrete"


class CostTypeFactory(DjangoModelFactory[CostType]):
    class Meta:
        model = CostType

    company = factory.SubFactory(CompanyFactory)
    code = factory.Sequence(str)
    name = "Subcontract"


class CommitmentFactory(DjangoModelFactory[Commitment]):
    class Meta:
        model = Commitment

    project = factory.SubFactory(ProjectFactory)
    kind = CommitmentKind.SUBCONTRACT
    number = factory.Sequence(lambda n: f"SC-{n}")
    title = "Structural steel"
    vendor = factory.SubFactory(VendorFactory, company=factory.SelfAttribute("..project.company"))
    status = CommitmentStatus.APPROVED


class ChangeOrderFactory(DjangoModelFactory[CommitmentChangeOrder]):
    class Meta:
        model = CommitmentChangeOrder

    commitment = factory.SubFactory(CommitmentFactory)
    number = factory.Sequence(lambda n: f"{n:03}")
    title = "Added steel at grid C"
    status = ChangeOrderStatus.APPROVED


class ChangeOrderLineFactory(DjangoModelFactory[ChangeOrderLine]):
    class Meta:
        model = ChangeOrderLine

    change_order = factory.SubFactory(ChangeOrderFactory)
    position = factory.Sequence(int)
    description = "Steel"
    cost_code = factory.SubFactory(
        CostCodeFactory, company=factory.SelfAttribute("..change_order.commitment.project.company")
    )
    cost_type = factory.SubFactory(
        CostTypeFactory, company=factory.SelfAttribute("..change_order.commitment.project.company")
    )
    amount = Decimal("100.00")
