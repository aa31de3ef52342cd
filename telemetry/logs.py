"""The log: one shape for the lines of requests, mail delivery, commands, gunicorn and libraries.

python-json-logger is a formatter of the standard `logging`: lines of libraries have the same fields as ours, and code
that writes a line needs no other interface. structlog would be a second one, at five times the cost of a line.
"""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

from pythonjsonlogger.core import BaseJsonFormatter, LogData
from pythonjsonlogger.json import JsonFormatter

from telemetry import context

Format = Literal["text", "json"]
OWN_LOGGERS = ("accounts", "cms", "telemetry")
"""Loggers of this product: they write from INFO on, those of libraries from WARNING on."""
_FIELDS = ("asctime", "levelname", "name", "message")
_NAMES = {"asctime": "time", "levelname": "level", "name": "logger", "exc_info": "exception"}
_PLAIN = re.compile(r"[A-Za-z0-9_.:/<>@+-]+")


class _Fields(BaseJsonFormatter):
    """The fields of a line: time in UTC with milliseconds, level, logger, message, request_id, and those of `extra`."""

    def __init__(self) -> None:
        super().__init__(_FIELDS, rename_fields=_NAMES)

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 (logging's name)
        """Return the time as RFC 3339 writes it."""
        return f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%dT%H:%M:%S}.{int(record.msecs):03}Z"

    def add_fields(self, log_data: LogData, record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        """Add the fields; `extra` values of None are omitted."""
        super().add_fields(log_data, record, message_dict)
        if request_id := context.request_id():
            log_data["request_id"] = request_id
        for name in [name for name, value in log_data.items() if value is None]:
            del log_data[name]


class JSONFormatter(_Fields, JsonFormatter):
    """A line is a JSON object."""


class TextFormatter(_Fields):
    """A line is `key=value key="value with spaces"`; a traceback follows, indented, so that no line can be forged."""

    def serialize_log_record(self, log_data: LogData) -> str:
        """Return the line."""
        traceback = log_data.pop("exception", "")
        line = " ".join(f"{name}={_quote(value)}" for name, value in log_data.items())
        return line + "".join(f"\n    {each}" for each in traceback.splitlines())


class StandardError(logging.StreamHandler[TextIO]):
    """Writes to what `sys.stderr` is at that moment: programs and tests replace it."""

    def __init__(self, style: Format) -> None:
        """Write lines of a format."""
        super().__init__()
        self.setFormatter(formatter(style))

    @property
    def stream(self) -> TextIO:
        """The standard error stream."""
        return sys.stderr

    @stream.setter
    def stream(self, _: TextIO) -> None:
        """Ignore the stream of the time when the handler was created."""


def formatter(style: Format) -> logging.Formatter:
    """Return the formatter of a LOG_FORMAT."""
    return JSONFormatter() if style == "json" else TextFormatter()


def configure(style: Format) -> None:
    """Write all lines of this process to standard error, in place of an earlier configuration."""
    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each, StandardError)]:
        root.removeHandler(handler)
    root.addHandler(StandardError(style))
    for name in OWN_LOGGERS:
        logging.getLogger(name).setLevel(logging.INFO)


def _quote(value: object) -> str:
    """Return a value for a line of text: in quotes, and with escapes, if it has other characters than plain ones."""
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text)
