"""Shared Signals: discovery, streams and polling. Of bodies, what is not known is ignored."""

from __future__ import annotations

from typing import Final, get_args

from detector.api.openapi.parts import Responses, body, in_path, operation, success
from detector.api.openapi.schemas import Schema, listing, shape
from detector.signals.receivers import LONGEST_TEXT, MOST_EVENTS
from detector.signals.vocabulary import EVENTS, POLL, PUSH, Status

BAD: Final = (400, 408, 413, 415)
"""Refusals of a route that reads a body. Where it is wrong the standard has 400, and nothing finer."""

STREAM: Final = "f67e39a0a4d34d56b3aa1bc4cff0069f"
_URI: Final[Schema] = {"type": "string", "maxLength": LONGEST_TEXT}
_TEXT: Final[Schema] = {"type": "string"}
_NAME: Final[Schema] = {"type": "string", "minLength": 1}
_SUBJECT: Final[Schema] = {
    "type": "object",
    "required": ["format"],
    "properties": {"format": {"type": "string", "minLength": 1}},
    "description": "A subject identifier (RFC 9493): its format, and the members that this has.",
}


def signals() -> Schema:
    """Their paths."""
    return {
        "/.well-known/ssf-configuration": {
            "get": operation(
                "ssf_configuration",
                "public",
                "Where the transmitter's interfaces are (SSF 1.0)",
                gives=success(_metadata()),
                refusals=(404,),
            )
        },
        "/ssf/jwks.json": {
            "get": operation(
                "ssf_jwks",
                "public",
                "The keys that verify its tokens",
                gives=success(shape({"keys": listing({"type": "object"})})),
                refusals=(404,),
            )
        },
        "/ssf/stream": _stream(),
        "/ssf/status": _status(),
        **_others(),
    }


def _stream() -> Schema:
    one, named = success(_shown()), body(_wanted(named=True), {"stream_id": STREAM, "description": "for the vault"})
    return {
        "get": operation(
            "ssf_streams",
            "receiver",
            "One of the caller's streams, or all of them",
            parameters=[_which(required=False)],
            gives=success({"anyOf": [_shown(), listing(_shown())]}),
            refusals=(400, 404),
        ),
        "post": operation(
            "create_ssf_stream",
            "receiver",
            "A stream, from now on; polled unless it says otherwise",
            takes=body(_wanted(named=False), {"delivery": {"method": POLL}}, required=False),
            gives=success(_shown(), status=201),
            refusals=(409, *BAD),
        ),
        "patch": operation(
            "update_ssf_stream", "receiver", "Change what is given", takes=named, gives=one, refusals=(404, 409, *BAD)
        ),
        "put": operation(
            "replace_ssf_stream",
            "receiver",
            "Make it what is given",
            takes=body(_wanted(named=True, whole=True), {"stream_id": STREAM, "delivery": {"method": POLL}}),
            gives=one,
            refusals=(404, 409, *BAD),
        ),
        "delete": operation(
            "delete_ssf_stream",
            "receiver",
            "End a stream",
            parameters=[_which(required=True)],
            gives=_nothing(),
            refusals=(400, 404),
        ),
    }


def _status() -> Schema:
    status = shape(
        {"stream_id": _NAME, "status": {"enum": list(get_args(Status))}, "reason": _TEXT},
        required=("stream_id", "status"),
    )
    return {
        "get": operation(
            "ssf_status",
            "receiver",
            "Is a stream enabled?",
            parameters=[_which(required=True)],
            gives=success(status),
            refusals=(400, 404),
        ),
        "post": operation(
            "set_ssf_status",
            "receiver",
            "Enable, pause or disable it; what is announced meanwhile waits while it is paused, and is lost to it while"
            " it is disabled",
            takes=body(status, {"stream_id": STREAM, "status": "paused"}),
            gives=success(status),
            refusals=(404, *BAD),
        ),
    }


