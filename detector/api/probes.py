"""Probes: alive, ready and why not, metrics, and the documentation, which needs no internet."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from prometheus_client.exposition import choose_encoder

from detector.api.decisions import as_json
from detector.api.docs import page
from detector.api.openapi import document
from detector.api.service import Service


def probes(service: Service) -> APIRouter:
    """`/healthz`, `/readyz`, `/metrics` and `/docs`: open on this machine, and to any valid token from others."""
    routes = APIRouter()

    @routes.get("/healthz")
    async def healthz() -> Response:
        return as_json({"status": "alive"})

    @routes.get("/readyz")
    async def readyz() -> Response:
        reasons = unready(service)
        body = {"ready": not reasons, "reasons": reasons, "position": service.engine.position}
        return as_json(body, status=503 if reasons else 200)

    @routes.get("/metrics")
    async def metrics(request: Request) -> Response:
        service.telemetry.examined(
            service.engine.vitals(),
            durable=service.log.head(),
            trouble=service.log.trouble(),
            ready=not unready(service),
        )
        encode, media = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(service.telemetry.registry), headers={"Content-Type": media})

    @routes.get("/docs")
    async def docs() -> Response:
        return page(document())

    @routes.get("/openapi.json")
    async def openapi() -> Response:
        return as_json(document())

    return routes


def unready(service: Service) -> list[str]:
    """Why this server should not be asked just now; empty when it should."""
    trouble = service.log.trouble()
    reasons = [] if trouble is None else [f"the log is not durable: {trouble}"]
    behind = service.log.head() - service.engine.position
    if behind > 0:
        reasons.append(f"the state is {behind} records behind the log")
    tokens = service.gate.trouble()
    if tokens is not None:
        reasons.append(f"the tokens are those of before: {tokens}")
    return reasons
