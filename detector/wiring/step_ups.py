"""How step-ups are answered, as the operator writes it."""

from __future__ import annotations

import re
from typing import Annotated, Final, Self

from pydantic import Field, field_validator, model_validator

from detector.engine.tasks import Method
from detector.events import Sensitivity
from detector.stepup.places import KeySetUnusable, check
from detector.stepup.terms import METHODS, Terms
from detector.wiring.section import Nats, Positive, Section

DEFAULTS: Final = Terms()

URL: Final = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+(/[A-Za-z0-9._~/-]*)?")

Methods = tuple[Method, ...]


class MethodSettings(Section):
    """What may answer a step-up, by how sensitive the resource is."""

    low: Methods = Field(METHODS["low"], description="what may answer for a resource of low sensitivity")
    medium: Methods = Field(METHODS["medium"], description="for one of medium sensitivity, or of which none is known")
    high: Methods = Field(METHODS["high"], description="for one of high sensitivity")
    critical: Methods = Field(METHODS["critical"], description="for a critical one")


class ProofSettings(Section):
    """Which workload tokens count as a proof."""

    keys: str = Field("", description="their issuer's JSON Web Key Set: a file, or an https URL; empty takes no proofs")
    issuer: str = Field("", description="their `iss`")
    audience: str = Field("assayer", description="their `aud`, up to a # and the access request's id")
    max_age_seconds: Positive = Field(120.0, description="how long ago one may have been issued")

    @model_validator(mode="after")
    def checkable(self) -> Self:
        """Refuse keys that could not be asked for, or tokens of nobody."""
        if self.keys and not self.issuer:
            raise ValueError("issuer: name whose tokens they are")
        if self.keys:
            try:
                check(self.keys)
            except KeySetUnusable as error:
                raise ValueError(f"keys: {error}") from None
        return self


class StepUpSettings(Section):
    """How a step-up goes on."""

    url: str = Field("", description="URL at which brokers reach this server; empty for the one that they called")
    offer_seconds: Positive = Field(
        DEFAULTS.offer_seconds, description="how long after a step-up somebody's answer may be asked for"
    )
    pending_seconds: Positive = Field(
        DEFAULTS.pending_seconds, description="how long an access request waits for its answer"
    )
    approval_seconds: Positive = Field(
        DEFAULTS.approval_seconds,
        description="how long an approval is good, and with it what is minted on it, at most",
    )
    emergency_seconds: Positive = Field(
        DEFAULTS.emergency_seconds, description="the same where the request said that it cannot wait"
    )
    uses: Annotated[int, Field(ge=1, le=1_000)] = Field(
        DEFAULTS.uses, description="how many decisions one approval lets pass"
    )
    margin: Nats = Field(
        DEFAULTS.margin, description="nats of evidence beyond those it was given for that an approval stands"
    )
    acr_value: str = Field(
        DEFAULTS.acr_value, min_length=1, description="what AuthZEN's step-up obligation asks to be achieved"
    )
    amr_values: tuple[str, ...] = Field(DEFAULTS.amr_values, description="and by which methods of authentication")
    methods: MethodSettings = Field(MethodSettings(), description="what may answer, by sensitivity")
    proof: ProofSettings = Field(ProofSettings(), description="which workload tokens count as a proof")

    @field_validator("url")
    @classmethod
    def is_url(cls, url: str) -> str:
        """Refuse what no broker could call."""
        if url and not URL.fullmatch(url):
            raise ValueError("must be an http or https URL, without a query")
        return url.rstrip("/")

    def terms(self) -> Terms:
        """What it compiles to."""
        named = self.methods
        methods: dict[Sensitivity, Methods] = {
            "low": named.low,
            "medium": named.medium,
            "high": named.high,
            "critical": named.critical,
        }
        return Terms(methods=methods, **self.model_dump(exclude={"methods", "proof"}))
