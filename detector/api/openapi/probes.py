"""Probes and the documentation itself."""

from __future__ import annotations

from detector.api.openapi.parts import JSON, operation, success, text
from detector.api.openapi.schemas import Schema, ref


def probes() -> Schema:
    """Their paths."""
    ready = success(ref("Readiness"))
    not_ready: dict[int, Schema] = {
        503: {"description": "Not ready, with the reasons.", "content": {JSON: {"schema": ref("Readiness")}}}
    }
    return {
        "/healthz": {"get": operation("healthz", "probe", "Alive?", gives=success(ref("Health")))},
        "/readyz": {
            "get": operation(
                "readyz", "probe", "Ready: log open and durable, state caught up?", gives={**ready, **not_ready}
            )
        },
        "/metrics": {"get": operation("metrics", "probe", "Prometheus metrics", gives=text("text/plain"))},
        "/docs": {"get": operation("docs", "probe", "This document, to be read", gives=text("text/html"))},
        "/openapi.json": {"get": operation("openapi", "probe", "This document", gives=success({"type": "object"}))},
    }
