"""Logging: one structured line an event, as JSON or text, with request ids and without secrets.

structlog's own loggers and the standard library's (uvicorn's, a dependency's)
end in the same place and look the same.
"""

from __future__ import annotations

import logging
import re
from collections.abc import MutableMapping
from typing import Any, Final, TextIO

import structlog
from structlog.typing import FilteringBoundLogger, Processor

from detector.wiring.settings import LogSettings

SECRET_NAMES: Final = frozenset(
    {"authorization", "cookie", "password", "secret", "set-cookie", "token", "asy", "bearer", "private_key"}
)
"""Keys whose values never reach a log, whoever hands them in."""

MASK: Final = "***"

TOKEN: Final = re.compile(r"asy_[0-9a-f]+_[\w-]+")
"""One of our tokens, wherever in a text it stands."""


def configure(settings: LogSettings, *, stream: TextIO) -> FilteringBoundLogger:
    """Send every logger of the process to `stream`, and give one of them. Call it once, where the process starts."""
    as_json = settings.format == "json" or (settings.format == "auto" and not stream.isatty())
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        without_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(as_json=as_json)],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    logger: FilteringBoundLogger = structlog.get_logger("assayer")
    return logger


def without_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The event with the values of secret-looking keys masked, and our tokens wherever they stand.

    >>> without_secrets(None, "info", {"event": "asked with asy_1f_x", "Authorization": "Bearer y"})
    {'event': 'asked with asy_***', 'Authorization': '***'}
    """
    for key, value in event.items():
        event[key] = MASK if _secret(key) else _masked(value)
    return event


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return TOKEN.sub(f"asy_{MASK}", value)
    if isinstance(value, dict):
        return {name: MASK if _secret(str(name)) else _masked(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_masked(inner) for inner in value]
    return value


def _secret(name: str) -> bool:
    return name.lower() in SECRET_NAMES


def _rendering(*, as_json: bool) -> list[Processor]:
    if as_json:
        # Without the frames' local variables, which hold headers and bodies.
        plain = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        return [structlog.processors.ExceptionRenderer(plain), without_secrets, structlog.processors.JSONRenderer()]
    # No colours and a plain traceback: what goes into a journal must stay readable there.
    return [
        structlog.processors.format_exc_info,
        without_secrets,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
