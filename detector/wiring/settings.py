"""What an operator may write in the configuration file, with its defaults: the one schema.

Every key has a description, which the commented example, the README's table and
`assayer config check` are made of. An unknown key is an error, so that a typo
never silently leaves a default in force. `Settings.policy()` is what we compile
from it: the part that can change an answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from detector.engine.policy import GlassPolicy, Mode, Policy, RulePolicy, Thresholds
from detector.engine.redaction import checked as redactable
from detector.events import Sensitivity
from detector.evidence import EvidenceModel
from detector.features.identity import DEFAULT_IDENTITY_RULES, Identities, IdentityRule
from detector.features.sensitivity import DEFAULT_SENSITIVITY_RULES, SensitivityRule
from detector.rules import Goal
from detector.wiring.listeners import SignalSettings
from detector.wiring.model import read_model, shipped_model
from detector.wiring.section import Nats, Positive, Seconds, Section, Share
from detector.wiring.step_ups import StepUpSettings

ENVIRONMENT_PREFIX: Final = "ASSAYER_"
ENVIRONMENT_DELIMITER: Final = "__"

DEFAULTS: Final = Policy()


class ServerSettings(Section):
    """Where `assayer serve` listens and keeps its log."""

    host: str = Field("127.0.0.1", min_length=1, description="address to listen on")
    port: int = Field(8181, ge=0, le=65_535, description="port to listen on; 0 takes a free one")
    data: Path = Field(Path("assayer-data"), description="directory of the log, its snapshots and tokens")


class ThresholdSettings(Section):
    """When a request is stepped up, and when denied. From here the budgets move both."""

    step_up: Nats = Field(
        DEFAULTS.thresholds.step_up,
        description="evidence, in nats, that steps a request up; followed by the budget",
    )
    deny: Nats = Field(
        DEFAULTS.thresholds.deny,
        description="accumulated risk, in nats, from which a step-up is a deny; followed by the budget",
    )


class PolicySettings(Section):
    """How answers are decided, for every issuer without a section of its own."""

    mode: Mode = Field(
        DEFAULTS.mode,
        description='"enforce" answers the verdict; "shadow" answers allow and records what it would have said; '
        '"observe" never raises a rule either',
    )
    decision_deadline_seconds: Seconds = Field(
        DEFAULTS.decision_deadline_seconds,
        description="how long an issuance may follow the decision that it belongs to",
    )
    tighten: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] = Field(
        DEFAULTS.tighten,
        description="nats that the step-up threshold gives for each standard deviation by which more is at stake",
    )
    thresholds: ThresholdSettings = Field(ThresholdSettings(), description="where the thresholds start")
    step_up_budget: Share = Field(
        DEFAULTS.step_up_budget,
        description="share of legitimate requests stepped up; 0 leaves the threshold where it is set",
    )
    false_deny_budget: Share = Field(
        DEFAULTS.false_deny_budget,
        description="share of healthy requesters ever denied in a year; 0 leaves the threshold where it is set",
    )


class IssuerSettings(Section):
    """One issuer's own choices; what is left out is as in `policy`."""

    mode: Mode | None = Field(None, description="this issuer's mode")
    step_up: Nats | None = Field(None, description="this issuer's own step-up threshold, in nats; no budget moves it")
    deny: Nats | None = Field(None, description="this issuer's own deny threshold, in nats of accumulated risk")


class ModelSettings(Section):
    """How evidence combines, and what it is worth as a probability."""

    file: str = Field("", description="a fitted model, as `assayer train` writes it; empty for the one that is shipped")
    base_rate: float = Field(
        DEFAULTS.model.base_rate,
        gt=0,
        lt=1,
        description="share of events that are abuse, as `risk` is to take it; no verdict depends on it",
    )

    @field_validator("file")
    @classmethod
    def readable(cls, file: str) -> str:
        """Refuse a file that holds no model."""
        if file:
            read_model(Path(file))
        return file

    def in_force(self) -> EvidenceModel:
        """The model that the engine weighs with."""
        model = read_model(Path(self.file)) if self.file else shipped_model()
        return replace(model, base_rate=self.base_rate)


class RuleSettings(Section):
    """Deny rules that the engine raises by itself."""

    raise_at: Nats = Field(
        DEFAULTS.rules.raise_at, description="accumulated risk of a requester, in nats, that raises a rule"
    )
    lifetime_seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        DEFAULTS.rules.lifetime_seconds, description="a raised rule's mandatory expiry"
    )
    mode: Goal = Field(
        DEFAULTS.rules.mode,
        description='how far a raised rule goes by itself: "shadow" only counts what it matches, "enforced" denies it '
        "once backtest, shadow and canary have gone well",
    )
    collateral_limit: Share = Field(
        DEFAULTS.rules.collateral_limit,
        description="share of a requester's own grants that a rule may have hit without need, in its backtest",
    )
    backtest_seconds: Positive = Field(
        DEFAULTS.rules.backtest_seconds, description="how far back the log's history is folded under a rule"
    )
    shadow_seconds: Seconds = Field(
        DEFAULTS.rules.shadow_seconds, description="how long a rule that goes on to deny only counts"
    )
    canary_seconds: Seconds = Field(
        DEFAULTS.rules.canary_seconds, description="how long it then denies a share of what it matches"
    )
    canary_share: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = Field(
        DEFAULTS.rules.canary_share, description="that share; which requests it takes follows from their ids"
    )


