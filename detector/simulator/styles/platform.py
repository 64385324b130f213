"""A platform team's brokers: few issuers for everything, resources whose names do not say with what privilege."""

from __future__ import annotations

from typing import Final

from detector.simulator.styles.style import FULL_FIELDS, ResourceKind, Style
from detector.simulator.styles.words import BANK, PARTS, RO, RW

PLATFORM: Final = Style(
    name="platform",
    fields=FULL_FIELDS - {"network", "actions", "renewal"},
    words=BANK,
    parts=PARTS,
    app_name="{word}",
    org="lindqvist",
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
        "service": ("{env}.{app}.{role}",),
        "cron": ("{env}.{app}.{role}.schedule",),
        "ci_hosted": ("project_path:{org}/{app}-{role}:ref_type:branch:ref:main",),
        "ci_own": ("{env}.builders.{app}-{role}.{runner}",),
        "agent": ("{env}.assistants.{app}-{role}",),
        "partner": ("client:{app}-{role}",),
        "operator": ("desk:{role}:{app}",),
    },
    kinds=(
        ResourceKind(
            issuer="broker:{env}",
            resource="{env}/{app}/{part}",
            surface="sql",
            dialect="native",
            lifetimes=(900, 900, 3600),
            weight=3.0,
            verbs=RO,
        ),
        ResourceKind(
            issuer="broker:{env}",
            resource="{env}/buckets/{app}-{part}",
            surface="bucket",
            dialect="native",
            lifetimes=(1800, 3600),
            weight=2.0,
            verbs=RW,
        ),
        ResourceKind(
            issuer="spire:{env}",
            resource="spiffe://{env}/{app}/{part}",
            surface="api",
            dialect="native",
            lifetimes=(300, 600),
            weight=1.0,
            verbs=RW,
        ),
    ),
    rate_median=3.2,
    rate_sigma=1.35,
    redeploy_days=9.0,
    subnets="10.{env_octet}",
    nat=False,
    regions=("north-1", "north-2"),
    agents=("broker-client/3.4", "python-requests/2.32", "okhttp/4.12"),
    offset_hours=2.0,
    tasks="chg{n}",
    chain=("agent:foreman",),
    dormant=0.14,
    novelty=0.8,
    evenness=1.8,
    upheavals=8,
)
