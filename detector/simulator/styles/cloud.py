"""Cloud roles assumed by session, one account an environment, coarse application names."""

from __future__ import annotations

from typing import Final

from detector.simulator.styles.style import FULL_FIELDS, ResourceKind, Style
from detector.simulator.styles.words import BANK, CLOUD_ROLES, PARTS, PLAIN

CLOUD: Final = Style(
    name="cloud-role",
    fields=(FULL_FIELDS - {"task", "purpose", "workload", "network", "consumer"}),
    words=BANK,
    parts=PARTS,
    app_name="{word}-{code}",
    org="meridian",
    environments=(("prd", 0.6), ("uat", 0.25), ("dev", 0.15)),
    applications=(12, 18),
    requesters=(90, 120),
    roles={
        "service": 0.50,
        "cron": 0.18,
        "ci_hosted": 0.14,
        "ci_own": 0.03,
        "agent": 0.02,
        "partner": 0.05,
        "operator": 0.08,
    },
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
        ResourceKind(
            issuer="sts:{acct}",
            resource="arn:aws:iam::{acct}:role/{app}-{part}-{verb}",
            surface="bucket",
            dialect="cloudtrail",
            lifetimes=(900, 3600, 3600, 3600, 7200),
            weight=5.0,
            verbs=CLOUD_ROLES,
        ),
        ResourceKind(
            issuer="sts:{acct}",
            resource="arn:aws:iam::{acct}:role/shared/{part}-{app}-{verb}",
            surface="queue",
            dialect="cloudtrail",
            lifetimes=(3600, 3600, 43200),
            weight=1.0,
            verbs=CLOUD_ROLES,
        ),
        ResourceKind(
            issuer="token:https://login.meridian.example",
            resource="api://{app}/{part}.{verb}",
            surface="api",
            dialect="native",
            lifetimes=(3600, 3599),
            weight=1.5,
            verbs=PLAIN,
        ),
    ),
    rate_median=2.6,
    rate_sigma=1.4,
    redeploy_days=7.0,
    subnets="172.{env_low}",
    nat=False,
    regions=("us-east-1", "us-west-2", "eu-west-1"),
    agents=("Boto3/1.34 md/Botocore", "aws-sdk-go-v2/1.30", "aws-cli/2.15", "aws-sdk-java/2.25"),
    offset_hours=-5.0,
    tasks="CHG{n}",
    chain=(),
    dormant=0.14,
    novelty=0.8,
    evenness=1.5,
    upheavals=8,
)
