"""Service accounts and TokenRequests, quick redeploys, a mesh in some chains."""

from __future__ import annotations

from typing import Final

from detector.simulator.styles.style import FULL_FIELDS, ResourceKind, Style
from detector.simulator.styles.words import GAME, PARTS, PLAIN, RO, RW

KUBERNETES: Final = Style(
    name="kubernetes",
    fields=FULL_FIELDS - {"purpose", "region", "renewal", "sensitivity"},
    words=GAME,
    parts=PARTS,
    app_name="{word}",
    org="nimbus",
    environments=(("live", 0.62), ("stage", 0.26), ("lab", 0.12)),
    applications=(8, 12),
    requesters=(70, 100),
    roles={
        "service": 0.52,
        "cron": 0.16,
        "ci_hosted": 0.05,
        "ci_own": 0.10,
        "agent": 0.08,
        "partner": 0.02,
        "operator": 0.07,
    },
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
        ResourceKind(
            issuer="kubernetes:{cluster}-{env}",
            resource="{app}-{env}/{part}-{verb}",
            surface="cluster",
            dialect="kubernetes",
            lifetimes=(600, 3600, 3607),
            weight=5.0,
            verbs=PLAIN,
        ),
        ResourceKind(
            issuer="vault:{cluster}/kv",
            resource="kv/data/{env}/{app}/{part}-{verb}",
            surface="secret",
            dialect="vault",
            lifetimes=(1800, 86400),
            weight=2.0,
            verbs=RO,
        ),
        ResourceKind(
            issuer="token:https://id.nimbus.example",
            resource="urn:nimbus:{app}:{part}:{verb}",
            surface="api",
            dialect="native",
            lifetimes=(300, 900),
            weight=1.5,
            verbs=RW,
        ),
    ),
    rate_median=4.5,
    rate_sigma=1.1,
    redeploy_days=1.6,
    subnets="10.244",
    nat=False,
    regions=("fsn1", "hel1"),
    agents=("kubelet/v1.30", "kube-controller-manager/v1.30", "argocd/2.11", "Go-http-client/2.0"),
    offset_hours=2.0,
    tasks="job/{n}",
    chain=("mesh:istio",),
    dormant=0.08,
    novelty=0.9,
    evenness=2.5,
    upheavals=8,
)
