"""The organisation's logs as they are written: intents in, labelled events out.

Here a style's gaps become visible (fields its logs do not hold), clocks differ
between the issuer's log and the one that sees usage, and delivery is late,
doubled or both.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import msgspec

from detector.events import NOWHERE, GrantRequest, Issuance, Lifecycle, Source, Usage, UsageOutcome
from detector.simulator.dice import Dice, hash_of
from detector.simulator.labels import Label, Labelled
from detector.simulator.model import Intent, Place
from detector.simulator.objects import asked_actions
from detector.simulator.styles import Style

_DOUBLED = 0.002  # at-least-once delivery repeats a record now and then
_CLOCK_SECONDS = 1.5  # the usual spread of the clocks of logs of use
_LATE = 0.01  # a shipper restarts, and its backlog comes an hour later


@dataclass(frozen=True, slots=True, kw_only=True)
class Minted:
    """A credential as the ledger recorded it, beside what was asked."""

    intent: Intent
    label: Label
    id: str
    credential: str | None
    expires_at: float


@dataclass(slots=True, kw_only=True)
class Ledger:
    """Collects what happened.

    `gaps` are (since, until, delivered at): the log was silent and caught up.
    `clock_seconds` is by how much clocks are off beyond the usual.
    """

    style: Style
    dice: Dice
    gaps: list[tuple[float, float, float]] = field(default_factory=list)
    rows: list[Labelled] = field(default_factory=list)
    clock_seconds: float = 0.0
    _skews: dict[str, float] = field(default_factory=dict)

    def mint(self, intent: Intent, label: Label) -> Minted:
        """Write an issuance, or the refusal of one."""
        fields, dice, access = self.style.fields, self.dice, intent.access
        credential = None if intent.refused else "c-" + dice.hexes(20)
        time = _milliseconds(intent.time + (self._skew(access.issuer, "mint", 0.0) if self.clock_seconds else 0.0))
        expires = time + intent.ttl_seconds
        identity = dice.hexes(32)
        grant = GrantRequest(
            id=f"{identity[:8]}-{identity[8:12]}-{identity[12:16]}-{identity[16:20]}-{identity[20:]}",
            time=time,
            issuer=access.issuer,
            requester=intent.raw,
            resource=access.resource,
            actions=asked_actions(access) if "actions" in fields else (),
            privilege=access.privilege if "privilege" in fields else None,
            ttl_seconds=intent.ttl_seconds if "ttl" in fields else None,
            source=self._source(intent.place, intent.address),
            task=intent.task if "task" in fields else None,
            on_behalf_of=intent.chain if "chain" in fields else (),
            break_glass=intent.break_glass and "break_glass" in fields,
            consumer=intent.consumer if "consumer" in fields else None,
            authentication_method=intent.method if "authentication" in fields else None,
            attested=intent.attested if "authentication" in fields else None,
            purpose=intent.purpose if "purpose" in fields else None,
            sensitivity=access.sensitivity if "sensitivity" in fields else None,
            renewal_of=intent.renewal_of if "renewal" in fields else None,
        )
        issuance = Issuance(
            grant=grant,
            outcome="refused" if intent.refused else "granted",
            credential=credential,
            expires_at=expires if "expires" in fields and not intent.refused else None,
        )
        self._write(issuance, time, label)
        return Minted(intent=intent, label=label, id=grant.id, credential=credential, expires_at=expires)

    def use(
        self,
        minted: Minted,
        time: float,
        *,
        action: str,
        touched: str,
        address: str,
        place: Place,
        outcome: UsageOutcome = "success",
        label: Label | None = None,
    ) -> None:
        """Write one use of a credential, by the clock of the log that saw it."""
        issuer = minted.intent.access.issuer
        seen = _milliseconds(time + self._skew(issuer, "skew", _CLOCK_SECONDS) + 0.05 * self.dice.unit())
        source = self._source(place, address)
        if source.environment is not None or source.workload is not None:
            # Logs of use know the address and the program, not the deployment.
            source = msgspec.structs.replace(source, environment=None, workload=None)
        usage = Usage(
            id=self.dice.hexes(24),
            time=seen,
            credential=minted.credential,
            action=action,
            resource=touched,
            outcome=outcome,
            source=source,
        )
        said = label or minted.label
        self._write(usage, seen, replace(said, first_mint=False) if said.first_mint else said)

    def happen(self, event: Lifecycle, label: Label) -> None:
        """Write a change of a task, policy or credential."""
        if self.style.lifecycle:
            self._write(event, event.time, label)

    def _skew(self, issuer: str, clock: str, usual: float) -> float:
        """How far the clock of an issuer, or of the log that sees its credentials' use, is off."""
        name = f"{clock}-{issuer}"
        if name not in self._skews:
            self._skews[name] = self.dice.fork(name).normal() * (usual + self.clock_seconds)
        return self._skews[name]

    def _source(self, place: Place, address: str) -> Source:
        fields = self.style.fields
        if "ip" not in fields:
            return NOWHERE
        return Source(
            ip=address,
            network=place.network if "network" in fields else None,
            environment=place.environment or None if "environment" in fields else None,
            region=place.region or None if "region" in fields else None,
            user_agent=place.user_agent if "user_agent" in fields else None,
            workload=_workload(place, address) if "workload" in fields else None,
        )

    def _write(self, event: Issuance | Usage | Lifecycle, time: float, label: Label) -> None:
        dice = self.dice
        arrived = time + 0.2 + dice.exponential(2.0)
        if dice.chance(_LATE):
            arrived += dice.exponential(3600.0)
        for since, until, delivered in self.gaps:
            if since <= time < until:
                arrived = delivered + (time - since) * 0.01
                label = replace(label, upheaval=label.upheaval or "log_gap")
        row = Labelled(event=event, label=label, arrived=_milliseconds(arrived))
        self.rows.append(row)
        if dice.chance(_DOUBLED):
            self.rows.append(replace(row, arrived=_milliseconds(arrived + dice.exponential(600.0))))


def _workload(place: Place, address: str) -> str | None:
    """The pod or runner at that address: the same address, the same name."""
    name = f"{hash_of(address):016x}"
    return place.workload.replace("{pod}", name[:5]).replace("{runner}", name[:6]) or None


def _milliseconds(time: float) -> float:
    return round(time, 3)
