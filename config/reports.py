"""What Django's own reports of errors may tell."""

from collections.abc import ItemsView
from types import FrameType
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter


class WithoutVariables(SafeExceptionReporterFilter):
    """A traceback without what its variables held: a connection string goes through many, under many names.

    Not so with DEBUG, which shows everything and is for developers.
    """

    def get_traceback_frame_variables(
        self, request: HttpRequest | None, tb_frame: FrameType
    ) -> ItemsView[str, Any]:
        if self.is_active(request):
            return dict[str, Any]().items()
        return super().get_traceback_frame_variables(request, tb_frame)