def _others() -> Schema:
    about = {"stream_id": STREAM, "subject": {"format": "email", "email": "ops@example.com"}}
    added = shape(
        {"stream_id": _NAME, "subject": _SUBJECT, "verified": {"type": "boolean"}}, required=("stream_id", "subject")
    )
    removed = shape({"stream_id": _NAME, "subject": _SUBJECT})
    asked = shape(
        {"stream_id": _NAME, "state": {"type": ["string", "null"], "maxLength": LONGEST_TEXT}}, required=("stream_id",)
    )
    return {
        "/ssf/subjects:add": {
            "post": operation(
                "add_ssf_subject",
                "receiver",
                "Send what is about a subject again; everybody's is sent by default",
                takes=body(added, about),
                gives=_nothing(200),
                refusals=(404, *BAD),
            )
        },
        "/ssf/subjects:remove": {
            "post": operation(
                "remove_ssf_subject",
                "receiver",
                "Send nothing about a subject",
                takes=body(removed, about),
                gives=_nothing(),
                refusals=(404, *BAD),
            )
        },
        "/ssf/verify": {
            "post": operation(
                "verify_ssf_stream",
                "receiver",
                "Send a verification event",
                takes=body(asked, {"stream_id": STREAM, "state": "VGhpcyBpcyBhbiBleGFtcGxlIHN0YXRlIHZhbHVlLgo="}),
                gives=_nothing(),
                refusals=(404, 409, *BAD),
            )
        },
        "/ssf/poll/{stream_id}": {
            "post": operation(
                "poll_ssf_stream",
                "receiver",
                "Acknowledge what was received, get what was not (RFC 8936)",
                parameters=[in_path("stream_id", "A polled stream.")],
                takes=body(_poll(), {"maxEvents": 5, "returnImmediately": True}, required=False),
                gives=success(_polled()),
                refusals=(404, *BAD),
            )
        },
    }


def _which(*, required: bool) -> Schema:
    return {
        "name": "stream_id",
        "in": "query",
        "required": required,
        "description": "A stream's id.",
        "schema": _NAME,
    }


def _nothing(status: int = 204) -> Responses:
    return {status: {"description": "Done.", "content": {}}}


def _metadata() -> Schema:
    urls = (
        *("issuer", "jwks_uri", "configuration_endpoint", "status_endpoint", "add_subject_endpoint"),
        *("remove_subject_endpoint", "verification_endpoint"),
    )
    return shape(
        {
            "spec_version": _TEXT,
            **{url: {"type": "string", "format": "uri"} for url in urls},
            "delivery_methods_supported": listing({"enum": [PUSH, POLL]}),
            "authorization_schemes": listing(shape({"spec_urn": _TEXT})),
            "default_subjects": {"const": "ALL"},
        }
    )


def _wanted(*, named: bool, whole: bool = False) -> Schema:
    header = {"type": ["string", "null"], "pattern": "^[ -~]{0,8192}$", "description": "Sent along; never shown again."}
    url = {"type": "string", "format": "https-url", "description": "An https URL of a host that may be pushed to."}
    push = shape(
        {"method": {"const": PUSH}, "endpoint_url": url, "authorization_header": header},
        required=("method", "endpoint_url"),
    )
    fields: Schema = {
        "delivery": {"anyOf": [shape({"method": {"const": POLL}}), push]},
        "events_requested": {"type": ["array", "null"], "items": _URI, "maxItems": MOST_EVENTS},
        "description": {"type": ["string", "null"]},
    }
    return shape(
        {"stream_id": _NAME, **fields} if named else fields,
        required=(*(("stream_id",) if named else ()), *(("delivery",) if whole else ())),
        description="What the transmitter supplies may be there too, and must then be what it is.",
    )


def _shown() -> Schema:
    uris = listing({"type": "string"})
    return shape(
        {
            "stream_id": _NAME,
            "iss": _TEXT,
            "aud": _TEXT,
            "events_supported": listing({"enum": list(EVENTS.values())}),
            "events_requested": uris,
            "events_delivered": uris,
            "delivery": shape({"method": {"enum": [PUSH, POLL]}, "endpoint_url": _TEXT}),
            "description": _TEXT,
        },
        required=("stream_id", "iss", "aud", "events_supported", "events_delivered", "delivery"),
    )


def _poll() -> Schema:
    return shape(
        {
            "maxEvents": {"type": ["integer", "null"], "minimum": 0},
            "returnImmediately": {"type": "boolean"},
            "ack": listing({"type": "string"}),
            "setErrs": {"type": "object"},
        },
        required=(),
    )


def _polled() -> Schema:
    return shape(
        {
            "sets": {"type": "object", "additionalProperties": {"type": "string"}, "description": "Tokens by id."},
            "moreAvailable": {"type": "boolean"},
        },
        required=("sets",),
    )
