"""A laboratory of agents: many delegate, wander widely and work in bursts."""

from __future__ import annotations

from typing import Final

from detector.simulator.styles.style import FULL_FIELDS, ResourceKind, Style
from detector.simulator.styles.words import LAB, PARTS, PLAIN, RO, RW

AGENTS: Final = Style(
    name="agents",
    fields=FULL_FIELDS - {"environment"},
    words=LAB,
    parts=PARTS,
    app_name="{word}{code}",
    org="corpuslab",
    environments=(("production", 0.6), ("preview", 0.25), ("research", 0.15)),
    applications=(8, 12),
    requesters=(70, 100),
    roles={
        "service": 0.28,
        "cron": 0.08,
        "ci_hosted": 0.10,
        "ci_own": 0.03,
        "agent": 0.38,
        "partner": 0.03,
        "operator": 0.10,
    },
    names={
        "service": ("svc/{app}.{role}",),
        "cron": ("svc/{app}.{role}.scheduled",),
        "ci_hosted": ("workflow/{org}/{app}/{role}/{run}",),
        "ci_own": ("builder/{app}/{role}/{pod}",),
        "agent": ("agent/{app}/{role}",),
        "partner": ("client/{app}-{role}",),
        "operator": ("notebook/{role}/{app}",),
    },
    kinds=(
        ResourceKind(
            issuer="token:https://tokens.corpuslab.example/{env}",
            resource="{part}:{app}:{verb}",
            surface="api",
            dialect="native",
            lifetimes=(300, 600, 900, 3600),
            weight=4.0,
            verbs=RW,
        ),
        ResourceKind(
            issuer="spire:corpuslab",
            resource="datasets/{app}/{part}#{verb}",
            surface="bucket",
            dialect="native",
            lifetimes=(1800, 3600),
            weight=2.0,
            verbs=PLAIN,
        ),
        ResourceKind(
            issuer="vault:research/secrets",
            resource="secret/data/{app}/{part}/{verb}",
            surface="secret",
            dialect="vault",
            lifetimes=(3600, 14400),
            weight=1.5,
            verbs=RO,
        ),
    ),
    rate_median=4.5,
    rate_sigma=1.2,
    redeploy_days=2.5,
    subnets="100.{env_wide}",
    nat=True,
    regions=("us-central1", "europe-west4"),
    agents=("python-httpx/0.27", "openai-agents/0.2", "langgraph/0.2", "Go-http-client/1.1"),
    offset_hours=-8.0,
    tasks="run_{n}",
    chain=("agent/orchestrator", "agent/planner"),
    dormant=0.08,
    novelty=1.6,
    evenness=1.2,
    upheavals=8,
)
