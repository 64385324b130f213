"""A small organisation for the command line's tests: one runner with a habit, and its thief."""

from __future__ import annotations

from detector.events import GrantRequest, Issuance, Source, Usage

START = 1_772_409_600.0  # 2026-03-02T00:00:00Z, a Monday
HOUR = 3_600.0
RUNNER = "arn:aws:sts::1:assumed-role/deploy/run-{:05d}"
ISSUER = "vault:prod/aws"


def request(number: int, *, time: float, resource: str = "aws/creds/app-write", ip: str = "10.10.4.61") -> GrantRequest:
    """The runner asks, under a new session name each time."""
    return GrantRequest(
        id=f"r{number}",
        time=time,
        issuer=ISSUER,
        requester=RUNNER.format(number),
        resource=resource,
        actions=("write",),
        privilege="write",
        ttl_seconds=900.0,
        source=Source(ip=ip, environment="prod"),
    )


def history(jobs: int = 300) -> list[Issuance | Usage]:
    """A mint every hour, each used twice, in time order."""
    events: list[Issuance | Usage] = []
    for number in range(jobs):
        at = START + number * HOUR
        grant = request(number, time=at)
        events.append(Issuance(grant=grant, credential=f"c{number}", expires_at=at + 900.0))
        events += [
            Usage(
                id=f"u{number}-{use}",
                time=at + 10.0 + use,
                credential=f"c{number}",
                action="s3:GetObject",
                resource="app/x",
                source=Source(ip="10.10.4.61"),
            )
            for use in range(2)
        ]
    return events


def thief(number: int, *, time: float, minted: bool = False) -> GrantRequest | Issuance:
    """The same identity from a strange network, after everything."""
    grant = GrantRequest(
        id=f"t{number}",
        time=time,
        issuer=ISSUER,
        requester=RUNNER.format(90_000 + number),
        resource=f"aws/creds/admin-{number}",
        actions=("iam:PassRole",),
        privilege="admin",
        ttl_seconds=43_200.0,
        source=Source(ip="185.220.101.7", environment="laptop", user_agent="curl/8"),
        break_glass=False,
    )
    return Issuance(grant=grant, credential=f"tc{number}", expires_at=time + 43_200.0) if minted else grant
