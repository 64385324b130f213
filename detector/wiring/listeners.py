"""Who is told what is announced, as the operator writes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Self, get_args

from pydantic import Field, field_validator, model_validator

from detector.engine.policy import Policy
from detector.engine.records import Announcement
from detector.signals.endpoints import EndpointRefused, endpoint
from detector.signals.vocabulary import Form
from detector.wiring.section import Seconds, Section

ISSUER: Final = re.compile(r"https://[A-Za-z0-9.-]+(:\d{1,5})?")
STREAM_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")


class StreamSettings(Section):
    """A receiver that is pushed to, by the operator's own choice."""

    endpoint: str = Field(min_length=1, description="URL that is sent to: https, or this machine's own")
    format: Form = Field(
        "set", description='"set" sends signed security event tokens, "webhook" plain JSON, "ocsf" Detection Findings'
    )
    events: tuple[Announcement, ...] = Field(
        get_args(Announcement), description="what is sent of what is announced; findings are all sent"
    )
    audience: str = Field("", description="`aud` of its tokens; the endpoint where it is empty")
    authorization_file: str = Field("", description="file with the `Authorization` header that the receiver wants")
    secret_file: str = Field("", description="file with the secret that signs webhooks and findings (HMAC-SHA-256)")

    @model_validator(mode="after")
    def reachable(self) -> Self:
        """Refuse an endpoint that nothing may be sent to."""
        try:
            endpoint(self.endpoint, local=True)
        except EndpointRefused as refused:
            raise ValueError(f"endpoint {refused}") from None
        return self


class SignalSettings(Section):
    """What is announced to others, and how."""

    issuer: str = Field(
        "", description="this transmitter's https URL, as receivers reach it; empty turns Shared Signals off"
    )
    task_timeout_seconds: Seconds = Field(
        Policy().task_timeout_seconds,
        description="how long a task may work before its live credentials are announced; 0 lets it",
    )
    push_hosts: tuple[str, ...] = Field(
        (), description="the only hosts that receivers may have us push to; empty for any that is not this machine"
    )
    ca_file: str = Field("", description="certificates of authorities to believe beside the system's, in PEM")
    streams: Mapping[str, StreamSettings] = Field({}, description="receivers that are pushed to")

    @property
    def names_credentials(self) -> bool:
        """Whether receivers are told which credential should work no more."""
        return bool(self.issuer) or any(stream.format != "ocsf" for stream in self.streams.values())

    @field_validator("issuer")
    @classmethod
    def is_issuer(cls, issuer: str) -> str:
        """Refuse what no receiver could take for an issuer."""
        if issuer and not ISSUER.fullmatch(issuer):
            raise ValueError("must be an https URL of a host, without a path, a query or a slash at its end")
        return issuer

    @field_validator("streams")
    @classmethod
    def are_named(cls, streams: Mapping[str, StreamSettings]) -> Mapping[str, StreamSettings]:
        """Refuse names that metrics could not carry."""
        for name in streams:
            if not STREAM_NAME.fullmatch(name):
                raise ValueError(f"{name!r}: a stream's name is made of up to 31 small letters, digits and dashes")
        return streams

    @model_validator(mode="after")
    def signs_for_somebody(self) -> Self:
        """Refuse tokens that nobody would have issued."""
        unsigned = [name for name, stream in self.streams.items() if stream.format == "set"]
        if unsigned and not self.issuer:
            raise ValueError(f'issuer: stream {unsigned[0]} sends tokens (format "set"), which need one')
        return self