class GlassSettings(Section):
    """What a broken glass (`break_glass`) lets pass."""

    window_seconds: Positive = Field(
        DEFAULTS.break_glass.window_seconds, description="how long a broken glass lets its requester past every verdict"
    )
    unreviewed: int = Field(
        DEFAULTS.break_glass.unreviewed,
        ge=0,
        description="unreviewed windows of a requester past which a broken glass is judged like any request",
    )


class RequesterSettings(Section):
    """One requester's own choices, under its canonical name."""

    mode: Mode = Field(description="this requester's mode; it goes over its issuer's")


class IdentityPattern(Section):
    """One way in which raw names fold into one requester."""

    name: str = Field(min_length=1, description="what `assayer explain` calls this rule")
    pattern: str = Field(min_length=1, description="regular expression on the raw name")
    replacement: str = Field(description="the canonical name; may refer to groups")

    @field_validator("pattern")
    @classmethod
    def compiles(cls, pattern: str) -> str:
        """Refuse what is no regular expression."""
        return checked_pattern(pattern)

    @model_validator(mode="after")
    def folds(self) -> Self:
        """Refuse what would match every name, and a replacement that refers to a group the pattern lacks."""
        Identities([self.rule()])
        return self

    def rule(self) -> IdentityRule:
        """What it compiles to."""
        return IdentityRule(name=self.name, pattern=self.pattern, replacement=self.replacement)


class IdentitySettings(Section):
    """How raw names fold into canonical requesters: ordered, first match wins."""

    defaults: bool = Field(default=True, description="try the built-in patterns after yours; false replaces them")
    patterns: tuple[IdentityPattern, ...] = Field((), description="your patterns, in the order they are tried")


class SensitivityPattern(Section):
    """One family of resources and how much is at stake with it."""

    pattern: str = Field(min_length=1, description="regular expression on the resource")
    level: Sensitivity = Field(description="low, medium, high or critical")

    @field_validator("pattern")
    @classmethod
    def compiles(cls, pattern: str) -> str:
        """Refuse what is no regular expression."""
        return checked_pattern(pattern)


class SensitivitySettings(Section):
    """How sensitive a resource is where its event does not say: ordered, first match wins."""

    defaults: bool = Field(default=True, description="try the built-in patterns after yours; false replaces them")
    patterns: tuple[SensitivityPattern, ...] = Field((), description="your patterns, in the order they are tried")


class LearningSettings(Section):
    """What is allowed to teach, and when."""

    quarantine_seconds: Seconds = Field(
        DEFAULTS.quarantine_seconds, description="how long something issued waits before it teaches the baselines"
    )
    flagged_quarantine_seconds: Seconds = Field(
        DEFAULTS.flagged_quarantine_seconds,
        description="how long something flagged waits for its outcome before it teaches all the same",
    )


class LimitSettings(Section):
    """What one caller may ask of the server; generous for an honest broker, finite for everybody."""

    request_bytes: int = Field(1_048_576, ge=1_024, description="largest body of a request other than events")
    events_bytes: int = Field(33_554_432, ge=1_024, description="largest body of events, as sent and when unpacked")
    batch_items: int = Field(1_000, ge=1, description="most grant requests in one batch")
    requests_per_second: Seconds = Field(10_000.0, description="requests a second from one caller; 0 does not limit")
    failures_per_minute: Seconds = Field(60.0, description="refused tokens a minute from one caller; 0 does not limit")
    concurrent_requests: int = Field(1_024, ge=1, description="requests in progress at once, from everybody")
    durable_deadline_seconds: Seconds = Field(
        0.15, description='how long an answer waits for the disk before it says `"recorded": false`'
    )


class LogSettings(Section):
    """What the server writes to standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="least severe level written")
    format: Literal["auto", "json", "text"] = Field("auto", description='"auto" is text on a terminal, JSON elsewhere')


class RedactionSettings(Section):
    """What is hashed with a key before anything is weighed or written."""

    fields: tuple[str, ...] = Field(
        (), description='fields of native events, as `["purpose", "source.ip", "attributes.ticket"]`'
    )

    @field_validator("fields")
    @classmethod
    def possible(cls, fields: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse what nothing could be decided without."""
        return tuple(redactable(field) for field in fields)


