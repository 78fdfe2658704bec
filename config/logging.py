"""Structured logging: a constant event name with ids as fields, never an object or a formatted sentence."""

import logging
from typing import Any

import structlog

PROBES = {"healthz", "readyz", "metrics"}
INFO_LOGGERS = ("django_structlog", "companies", "commitments", "erp_integrations", "sage_adapter")
"""Loggers that write one INFO line per request, job or operation."""


class ExcludeProbes(logging.Filter):
    """Drops log lines of successful monitoring requests."""

    def filter(self, record: logging.LogRecord) -> bool:
        operation = record.msg.get("operation") if isinstance(record.msg, dict) else None
        return operation not in PROBES or record.levelno >= logging.WARNING


def logging_config(log_format: str) -> dict[str, Any]:
    """Django's LOGGING for `console` (for people) or `json` (for machines); configures structlog too.

    `json` logs every request, job and operation; `console`, used by the demo, logs warnings and errors.
    """
    level = "INFO" if log_format == "json" else "WARNING"
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        # A plain traceback, because the prettier ones print local variables, which may hold secrets.
        else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "plumbline": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processor": renderer,
                "foreign_pre_chain": [*shared, structlog.processors.format_exc_info],
            }
        },
        "filters": {"without_probes": {"()": ExcludeProbes}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "plumbline",
                "filters": ["without_probes"],
            }
        },
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            **{name: {"level": level} for name in INFO_LOGGERS},
            # Retries are not logged; the caller logs the fault of the last one.
            "stamina": {"level": "ERROR"},
            "django.server": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        },
    }
