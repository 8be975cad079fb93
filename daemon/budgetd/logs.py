"""The log: one line an event, JSON or text, library lines in the same form, on stderr.

It may not hold a secret: events carry names, ids, amounts and codes, never headers or bodies.
Results are not logs; they go to stdout, and reports make them.
"""

import logging
import sys
from typing import TextIO

import structlog
from structlog.stdlib import BoundLogger
from structlog.typing import Processor

_SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    structlog.processors.format_exc_info,
)


def configure(level: str, style: str, stream: TextIO | None = None) -> None:
    """Sends every line of the product and of its libraries to one stream, in one form.

    `level` is debug, info, warning or error; `style` json or text.
    """
    renderer: Processor = structlog.processors.JSONRenderer(sort_keys=True)
    if style == "text":
        renderer = structlog.dev.ConsoleRenderer(colors=(stream or sys.stderr).isatty())
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_SHARED, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())


# Through the standard library from the start: until `configure` is called, nothing below a
# warning is written, and nothing ever to stdout.
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_SHARED,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
)


def logger() -> BoundLogger:
    """The product's logger."""
    bound: BoundLogger = structlog.stdlib.get_logger("budgetd")
    return bound
