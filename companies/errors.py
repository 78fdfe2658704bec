"""Refusals of the Directory's operations and of the support desk."""

from datetime import datetime


class DirectoryRefused(Exception):
    """Nothing was changed. `str` is the text for the page, `status` the HTTP status."""

    status = 409


class DirectoryNotAllowed(DirectoryRefused):
    """The person lacks requirements."""

    status = 403

    def __init__(self, missing: tuple[str, ...]) -> None:
        super().__init__("; ".join(missing) + ".")
        self.missing = missing


class LevelsChanged(DirectoryRefused):
    def __init__(self) -> None:
        super().__init__(
            "Another user changed this entry while you looked at it. The page shows it as it is now."
        )


class LastAdministrator(DirectoryRefused):
    def __init__(self, company: str) -> None:
        super().__init__(
            f"This is the last active administrator of {company}. "
            "Give another person 'Admin' on Directory first."
        )


class EntryNotActive(DirectoryRefused):
    def __init__(self) -> None:
        super().__init__("The entry, or the person's account, is not active. Support can activate it.")


class AlreadyRequested(DirectoryRefused):
    def __init__(self, *, by: str, at: datetime) -> None:
        super().__init__(f"{by} requested it already, and support has not decided yet.")
        self.by = by
        self.at = at


class AlreadyDecided(DirectoryRefused):
    def __init__(self, *, by: str) -> None:
        super().__init__(f"{by} has decided this request already.")
        self.by = by


class AlreadyGranted(DirectoryRefused):
    def __init__(self) -> None:
        super().__init__("This person has Can Push to Accounting already.")


class NotGranted(DirectoryRefused):
    def __init__(self) -> None:
        super().__init__("This person does not have Can Push to Accounting any more.")


class NotForOneself(DirectoryRefused):
    def __init__(self) -> None:
        super().__init__("You cannot decide about your own privilege. Ask a colleague.")


class AlreadyInactive(DirectoryRefused):
    def __init__(self) -> None:
        super().__init__("This person's account is not active any more.")


class NotOneself(DirectoryRefused):
    def __init__(self) -> None:
        super().__init__("You cannot deactivate your own account. Ask a colleague.")


class StaffAccount(DirectoryRefused):
    def __init__(self) -> None:
        super().__init__("Only a superuser deactivates staff and superusers.")


class ReasonMissing(DirectoryRefused):
    """The reason is blank. Operations of other apps raise it too; their forms require a reason first."""

    def __init__(self) -> None:
        super().__init__("A reason is needed.")


def require_reason(reason: str) -> str:
    """Strips the reason. Raises `ReasonMissing` when it is blank."""
    if not reason.strip():
        raise ReasonMissing
    return reason.strip()
