"""Judged rows as Parquet: streamed by polars from JSON Lines, so that memory stays flat over any number of rows."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

ROW_SCHEMA: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "id": pl.String,
    "kind": pl.String,
    "time": pl.String,
    "requester": pl.String,
    "issuer": pl.String,
    "credential": pl.String,
    "issuance": pl.String,
    "verdict": pl.String,
    "risk": pl.Float64,
    "evidence": pl.Float64,
    "reasons": pl.List(
        pl.Struct(
            {
                "code": pl.String,
                "because": pl.String,
                "nats": pl.Float64,
                "expected": pl.String,
                "observed": pl.String,
            }
        )
    ),
}
"""A row's columns, in the contract's order. `time` is text in JSON Lines and becomes a UTC timestamp."""

ROW_GROUP: Final = 65_536
"""Rows a group: fixed, so that the same rows give the same bytes, and small enough to read a slice cheaply."""


def write_parquet(lines: Path, target: Path) -> None:
    """Write the rows in the JSON Lines file `lines` to `target`, in order, zstd-compressed.

    Rows must have the columns of `ROW_SCHEMA`; a column that is null throughout
    keeps its type. Raises `OSError` where `target` cannot be written.
    """
    time = pl.col("time").str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", time_zone="UTC")
    rows = pl.scan_ndjson(lines, schema=ROW_SCHEMA) if lines.stat().st_size else pl.LazyFrame(schema=ROW_SCHEMA)
    rows.with_columns(time).sink_parquet(
        target, compression="zstd", row_group_size=ROW_GROUP, maintain_order=True, statistics=True
    )
