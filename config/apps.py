"""App configurations: the admin site and the system checks."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class PlumblineAdminConfig(AdminConfig):
    """Makes the support desk the default admin site."""

    default_site = "config.admin.SupportDesk"


class ConfigConfig(AppConfig):
    name = "config"
    label = "plumbline_config"

    def ready(self) -> None:
        from config import checks  # noqa: F401  (registers the checks once the apps are loaded)
