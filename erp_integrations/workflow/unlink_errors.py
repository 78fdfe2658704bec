"""Why an unlink did not happen, named for what happened. Every one means: the link is as it was."""

from datetime import datetime

from erp_integrations.models import ChangeOrderLink
from erp_integrations.ports import Finding


class UnlinkRefused(Exception):
    """The link was left alone."""


class UnlinkNotAllowed(UnlinkRefused):
    """The person lacks requirements, before the question or by the time of its answer."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        super().__init__("; ".join(missing))
        self.missing = missing


class UnlinkInProgress(UnlinkRefused):
    """Somebody's question about this link is open."""

    def __init__(self, *, by: str, since: datetime) -> None:
        super().__init__(by)
        self.by = by
        self.since = since


class AlreadyUnlinked(UnlinkRefused):
    """There is no active link any more."""

    def __init__(self, *, by: str, at: datetime) -> None:
        super().__init__(by)
        self.by = by
        self.at = at


class NeverLinked(UnlinkRefused):
    """The CCO has no link, and never had one."""


class StillInErp(UnlinkRefused):
    """The ERP holds the record."""

    def __init__(self, *, link: ChangeOrderLink, finding: Finding) -> None:
        super().__init__(finding.verdict)
        self.link = link
        self.finding = finding


class NoTrustworthyAnswer(UnlinkRefused):
    """The ERP could not be asked, did not answer clearly, or the world changed while it was asked.

    `reason` is the finding's, or one of `expired`, `attempt-taken-over`, `evidence-too-old`,
    `connection-changed`, `link-changed`.
    """

    def __init__(self, *, link: ChangeOrderLink, finding: Finding, reason: str) -> None:
        super().__init__(reason)
        self.link = link
        self.finding = finding
        self.reason = reason


class NothingToUnlink(UnlinkRefused):
    """None of the chosen CCOs is tied to the ERP."""


class TooManyToUnlink(UnlinkRefused):
    """More CCOs were chosen than one bulk unlink takes."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = most
