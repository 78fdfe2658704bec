"""The product's settings, with watchers that only the tests and the checks need."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS, MIDDLEWARE

INSTALLED_APPS = [
    *INSTALLED_APPS,
    "django_linear_migrations",  # two branches with a migration each cannot be merged unseen
    "django_migration_linter",  # a migration that would lock or break a running release is named
    "zeal",  # a page that asks one query per row fails the test that opened it
]
MIDDLEWARE = ["zeal.middleware.zeal_middleware", *MIDDLEWARE]
FIRST_PARTY_APPS = ["companies", "commitments", "erp_integrations"]
MIGRATION_LINTER_OPTIONS = {
    "include_apps": FIRST_PARTY_APPS,
    "no_cache": True,
    "ignore_name_contains": "initial",  # there was nothing yet that they could have locked
}
# Django reads a session twice when it changes its key; that is not one query per row.
ZEAL_ALLOWLIST = [
    {"model": "sessions.Session", "field": "get()"},
    # Accept and export at once are three short transactions, and each takes the CCO's lock.
    {"model": "commitments.CommitmentChangeOrder", "field": "get()"},
]
