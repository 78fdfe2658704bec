"""Django settings, read from the environment. `.env.example` documents each variable."""

import logging
import zoneinfo
from pathlib import Path
from typing import Any

import django_stubs_ext
from bootstrap_wrapper import get_bootstrap_dir

from config import env
from config.logging import logging_config

django_stubs_ext.monkeypatch()  # allows ModelAdmin[Model] and the like at run time

BASE_DIR = Path(__file__).resolve().parent.parent

# --- from the environment ------------------------------------------------------------------------

DEBUG = env.flag("DEBUG")
DEMO = env.flag("DEMO")
"""Shows the sandbox and the sign-in names of the demo. Never set in production."""
SECRET_KEY = env.secret_key("SECRET_KEY")
FIELD_KEYS = env.field_keys("FIELD_KEYS")
"""Fernet keys for secrets at rest, newest first. They do not depend on SECRET_KEY."""
DATABASES = {"default": env.database("DATABASE_URL")}
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", ["127.0.0.1", "localhost", "[::1]"] if DEMO or DEBUG else [])
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
TIME_ZONE = env.text("TIME_ZONE", "America/New_York")
if TIME_ZONE not in zoneinfo.available_timezones():
    raise env.WrongEnvironment(f"TIME_ZONE must be a name like America/New_York; it is {TIME_ZONE!r}.")

SAGE_DEADLINE_SECONDS = env.number("SAGE_DEADLINE_SECONDS", 10, least=1, most=120)
"""Time limit for a lookup in Sage, both looks together."""
SAGE_LOGIN_TIMEOUT_SECONDS = env.number("SAGE_LOGIN_TIMEOUT_SECONDS", 5, least=1, most=60)
SAGE_SECOND_LOOK_SECONDS = env.number("SAGE_SECOND_LOOK_SECONDS", 1, least=0, most=30)
"""Wait between the first look and the second."""
if SAGE_SECOND_LOOK_SECONDS >= SAGE_DEADLINE_SECONDS:
    raise env.WrongEnvironment("SAGE_SECOND_LOOK_SECONDS must be less than SAGE_DEADLINE_SECONDS.")

SANDBOX_FOLDER = Path(env.text("SANDBOX_FOLDER", str(BASE_DIR / "var" / "sandbox")))
"""Folder for the practice companies of the demo."""

SITE_URL = env.site("SITE_URL", "http://127.0.0.1:8000")
"""Public address of the site: the beginning of every link in a mail."""
globals().update(env.email("EMAIL_URL"))
DEFAULT_FROM_EMAIL = env.email_address("EMAIL_FROM", "plumbline@localhost")

METRICS_ALLOW = env.networks("METRICS_ALLOW", ["127.0.0.1", "::1"])
"""Client addresses that may read the metrics, without a proxy in between."""
METRICS_TOKEN = env.token("METRICS_TOKEN")
"""Bearer token that gives access to the metrics from any address. None when not set."""

# --- the ERPs ------------------------------------------------------------------------------------

ERP_KINDS = {
    "sage-100-contractor": "sage_adapter.drivers.ODBC",
    "sage-100-contractor-sandbox": "sage_adapter.drivers.SANDBOX",
}
"""Connection kind -> dotted path of its `erp_integrations.ports.ErpDriver`."""

COMMITMENTS_ERP_ADAPTER = "erp_integrations.exports.commitments_adapter.CommitmentsAdapter"
"""Implements `commitments.ports.ErpAdapter`, which shows ERP data on the project team's pages."""

# --- the application -----------------------------------------------------------------------------

INSTALLED_APPS = [
    "config.apps.PlumblineAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "django_htmx",
    "django_structlog",
    "lucide",
    "csp",
    "allauth",
    "allauth.account",
    "procrastinate.contrib.django",
    "companies",
    "commitments",
    "erp_integrations",
    "config.apps.ConfigConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.request_log.RequestLog",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "companies.context_processors.navigation",
            ]
        },
    }
]

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
LANGUAGE_CODE = "en-us"
USE_I18N = False
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static", ("bootstrap", get_bootstrap_dir())]
WHITENOISE_USE_FINDERS = True
LOGGING = logging_config(env.one_of("LOG_FORMAT", "console", ("console", "json")))
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG  # one line per request, at its end
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False  # ids only; the proxy logs addresses

CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "django_cache"},
}
"""In the database, so that sign-in rate limits apply across processes and machines."""

PROCRASTINATE_ON_APP_READY = "companies.queue.set_up"

# --- signing in ----------------------------------------------------------------------------------

AUTH_USER_MODEL = "companies.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "company-picker"
ACCOUNT_ADAPTER = "companies.account_adapter.NoSignUpAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = None
SESSION_COOKIE_NAME = "plumbline_session"
ALLAUTH_TRUSTED_PROXY_COUNT = int(env.number("PROXIES", 0, least=0, most=5))
"""Number of proxies that append to X-Forwarded-For. Sign-in rate limits need the client's address."""

# --- security ------------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
_BEHIND_TLS = not (DEBUG or DEMO)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = _BEHIND_TLS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
"""Monitors call the server directly, behind the proxy, without TLS."""
SECURE_HSTS_SECONDS = 31_536_000 if _BEHIND_TLS else 0
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _BEHIND_TLS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
DEFAULT_EXCEPTION_REPORTER_FILTER = "config.reports.WithoutVariables"
CSRF_FAILURE_VIEW = "companies.views.company_picker.csrf_failure"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
