"""Styles of organisation, as data: what they run, how they name it, and what their logs say.

A style is not a seed: two seeds of one style share their habits of naming and
logging, two styles share nothing but the words of the contract. Placeholders:
`{org} {env} {app} {part} {verb} {role} {acct} {cluster}` are filled once,
`{run} {pod} {runner}` for every request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from detector.simulator.model import Role, Surface

EXAMPLE_FIELDS: Final = frozenset(
    {"actions", "privilege", "ttl", "ip", "environment", "task", "chain", "break_glass", "expires"}
)
FULL_FIELDS: Final = EXAMPLE_FIELDS | {
    "network", "region", "user_agent", "workload", "consumer", "authentication",
    "purpose", "sensitivity", "renewal",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceKind:
    """A family of resources: who issues for it, what it is called, how long it lives."""

    issuer: str
    resource: str
    surface: Surface
    dialect: str
    lifetimes: tuple[int, ...]
    weight: float = 1.0
    verbs: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """Everything that sets one kind of organisation apart. Ranges are (low, high)."""

    name: str
    fields: frozenset[str]
    words: tuple[str, ...]
    parts: tuple[str, ...]
    app_name: str
    org: str
    environments: tuple[tuple[str, float], ...]
    applications: tuple[int, int]
    requesters: tuple[int, int]
    roles: Mapping[Role, float]
    names: Mapping[Role, tuple[str, ...]]
    kinds: tuple[ResourceKind, ...]
    rate_median: float
    rate_sigma: float
    redeploy_days: float
    subnets: str
    nat: bool
    regions: tuple[str, ...]
    agents: tuple[str, ...]
    offset_hours: float
    tasks: str
    chain: tuple[str, ...]
    dormant: float
    novelty: float
    evenness: float
    upheavals: int
    lifecycle: bool = True


_RW: Final = {"read": "read", "write": "write", "admin": "admin"}
_RO: Final = {"read": "ro", "write": "rw", "admin": "owner"}
_CLOUD: Final = {"read": "ReadOnly", "write": "Deploy", "admin": "Administrator"}
_PLAIN: Final = {"read": "viewer", "write": "editor", "admin": "admin"}

_SHOP: Final = (
    "checkout", "catalog", "search", "ledger", "billing", "refunds", "invoices", "stock", "pricing",
    "basket", "shipping", "returns", "loyalty", "reviews", "gateway", "fraud", "emails", "media",
)
_BANK: Final = (
    "cards", "sepa", "kyc", "limits", "treasury", "statements", "mandates", "fx", "risk", "onboarding",
    "vaulting", "disputes", "clearing", "rates", "reporting", "archive", "notify", "scoring",
)
_LAB: Final = (
    "ingest", "features", "training", "registry", "notebooks", "labels", "inference", "eval", "crawler",
    "embeddings", "router", "planner", "memory", "tools", "sandbox", "retrieval", "datasets", "traces",
)
_GAME: Final = (
    "lobby", "match", "inventory", "chat", "friends", "rank", "telemetry", "store", "patcher", "anticheat",
    "voice", "presence", "events", "guilds", "replay", "assets", "wallet", "news",
)
_PARTS: Final = (
    "api", "worker", "db", "cache", "queue", "reports", "exports", "config", "sync", "media", "events",
    "index", "jobs", "hooks", "auth", "batch", "stream", "audit", "backup", "uploads",
)

VAULT: Final = Style(
    name="vault", fields=FULL_FIELDS - {"network", "region", "sensitivity"}, words=_SHOP, parts=_PARTS,
    app_name="{word}", org="acme", environments=(("prod", 0.68), ("staging", 0.22), ("dev", 0.10)),
    applications=(9, 14), requesters=(80, 110),
    roles={"service": 0.46, "cron": 0.15, "ci_hosted": 0.08, "ci_own": 0.08, "agent": 0.07,
           "partner": 0.05, "operator": 0.11},
    names={
        "service": ("spiffe://{env}/{app}/{role}",), "cron": ("spiffe://{env}/{app}/cron-{role}",),
        "ci_hosted": ("repo:{org}/{app}-{role}:ref:refs/heads/main",),
        "ci_own": ("spiffe://{env}/ci/{app}-{role}/runner-{runner}",),
        "agent": ("agent:{app}-{role}",), "partner": ("partner:{app}-{role}",),
        "operator": ("tool:{role}@{app}.{org}",),
    },
    kinds=(
        ResourceKind(issuer="vault:{env}/aws", resource="aws/creds/{app}-{part}-{verb}", surface="bucket",
                     dialect="vault", lifetimes=(900, 1800, 3600), weight=3.0, verbs=_RW),
        ResourceKind(issuer="vault:{env}/database", resource="database/creds/{app}-{part}-{verb}",
                     surface="sql", dialect="vault", lifetimes=(3600, 7200), weight=3.0, verbs=_RO),
        ResourceKind(issuer="vault:{env}/kubernetes", resource="kubernetes/creds/{app}-{part}-{verb}",
                     surface="cluster", dialect="vault", lifetimes=(600, 1200), weight=1.0, verbs=_RW),
        ResourceKind(issuer="sts:481200017364", resource="arn:aws:iam::481200017364:role/{app}-{part}-{verb}",
                     surface="bucket", dialect="cloudtrail", lifetimes=(3600,), weight=1.0, verbs=_RW),
    ),
    rate_median=4.0, rate_sigma=1.25, redeploy_days=4.0, subnets="10.{env_octet}", nat=True,
    regions=("eu-west-1", "eu-central-1"), agents=("vault-agent/1.15", "Go-http-client/2.0", "hvac/2.1"),
    offset_hours=1.0, tasks="deploy-{n}", chain=("agent:orchestrator",), dormant=0.10, novelty=1.0,
    evenness=2.0, upheavals=9,
)
CLOUD: Final = Style(
    name="cloud-role", fields=(FULL_FIELDS - {"task", "purpose", "workload", "network", "consumer"}),
    words=_BANK, parts=_PARTS, app_name="{word}-{code}", org="meridian",
    environments=(("prd", 0.6), ("uat", 0.25), ("dev", 0.15)), applications=(12, 18), requesters=(90, 120),
    roles={"service": 0.50, "cron": 0.18, "ci_hosted": 0.14, "ci_own": 0.03, "agent": 0.02,
           "partner": 0.05, "operator": 0.08},
    names={
        "service": ("arn:aws:sts::{acct}:assumed-role/{app}-{role}-{env}/i-0{pod}",),
        "cron": ("arn:aws:sts::{acct}:assumed-role/{app}-batch-{role}-{env}/{run}",),
        "ci_hosted": ("arn:aws:sts::{acct}:assumed-role/gha-{app}-{role}/GitHubActions-{run}",),
        "ci_own": ("arn:aws:sts::{acct}:assumed-role/buildkite-{app}-{role}/agent-{run}",),
        "agent": ("arn:aws:sts::{acct}:assumed-role/assistant-{app}-{role}/session-{run}",),
        "partner": ("arn:aws:iam::{acct}:user/ext-{app}-{role}",),
        "operator": ("arn:aws:sts::{acct}:assumed-role/ops-{app}-{role}/{role}.{run}",),
    },
    kinds=(
        ResourceKind(issuer="sts:{acct}", resource="arn:aws:iam::{acct}:role/{app}-{part}-{verb}",
                     surface="bucket", dialect="cloudtrail", lifetimes=(900, 3600, 3600, 3600, 7200),
                     weight=5.0, verbs=_CLOUD),
        ResourceKind(issuer="sts:{acct}", resource="arn:aws:iam::{acct}:role/shared/{part}-{app}-{verb}",
                     surface="queue", dialect="cloudtrail", lifetimes=(3600, 3600, 43200), weight=1.0,
                     verbs=_CLOUD),
        ResourceKind(issuer="token:https://login.meridian.example", resource="api://{app}/{part}.{verb}",
                     surface="api", dialect="native", lifetimes=(3600, 3599), weight=1.5, verbs=_PLAIN),
    ),
    rate_median=2.6, rate_sigma=1.4, redeploy_days=7.0, subnets="172.{env_low}", nat=False,
    regions=("us-east-1", "us-west-2", "eu-west-1"),
    agents=("Boto3/1.34 md/Botocore", "aws-sdk-go-v2/1.30", "aws-cli/2.15", "aws-sdk-java/2.25"),
    offset_hours=-5.0, tasks="CHG{n}", chain=(), dormant=0.14, novelty=0.8, evenness=1.5, upheavals=9,
)
KUBERNETES: Final = Style(
    name="kubernetes", fields=FULL_FIELDS - {"purpose", "region", "renewal", "sensitivity"}, words=_GAME,
    parts=_PARTS, app_name="{word}", org="nimbus",
    environments=(("live", 0.62), ("stage", 0.26), ("lab", 0.12)), applications=(8, 12),
    requesters=(70, 100),
    roles={"service": 0.52, "cron": 0.16, "ci_hosted": 0.05, "ci_own": 0.10, "agent": 0.08,
           "partner": 0.02, "operator": 0.07},
    names={
        "service": ("system:serviceaccount:{app}-{env}:{role}",),
        "cron": ("system:serviceaccount:{app}-{env}:{role}-cron",),
        "ci_hosted": ("system:serviceaccount:ci-{env}:hosted-{app}-{role}",),
        "ci_own": ("system:serviceaccount:ci-{env}:{app}-{role}-runner",),
        "agent": ("system:serviceaccount:agents-{env}:{app}-{role}",),
        "partner": ("oidc:{app}-{role}@partner.example",),
        "operator": ("system:serviceaccount:platform-{env}:{app}-{role}-operator",),
    },
    kinds=(
        ResourceKind(issuer="kubernetes:{cluster}-{env}", resource="{app}-{env}/{part}-{verb}",
                     surface="cluster", dialect="kubernetes", lifetimes=(600, 3600, 3607), weight=5.0,
                     verbs=_PLAIN),
        ResourceKind(issuer="vault:{cluster}/kv", resource="kv/data/{env}/{app}/{part}-{verb}",
                     surface="secret", dialect="vault", lifetimes=(1800, 86400), weight=2.0, verbs=_RO),
        ResourceKind(issuer="token:https://id.nimbus.example", resource="urn:nimbus:{app}:{part}:{verb}",
                     surface="api", dialect="native", lifetimes=(300, 900), weight=1.5, verbs=_RW),
    ),
    rate_median=4.5, rate_sigma=1.1, redeploy_days=1.6, subnets="10.244", nat=False,
    regions=("fsn1", "hel1"), agents=("kubelet/v1.30", "kube-controller-manager/v1.30", "argocd/2.11",
                                      "Go-http-client/2.0"),
    offset_hours=2.0, tasks="job/{n}", chain=("mesh:istio",), dormant=0.08, novelty=0.9, evenness=2.5,
    upheavals=10,
)
AGENTS: Final = Style(
    name="agents", fields=FULL_FIELDS - {"environment"}, words=_LAB, parts=_PARTS,
    app_name="{word}{code}", org="corpuslab",
    environments=(("production", 0.6), ("preview", 0.25), ("research", 0.15)), applications=(8, 12),
    requesters=(70, 100),
    roles={"service": 0.28, "cron": 0.08, "ci_hosted": 0.10, "ci_own": 0.03, "agent": 0.38,
           "partner": 0.03, "operator": 0.10},
    names={
        "service": ("svc/{app}.{role}",), "cron": ("svc/{app}.{role}.scheduled",),
        "ci_hosted": ("workflow/{org}/{app}/{role}/{run}",), "ci_own": ("builder/{app}/{role}/{pod}",),
        "agent": ("agent/{app}/{role}",), "partner": ("client/{app}-{role}",),
        "operator": ("notebook/{role}/{app}",),
    },
    kinds=(
        ResourceKind(issuer="token:https://tokens.corpuslab.example/{env}", resource="{part}:{app}:{verb}",
                     surface="api", dialect="native", lifetimes=(300, 600, 900, 3600), weight=4.0, verbs=_RW),
        ResourceKind(issuer="spire:corpuslab", resource="datasets/{app}/{part}#{verb}", surface="bucket",
                     dialect="native", lifetimes=(1800, 3600), weight=2.0, verbs=_PLAIN),
        ResourceKind(issuer="vault:research/secrets", resource="secret/data/{app}/{part}/{verb}",
                     surface="secret", dialect="vault", lifetimes=(3600, 14400), weight=1.5, verbs=_RO),
    ),
    rate_median=4.5, rate_sigma=1.2, redeploy_days=2.5, subnets="100.{env_wide}", nat=True,
    regions=("us-central1", "europe-west4"),
    agents=("python-httpx/0.27", "openai-agents/0.2", "langgraph/0.2", "Go-http-client/1.1"),
    offset_hours=-8.0, tasks="run_{n}", chain=("agent/orchestrator", "agent/planner"), dormant=0.08,
    novelty=1.6, evenness=1.2, upheavals=9,
)
IDLE: Final = Style(
    name="small-idle", fields=EXAMPLE_FIELDS, words=_SHOP + _GAME, parts=_PARTS, app_name="{code}-{word}",
    org="harbour", environments=(("prod", 0.75), ("test", 0.25)), applications=(6, 9), requesters=(60, 75),
    roles={"service": 0.36, "cron": 0.26, "ci_hosted": 0.08, "ci_own": 0.04, "agent": 0.06,
           "partner": 0.08, "operator": 0.12},
    names={
        "service": ("{app}-{role}.{env}",), "cron": ("{app}-{role}-nightly.{env}",),
        "ci_hosted": ("gitlab:{org}/{app}/{role}",), "ci_own": ("jenkins-{app}-{role}",),
        "agent": ("bot-{app}-{role}",), "partner": ("ext-{app}-{role}",), "operator": ("adm-{role}-{app}",),
    },
    kinds=(
        ResourceKind(issuer="bao:{env}/pki", resource="pki/issue/{app}-{part}-{verb}", surface="api",
                     dialect="vault", lifetimes=(3600, 86400), weight=1.0, verbs=_RO),
        ResourceKind(issuer="bao:{env}/db", resource="db/creds/{app}/{part}/{verb}", surface="sql",
                     dialect="vault", lifetimes=(1800, 3600), weight=2.0, verbs=_RO),
        ResourceKind(issuer="oauth:{env}", resource="scope:{app}.{part}.{verb}", surface="api",
                     dialect="native", lifetimes=(900, 3600), weight=2.0, verbs=_RW),
    ),
    rate_median=2.2, rate_sigma=1.5, redeploy_days=14.0, subnets="192.168", nat=True, regions=("home",),
    agents=("curl/8.5", "python-requests/2.31"), offset_hours=9.0, tasks="ticket-{n}",
    chain=("agent:dispatcher",), dormant=0.18, novelty=0.7, evenness=1.6, upheavals=7, lifecycle=False,
)

STYLES: Final[Mapping[str, Style]] = {s.name: s for s in (VAULT, CLOUD, KUBERNETES, AGENTS, IDLE)}
