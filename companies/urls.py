"""The addresses of a company's Directory."""

from django.urls import path

from companies.views import directory

urlpatterns = [
    path("", directory.directory, name="directory"),
    path("own/", directory.own, name="directory-own"),
    path("own/digest/", directory.digest, name="directory-digest"),
    path("<int:membership_id>/", directory.person, name="directory-person"),
    path("<int:membership_id>/levels/", directory.levels, name="directory-levels"),
    path(
        "<int:membership_id>/request-can-push-to-accounting/",
        directory.request_privilege,
        name="directory-request-privilege",
    ),
]
