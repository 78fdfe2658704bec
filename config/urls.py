"""The root URL configuration."""

from allauth.account import views as account
from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from commitments.views.projects import projects
from companies.demo_people import PASSWORD, PEOPLE
from companies.views.company_picker import picker
from config.probes import healthz, metrics, readyz
from erp_integrations.home.views import how_to_unlink, what_each_error_means

sign_in = account.LoginView.as_view(
    extra_context={"demo_people": PEOPLE, "demo_password": PASSWORD} if settings.DEMO else None
)

urlpatterns = [
    path("", picker, name="company-picker"),
    path("sign-in/", sign_in, name="account_login"),
    path("sign-out/", account.LogoutView.as_view(), name="account_logout"),
    path("account/inactive/", account.AccountInactiveView.as_view(), name="account_inactive"),
    path("account/password/", account.PasswordChangeView.as_view(), name="account_change_password"),
    path("how-to/unlink-a-cco/", how_to_unlink, name="how-to-unlink"),
    path("companies/<slug:slug>/projects/", projects, name="projects"),
    path("how-to/what-each-error-means/", what_each_error_means, name="what-each-error-means"),
    path("companies/<slug:slug>/projects/<slug:number>/commitments/", include("commitments.urls")),
    path("companies/<slug:slug>/directory/", include("companies.urls")),
    path("companies/<slug:slug>/", include("erp_integrations.urls")),
    path("admin/", admin.site.urls),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
]
