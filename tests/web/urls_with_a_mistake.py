"""Our addresses and one more, whose view fails as no view should."""

from typing import NoReturn

from django.http import HttpRequest
from django.urls import path

from config.urls import urlpatterns as ours


def mistake(_request: HttpRequest) -> NoReturn:
    raise ZeroDivisionError("the secret words of a traceback")


urlpatterns = [*ours, path("mistake/", mistake)]
