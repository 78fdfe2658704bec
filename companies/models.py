"""Companies, people, projects and the levels people have on tools.

`models.sql` holds the rules that a Django constraint cannot state.
"""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

LONGEST_NAME = 150


class User(AbstractUser):
    """A person's account. Support creates it in the admin; there is no sign-up."""

    class Meta:
        verbose_name = "person"
        verbose_name_plural = "people"
        permissions = [("deactivate_person", "Can deactivate a person")]
        constraints = [
            models.UniqueConstraint(
                Lower("username"),
                name="user_username_once",
                violation_error_message="This username is taken.",
            )
        ]

    @property
    def name(self) -> str:
        """The full name, or the username when there is none.

        Cut to the length of the columns that store it, because first and last name may each be as long.
        """
        return (self.get_full_name() or self.username)[:LONGEST_NAME]


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
    subscribed_to_digest = models.BooleanField(
        "Subscribe to ERP digest emails",
        default=True,
        db_default=True,
        help_text="Accounting approvers get a daily summary of what waits for them.",
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


class Outcome(models.TextChoices):
    """The outcome of a request for the privilege."""

    WAITING = "WAITING", "Waiting"
    GRANTED = "GRANTED", "Granted"
    REFUSED = "REFUSED", "Refused"


class PrivilegeRequest(models.Model):
    """A request to support for Can Push to Accounting, for one entry of the Directory.

    Names are stored as they were. A trigger protects a decided request from changes.
    """

    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="privilege_requests")
    asked_at = models.DateTimeField()
    asked_by_id = models.BigIntegerField()
    asked_by_name = models.CharField(max_length=310)
    reason = models.TextField()
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default=Outcome.WAITING)
    decided_at = models.DateTimeField(null=True)
    decided_by_id = models.BigIntegerField(null=True)
    decided_by_name = models.CharField(max_length=310, blank=True)
    words = models.TextField(blank=True)

    class Meta:
        verbose_name = "request for Can Push to Accounting"
        verbose_name_plural = "requests for Can Push to Accounting"
        permissions = [("decide_privilege", "Can grant, refuse and revoke Can Push to Accounting")]
        constraints = [
            models.UniqueConstraint(
                fields=["membership"], condition=Q(outcome=Outcome.WAITING), name="privilege_asked_for_once"
            ),
            models.CheckConstraint(condition=Q(outcome__in=Outcome.values), name="privilege_outcome_known"),
            models.CheckConstraint(condition=~Q(reason=""), name="privilege_asked_for_with_reason"),
            models.CheckConstraint(
                condition=Q(outcome=Outcome.WAITING, decided_at__isnull=True, decided_by_name="", words="")
                | (
                    ~Q(outcome=Outcome.WAITING)
                    & Q(decided_at__isnull=False)
                    & ~Q(decided_by_name="")
                    & ~Q(words="")
                ),
                name="privilege_decided_by_whom_and_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.membership}, asked by {self.asked_by_name}"


class DirectoryEventKind(models.TextChoices):
    LEVEL_CHANGED = "LEVEL_CHANGED", "Level changed"
    ENTRY_CHANGED = "ENTRY_CHANGED", "Entry or account changed"
    DIGEST_CHANGED = "DIGEST_CHANGED", "Digest subscription changed"
    PRIVILEGE_REQUESTED = "PRIVILEGE_REQUESTED", "Can Push to Accounting requested"
    PRIVILEGE_GRANTED = "PRIVILEGE_GRANTED", "Can Push to Accounting granted"
    PRIVILEGE_REFUSED = "PRIVILEGE_REFUSED", "Can Push to Accounting refused"
    PRIVILEGE_REVOKED = "PRIVILEGE_REVOKED", "Can Push to Accounting revoked"


class DirectoryEvent(models.Model):
    """A change of an entry of the Directory. The database refuses to update, delete or truncate these rows.

    Plain columns and no foreign keys, so that an event outlives the entry, the person and the company.
    """

    at = models.DateTimeField()
    company_id = models.BigIntegerField()
    company_slug = models.CharField(max_length=50)
    membership_id = models.BigIntegerField()
    person_id = models.BigIntegerField()
    person_name = models.CharField(max_length=310)
    kind = models.CharField(max_length=20, choices=DirectoryEventKind.choices)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=310)
    rights = models.TextField(blank=True)
    what = models.CharField(max_length=200)
    before = models.CharField(max_length=50, blank=True)
    after = models.CharField(max_length=50, blank=True)
    reason = models.TextField(blank=True)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=DirectoryEventKind.values), name="directory_event_kind_known"
            ),
            models.CheckConstraint(condition=~Q(actor_name=""), name="directory_event_has_actor"),
        ]
        indexes = [
            models.Index(fields=["membership_id", "-id"], name="directory_event_by_entry"),
            models.Index(fields=["company_id", "-at", "-id"], name="directory_event_by_time"),
            models.Index(fields=["company_id", "kind", "-at", "-id"], name="directory_event_by_kind"),
            models.Index(fields=["company_id", "actor_name", "-at", "-id"], name="directory_event_by_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.person_name}"


GIVEN_UP = Q(sent_at=None, next_try_at=None) & ~Q(to="")
"""Mails with an address that were not sent and have no next try."""


class OutgoingMail(models.Model):
    """A mail, saved in the transaction of the change it reports, and sent by the queue.

    It waits while `next_try_at` has a time. A mail without an address never waits: it is only recorded.
    """

    to = models.EmailField(blank=True)
    to_name = models.CharField(max_length=310)
    subject = models.CharField(max_length=200)
    body = models.TextField()
    about = models.CharField(max_length=200, help_text="What it tells of.")
    once = models.CharField(  # noqa: DJ001  (none of the others is the same as none)
        max_length=200, null=True, unique=True, help_text="There is one mail with this name, and no second."
    )
    message_id = models.CharField(max_length=200, unique=True, help_text="The same at every try.")
    queued_at = models.DateTimeField()
    next_try_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    failure = models.CharField(max_length=200, blank=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "outgoing mail"
        verbose_name_plural = "outgoing mail"
        constraints = [
            models.CheckConstraint(
                condition=Q(sent_at__isnull=True) | (Q(next_try_at__isnull=True) & ~Q(to="")),
                name="mail_sent_waits_no_more",
            ),
            models.CheckConstraint(
                condition=Q(next_try_at__isnull=True) | ~Q(to=""), name="mail_waits_with_an_address"
            ),
            # A line end would begin another header.
            models.CheckConstraint(
                condition=~Q(to__regex=r"[\r\n]")
                & ~Q(subject__regex=r"[\r\n]")
                & ~Q(message_id__regex=r"[\r\n]"),
                name="mail_headers_are_one_line",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_try_at"], condition=Q(next_try_at__isnull=False), name="mail_that_waits"
            ),
            models.Index(fields=["id"], condition=GIVEN_UP, name="mail_given_up"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} (to {self.to_name})"
