"""Logging: one place, one shape, no secrets."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from detector.wiring.logs import configure
from detector.wiring.settings import LogSettings

TOKEN = "asy_0f1e2d3c4b5a_Zm9vYmFyLWJhel9xdXV4"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Logging is put back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    """What was logged, as JSON."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def _fail(secret: str) -> None:
    """Fail with a secret in the message, and in a local variable."""
    raise ValueError(f"bad {secret}")


def test_our_loggers_and_everybody_elses_look_the_same() -> None:
    """structlog's and the standard library's lines are JSON of one shape, with time, level and bound request ids."""
    stream = io.StringIO()
    logger = configure(LogSettings(format="json"), stream=stream)
    with structlog.contextvars.bound_contextvars(request_id="q-1"):
        logger.info("answered", status=200)
        logging.getLogger("uvicorn.error").warning("careful %s", "now")
    ours, theirs = lines(stream)
    assert {key: ours[key] for key in ("event", "level", "status", "request_id")} == {
        "event": "answered",
        "level": "info",
        "status": 200,
        "request_id": "q-1",
    }
    assert (theirs["event"], theirs["level"]) == ("careful now", "warning")
    assert all("timestamp" in line for line in (ours, theirs))


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_secret_is_written(form: str) -> None:
    """Neither by its key, nor inside a text, nor in a list or a table, nor in a traceback's local variables."""
    stream = io.StringIO()
    logger = configure(LogSettings.model_validate({"format": form}), stream=stream)
    said = f"asked with {TOKEN}"
    logger.info(said, Authorization="Bearer secret-1", headers={"Cookie": "secret-2", "x": [TOKEN]})
    try:
        _fail(TOKEN)
    except ValueError:
        logger.exception("failed")
    logging.getLogger("x").error("said %s", TOKEN)
    written = stream.getvalue()
    assert "failed" in written
    assert TOKEN not in written
    assert not [number for number in (1, 2) if f"secret-{number}" in written]


def test_what_is_below_the_level_is_not_written() -> None:
    """`warning` leaves information out, whoever says it."""
    stream = io.StringIO()
    logger = configure(LogSettings(level="warning"), stream=stream)
    logger.info("quiet")
    logging.getLogger("x").info("quiet too")
    assert stream.getvalue() == ""


def test_a_stream_that_is_no_terminal_gets_json() -> None:
    """`auto` writes for machines where no person looks."""
    stream = io.StringIO()
    configure(LogSettings(), stream=stream).info("hello")
    assert lines(stream)[0]["event"] == "hello"
