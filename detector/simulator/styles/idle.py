"""Small and idle: few requests, long silences, and logs that say only what they must."""

from __future__ import annotations

from typing import Final

from detector.simulator.styles.style import EXAMPLE_FIELDS, ResourceKind, Style
from detector.simulator.styles.words import GAME, PARTS, RO, RW, SHOP

IDLE: Final = Style(
    name="small-idle",
    fields=EXAMPLE_FIELDS,
    words=SHOP + GAME,
    parts=PARTS,
    app_name="{code}-{word}",
    org="harbour",
    environments=(("prod", 0.75), ("test", 0.25)),
    applications=(6, 9),
    requesters=(60, 75),
    roles={
        "service": 0.36,
        "cron": 0.26,
        "ci_hosted": 0.08,
        "ci_own": 0.04,
        "agent": 0.06,
        "partner": 0.08,
        "operator": 0.12,
    },
    names={
        "service": ("{app}-{role}.{env}",),
        "cron": ("{app}-{role}-nightly.{env}",),
        "ci_hosted": ("gitlab:{org}/{app}/{role}",),
        "ci_own": ("jenkins-{app}-{role}",),
        "agent": ("bot-{app}-{role}",),
        "partner": ("ext-{app}-{role}",),
        "operator": ("adm-{role}-{app}",),
    },
    kinds=(
        ResourceKind(
            issuer="bao:{env}/pki",
            resource="pki/issue/{app}-{part}-{verb}",
            surface="api",
            dialect="vault",
            lifetimes=(3600, 86400),
            weight=1.0,
            verbs=RO,
        ),
        ResourceKind(
            issuer="bao:{env}/db",
            resource="db/creds/{app}/{part}/{verb}",
            surface="sql",
            dialect="vault",
            lifetimes=(1800, 3600),
            weight=2.0,
            verbs=RO,
        ),
        ResourceKind(
            issuer="oauth:{env}",
            resource="scope:{app}.{part}.{verb}",
            surface="api",
            dialect="native",
            lifetimes=(900, 3600),
            weight=2.0,
            verbs=RW,
        ),
    ),
    rate_median=2.2,
    rate_sigma=1.5,
    redeploy_days=14.0,
    subnets="192.168",
    nat=True,
    regions=("home",),
    agents=("curl/8.5", "python-requests/2.31"),
    offset_hours=9.0,
    tasks="ticket-{n}",
    chain=("agent:dispatcher",),
    dormant=0.18,
    novelty=0.7,
    evenness=1.6,
    upheavals=7,
    lifecycle=False,
)
