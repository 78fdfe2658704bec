"""Forms of the Connection tab."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator

from erp_integrations.erp import registry
from erp_integrations.models import APPLICATION_NAME
from erp_integrations.ports import ServerParts


class AcceptForm(forms.Form):
    """The database that an ERP admin accepts, as it was shown, and the reason."""

    incarnation = forms.CharField(max_length=500)
    reason = forms.CharField(max_length=200)
    not_compared = forms.BooleanField(required=False)
    """Confirms a database that could not be compared."""


CHECKED, TRUSTED, OPEN = "checked", "trusted", "open"

_ONE_LINE = RegexValidator(r"[\x00-\x1f\x7f]", "Write it in one line.", inverse_match=True)
_NO_COMMA = RegexValidator(",", "Write the port into the field below.", inverse_match=True)


class ConnectionForm(forms.Form):
    """The company's database server in parts. The password is never rendered."""

    revision = forms.IntegerField(min_value=0, max_value=2**31 - 1, widget=forms.HiddenInput)
    server = forms.CharField(
        max_length=253,
        validators=[_ONE_LINE, _NO_COMMA],
        help_text="The machine's name or address, or SERVER\\INSTANCE where the port is not fixed.",
    )
    port = forms.IntegerField(
        required=False,
        validators=[MinValueValidator(1), MaxValueValidator(65_535)],
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
        help_text="The fixed port of the instance. Empty where there is none.",
    )
    database = forms.CharField(
        max_length=128,
        validators=[_ONE_LINE],
        help_text="The company database, with its blanks and dashes, as Sage's sign-in window shows it.",
    )
    driver = forms.ChoiceField(
        required=False, help_text="FreeTDS encrypts, but does not check whose certificate it is."
    )
    login = forms.CharField(
        max_length=128, validators=[_ONE_LINE], help_text="Made for Plumbline, and able to read only."
    )
    password = forms.CharField(
        required=False,
        strip=False,
        max_length=128,
        validators=[_ONE_LINE],
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    security = forms.ChoiceField(
        label="Encryption and certificate",
        choices=[
            (CHECKED, "Encrypted, and the server's certificate must be valid"),
            (TRUSTED, "Encrypted, with whatever certificate the server has"),
            (OPEN, "Not encrypted"),
        ],
        help_text="Sage's server usually has a certificate of its own making, which is not valid elsewhere.",
    )
    certificate_host = forms.CharField(
        label="Name in the certificate",
        required=False,
        max_length=253,
        validators=[_ONE_LINE],
        help_text="Only for a valid certificate that bears another name than the server above.",
    )
    application_name = forms.CharField(
        max_length=30,
        validators=[_ONE_LINE],
        help_text="The name that the Sage administrator approves. Never that of one of Sage's own programs.",
    )

    def __init__(
        self, data: Any = None, *, stored: ServerParts | None, revision: int, typed: Mapping[str, Any]
    ) -> None:
        """Shows the stored values, or those in `typed`; only `data` is validated."""
        self.stored = stored
        super().__init__(data, initial={**_initial(stored), "revision": revision, **typed})
        offered = dict.fromkeys(
            [*registry.server_tools().odbc_drivers, *([stored.driver] if stored and stored.driver else [])]
        )
        self.fields["driver"].choices = [  # type: ignore[attr-defined]
            ("", "Whichever is installed, Microsoft's first"),
            *((name, name) for name in offered),
        ]
        self.fields["password"].help_text = (
            "Leave it empty to keep the stored one. When the server, its port, the driver, the login, the "
            "encryption or the certificate changes, it must be typed again. It is never shown."
            if stored
            else "It is kept encrypted, never shown."
        )

    def lead_to_first_error(self) -> None:
        """Puts the focus on the first invalid field, with and without JavaScript."""
        for name in self.fields:
            if name in self.errors:
                self.fields[name].widget.attrs["autofocus"] = True
                return

    def parts(self) -> ServerParts:
        """The values of a valid form."""
        cleaned = self.cleaned_data
        security = cleaned["security"]
        return ServerParts(
            server=cleaned["server"],
            port=cleaned["port"],
            database=cleaned["database"],
            driver=cleaned["driver"],
            login=cleaned["login"],
            password=cleaned["password"],
            encrypt=security != OPEN,
            trust_certificate=security == TRUSTED,
            certificate_host=cleaned["certificate_host"] if security == CHECKED else "",
            application_name=cleaned["application_name"],
        )


def _initial(stored: ServerParts | None) -> dict[str, Any]:
    """The initial values: everything stored except the password."""
    if stored is None:
        return {"security": CHECKED, "application_name": APPLICATION_NAME}
    return {
        "server": stored.server,
        "port": stored.port,
        "database": stored.database,
        "driver": stored.driver,
        "login": stored.login,
        "security": (TRUSTED if stored.trust_certificate else CHECKED) if stored.encrypt else OPEN,
        "certificate_host": stored.certificate_host,
        "application_name": stored.application_name or APPLICATION_NAME,
    }
