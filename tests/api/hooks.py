"""What schemathesis must be told about our API: what JSON Lines look like, and when our calendar begins and ends."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import schemathesis
from hypothesis import strategies as st


@schemathesis.serializer("application/x-ndjson")
def lines(_context: Any, value: Any) -> bytes:
    """A generated text is a body as it stands."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """A period ends after it begins: JSON Schema cannot compare two parameters; the document says it in prose."""
    query = case.query
    if isinstance(query, dict) and isinstance(query.get("from"), str) and isinstance(query.get("until"), str):
        query["from"], until = sorted((query["from"], query.pop("until")))
        if until != query["from"]:
            query["until"] = until


# JSON Schema has no word for "1990 to 2200"; the document says it in prose.
schemathesis.openapi.format(
    "date-time",
    st.datetimes(datetime(1990, 1, 2), datetime(2199, 12, 30), timezones=st.just(UTC)).map(  # noqa: DTZ001
        lambda moment: moment.isoformat().replace("+00:00", "Z")
    ),
)

# Nor for "a host that may be pushed to": which these are is the operator's choice.
schemathesis.openapi.format("https-url", st.from_regex(r"https://receiver\.example/[a-z0-9/]{0,20}", fullmatch=True))
