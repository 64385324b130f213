"""The OpenAPI document, written by hand and held to the server by tests.

Bodies are read by msgspec and not declared to FastAPI, which would read them
slower and word their faults less clearly; so FastAPI cannot write this for us.
A test compares its routes with the application's.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from detector.api.openapi.access_requests import access_requests
from detector.api.openapi.asking import asking
from detector.api.openapi.authzen import authzen, evaluation
from detector.api.openapi.denylist import denylist
from detector.api.openapi.emergencies import emergencies
from detector.api.openapi.looking import decisions, portraits
from detector.api.openapi.policies import policies
from detector.api.openapi.probes import probes
from detector.api.openapi.proofs import proofs
from detector.api.openapi.reports import reports
from detector.api.openapi.rules import rules
from detector.api.openapi.schemas import Schema, components
from detector.api.openapi.signals import signals

VERSION: Final = "1"


@cache
def document() -> Schema:
    """The whole document, OpenAPI 3.1. Callers must not change it."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Assayer",
            "version": VERSION,
            "description": "Whether a credential should be minted: asked before the mint, learnt from the logs after.",
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": "broker", "description": "Asking, before the mint. Role broker; no token on loopback."},
            {"name": "ingest", "description": "Telling what happened. Role ingest; no token on loopback."},
            {"name": "analyst", "description": "Looking. Role analyst or operator, always a token."},
            {"name": "operator", "description": "Changing. Role operator, always a token."},
            {"name": "auditor", "description": "Proving and looking back. Role auditor or operator, always a token."},
            {"name": "approver", "description": "Answering step-ups. Role approver or operator, always a token."},
            {"name": "receiver", "description": "Shared signals. Role receiver, always a token."},
            {"name": "public", "description": "Anybody, from anywhere."},
            {"name": "probe", "description": "Any valid token; none on loopback."},
        ],
        "paths": {
            **asking(),
            **authzen(),
            **access_requests(),
            **decisions(),
            **portraits(),
            **denylist(),
            **rules(),
            **emergencies(),
            **policies(),
            **signals(),
            **proofs(),
            **reports(),
            **probes(),
        },
        "components": {
            "schemas": {**components(), "Evaluation": evaluation()},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "description": "assayer token create"}},
        },
    }


def methods() -> dict[str, list[str]]:
    """The methods that each path takes."""
    return {path: [verb.upper() for verb in verbs] for path, verbs in document()["paths"].items()}
