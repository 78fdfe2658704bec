"""The filter for Django's error reports."""

from collections.abc import ItemsView
from types import FrameType
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter


class WithoutVariables(SafeExceptionReporterFilter):
    """Leaves variables out of tracebacks, because many of them hold a connection string.

    With DEBUG, for developers, they are shown.
    """

    def get_traceback_frame_variables(
        self, request: HttpRequest | None, tb_frame: FrameType
    ) -> ItemsView[str, Any]:
        if self.is_active(request):
            return dict[str, Any]().items()
        return super().get_traceback_frame_variables(request, tb_frame)