class RetentionSettings(Section):
    """How long the log keeps what it was told."""

    days: Seconds = Field(
        0.0, description="entries older than this are forgotten, their hashes kept; 0 keeps everything"
    )


class Settings(BaseSettings):
    """The whole configuration file."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        validate_default=True,
        env_prefix=ENVIRONMENT_PREFIX,
        env_nested_delimiter=ENVIRONMENT_DELIMITER,
        nested_model_default_partial_update=True,
    )

    server: ServerSettings = Field(ServerSettings(), description="where the server listens and keeps its log")
    policy: PolicySettings = Field(PolicySettings(), description="how answers are decided")
    issuers: Mapping[str, IssuerSettings] = Field({}, description="what one issuer does differently")
    requesters: Mapping[str, RequesterSettings] = Field({}, description="what one requester does differently")
    model: ModelSettings = Field(ModelSettings(), description="how evidence combines")
    rules: RuleSettings = Field(RuleSettings(), description="deny rules that are raised automatically")
    break_glass: GlassSettings = Field(GlassSettings(), description="emergencies that go past every verdict")
    step_up: StepUpSettings = Field(StepUpSettings(), description="how a step-up goes on")
    identity: IdentitySettings = Field(IdentitySettings(), description="folding raw names into requesters")
    sensitivity: SensitivitySettings = Field(SensitivitySettings(), description="how sensitive resources are")
    learning: LearningSettings = Field(LearningSettings(), description="what may teach, and when")
    limits: LimitSettings = Field(LimitSettings(), description="what one caller may ask of the server")
    redaction: RedactionSettings = Field(RedactionSettings(), description="what is never kept in clear")
    retention: RetentionSettings = Field(RetentionSettings(), description="how long the log keeps what it was told")
    signals: SignalSettings = Field(SignalSettings(), description="what is announced to others")
    log: LogSettings = Field(LogSettings(), description="what the server writes to standard error")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `files.load` merged: it reads the environment itself, so that it can name a wrong variable."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    @model_validator(mode="after")
    def shipped_model_is_whole(self) -> Self:
        """Refuse to run on a shipped model that somebody changed; one of the operator's own was looked at already."""
        if not self.model.file:
            shipped_model()
        return self

    @model_validator(mode="after")
    def receivers_recognise_credentials(self) -> Self:
        """Refuse to tell receivers of credentials by a mark that only we can read."""
        hashed = {"credential", "renewal_of"}.intersection(self.redaction.fields)
        if hashed and self.signals.names_credentials:
            raise ValueError(
                f"redaction.fields: {min(hashed)} cannot be redacted where credentials are announced (signals):"
                " receivers could not tell which is meant"
            )
        return self

    def issuer_thresholds(self) -> dict[str, Thresholds]:
        """Thresholds of each issuer that has its own, completed from the general ones."""
        general = Thresholds(step_up=self.policy.thresholds.step_up, deny=self.policy.thresholds.deny)
        return {
            name: replace(
                general,
                step_up=general.step_up if issuer.step_up is None else issuer.step_up,
                deny=general.deny if issuer.deny is None else issuer.deny,
            )
            for name, issuer in self.issuers.items()
            if issuer.step_up is not None or issuer.deny is not None
        }

    def policy_in_force(self) -> Policy:
        """What the engine decides by."""
        identity = tuple(pattern.rule() for pattern in self.identity.patterns)
        sensitivity = tuple(SensitivityRule(item.pattern, item.level) for item in self.sensitivity.patterns)
        return Policy(
            mode=self.policy.mode,
            issuer_modes={name: issuer.mode for name, issuer in self.issuers.items() if issuer.mode is not None},
            requester_modes={name: requester.mode for name, requester in self.requesters.items()},
            thresholds=Thresholds(step_up=self.policy.thresholds.step_up, deny=self.policy.thresholds.deny),
            issuer_thresholds=self.issuer_thresholds(),
            step_up_budget=self.policy.step_up_budget,
            false_deny_budget=self.policy.false_deny_budget,
            tighten=self.policy.tighten,
            rules=RulePolicy(**self.rules.model_dump()),
            break_glass=GlassPolicy(**self.break_glass.model_dump()),
            identity=identity + (DEFAULT_IDENTITY_RULES if self.identity.defaults else ()),
            sensitivity=sensitivity + (DEFAULT_SENSITIVITY_RULES if self.sensitivity.defaults else ()),
            quarantine_seconds=self.learning.quarantine_seconds,
            flagged_quarantine_seconds=self.learning.flagged_quarantine_seconds,
            model=self.model.in_force(),
            decision_deadline_seconds=self.policy.decision_deadline_seconds,
            task_timeout_seconds=self.signals.task_timeout_seconds,
        )


def checked_pattern(pattern: str) -> str:
    """The pattern itself; raises `ValueError` where it is no regular expression."""
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
    return pattern
