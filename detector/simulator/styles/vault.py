"""Vault in front of everything, SPIFFE names, pods behind NAT."""

from __future__ import annotations

from typing import Final

from detector.simulator.styles.style import FULL_FIELDS, ResourceKind, Style
from detector.simulator.styles.words import PARTS, RO, RW, SHOP

VAULT: Final = Style(
    name="vault",
    fields=FULL_FIELDS - {"network", "region", "sensitivity"},
    words=SHOP,
    parts=PARTS,
    app_name="{word}",
    org="acme",
    environments=(("prod", 0.68), ("staging", 0.22), ("dev", 0.10)),
    applications=(9, 14),
    requesters=(80, 110),
    roles={
        "service": 0.46,
        "cron": 0.15,
        "ci_hosted": 0.08,
        "ci_own": 0.08,
        "agent": 0.07,
        "partner": 0.05,
        "operator": 0.11,
    },
    names={
        "service": ("spiffe://{env}/{app}/{role}",),
        "cron": ("spiffe://{env}/{app}/cron-{role}",),
        "ci_hosted": ("repo:{org}/{app}-{role}:ref:refs/heads/main",),
        "ci_own": ("spiffe://{env}/ci/{app}-{role}/runner-{runner}",),
        "agent": ("agent:{app}-{role}",),
        "partner": ("partner:{app}-{role}",),
        "operator": ("tool:{role}@{app}.{org}",),
    },
    kinds=(
        ResourceKind(
            issuer="vault:{env}/aws",
            resource="aws/creds/{app}-{part}-{verb}",
            surface="bucket",
            dialect="vault",
            lifetimes=(900, 1800, 3600),
            weight=3.0,
            verbs=RW,
        ),
        ResourceKind(
            issuer="vault:{env}/database",
            resource="database/creds/{app}-{part}-{verb}",
            surface="sql",
            dialect="vault",
            lifetimes=(3600, 7200),
            weight=3.0,
            verbs=RO,
        ),
        ResourceKind(
            issuer="vault:{env}/kubernetes",
            resource="kubernetes/creds/{app}-{part}-{verb}",
            surface="cluster",
            dialect="vault",
            lifetimes=(600, 1200),
            weight=1.0,
            verbs=RW,
        ),
        ResourceKind(
            issuer="sts:481200017364",
            resource="arn:aws:iam::481200017364:role/{app}-{part}-{verb}",
            surface="bucket",
            dialect="cloudtrail",
            lifetimes=(3600,),
            weight=1.0,
            verbs=RW,
        ),
    ),
    rate_median=4.0,
    rate_sigma=1.25,
    redeploy_days=4.0,
    subnets="10.{env_octet}",
    nat=True,
    regions=("eu-west-1", "eu-central-1"),
    agents=("vault-agent/1.15", "Go-http-client/2.0", "hvac/2.1"),
    offset_hours=1.0,
    tasks="deploy-{n}",
    chain=("agent:orchestrator",),
    dormant=0.10,
    novelty=1.0,
    evenness=2.0,
    upheavals=8,
)
