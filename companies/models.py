"""WHO: companies, people, projects and the levels people have on tools."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower


class User(AbstractUser):
    """A person's account. Support makes it in the admin; nobody signs up."""

    class Meta:
        verbose_name = "person"
        verbose_name_plural = "people"
        constraints = [
            models.UniqueConstraint(
                Lower("username"),
                name="user_username_once",
                violation_error_message="Somebody has this username already.",
            )
        ]

    @property
    def name(self) -> str:
        """The name to show and to write down: the full name, or the username where there is none."""
        return self.get_full_name() or self.username


class Company(models.Model):
    name = models.CharField(max_length=100)
    slug = models.SlugField(unique=True, help_text="In addresses and commands: harbor-point.")

    class Meta:
        verbose_name_plural = "companies"

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person's entry in a company's Directory."""

    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    is_active = models.BooleanField(default=True)
    can_push_to_accounting = models.BooleanField(
        "Can Push to Accounting",
        default=False,
        help_text="Makes the person an accounting approver. Granted by support only, here and nowhere else.",
    )

    class Meta:
        verbose_name = "directory entry"
        verbose_name_plural = "directory entries"
        constraints = [
            models.UniqueConstraint(fields=["company", "user"], name="membership_once_per_company")
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.company}"


class Project(models.Model):
    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="projects")
    number = models.SlugField(max_length=30, help_text="In addresses: 2040.")
    name = models.CharField(max_length=100)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company", "number"], name="project_number_once_per_company")
        ]

    def __str__(self) -> str:
        return self.name


class Level(models.IntegerChoices):
    """What a person may do with a tool. Each level includes the ones below it."""

    NONE = 0, "None"
    READ_ONLY = 1, "Read Only"
    STANDARD = 2, "Standard"
    ADMIN = 3, "Admin"


class CompanyTool(models.TextChoices):
    DIRECTORY = "DIRECTORY", "Directory"
    ERP_INTEGRATIONS = "ERP_INTEGRATIONS", "ERP Integrations"


class ProjectTool(models.TextChoices):
    COMMITMENTS = "COMMITMENTS", "Commitments"


class CompanyToolPermission(models.Model):
    """A person's level on a company tool; no row means None."""

    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="company_levels")
    tool = models.CharField(max_length=20, choices=CompanyTool.choices)
    level = models.PositiveSmallIntegerField(choices=Level.choices)

    class Meta:
        verbose_name = "company tool level"
        constraints = [
            models.UniqueConstraint(fields=["membership", "tool"], name="company_level_once_per_tool"),
            models.CheckConstraint(condition=Q(level__in=Level.values), name="company_level_known"),
            models.CheckConstraint(condition=Q(tool__in=CompanyTool.values), name="company_tool_known"),
        ]

    def __str__(self) -> str:
        return f"{self.get_level_display()} on {self.get_tool_display()}"


class ProjectToolPermission(models.Model):
    """A person's level on a tool of one project; no row means None.

    A trigger keeps the project in the membership's company.
    """

    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="project_levels")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="levels")
    tool = models.CharField(max_length=20, choices=ProjectTool.choices, default=ProjectTool.COMMITMENTS)
    level = models.PositiveSmallIntegerField(choices=Level.choices)

    class Meta:
        verbose_name = "project tool level"
        constraints = [
            models.UniqueConstraint(
                fields=["membership", "project", "tool"], name="project_level_once_per_tool"
            ),
            models.CheckConstraint(condition=Q(level__in=Level.values), name="project_level_known"),
            models.CheckConstraint(condition=Q(tool__in=ProjectTool.values), name="project_tool_known"),
        ]

    def __str__(self) -> str:
        return f"{self.get_level_display()} on {self.get_tool_display()}"
