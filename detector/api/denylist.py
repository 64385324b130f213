"""The deny list for brokers, who keep it for the time when nobody answers them.

It names requesters, and a stolen runner may share the pod: without a token it is told only where no broker has one.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response

from detector.api.callers import authorise, caller_of
from detector.api.decisions import as_json
from detector.api.service import Service
from detector.api.wire import moment
from detector.engine.denylist import DenyList
from detector.rules import Rule


def denylist(service: Service) -> APIRouter:
    """The route of `/v1/deny-rules/stream`."""
    routes = APIRouter()

    @routes.get("/v1/deny-rules/stream")
    async def stream(request: Request, since: Annotated[int, Query(ge=0)] = 0) -> Response:
        caller = caller_of(request.scope)
        authorise(caller, ("broker",), local=service.gate.trusts(caller, "broker"))
        return as_json(telling(service.engine.denylist(since)))

    return routes


def telling(known: DenyList) -> dict[str, Any]:
    """A deny list as brokers read it. What they do not know they leave out, so it may grow."""
    policy = known.policy
    return {
        "position": known.position,
        "full": known.full,
        "new": [_rule(rule) for rule in known.new],
        "deleted": known.deleted,
        "kill_switch": known.halted,
        "fold": [{"pattern": rule.pattern, "replacement": rule.replacement} for rule in policy.identity],
        "modes": {
            "general": policy.mode,
            "issuers": policy.issuer_modes,
            "requesters": policy.requester_modes,
        },
    }


def _rule(rule: Rule) -> dict[str, Any]:
    named = msgspec.to_builtins(rule.selector)
    return {
        "id": rule.id,
        "selector": {name: value for name, value in named.items() if value is not None},
        "expires": moment(rule.expires),
    }
