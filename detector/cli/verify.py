"""`assayer verify`: whether the log is what was written, and comes to what it says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detector.cli.complaint import Complaint
from detector.cli.options import ConfigOption, DataOption, configured
from detector.cli.output import complain, progress

if TYPE_CHECKING:
    from detector.proof import Inclusion, Note, Verifier
    from detector.wiring.verification import Verified

LARGEST_PROOF = 16 * 1024 * 1024
"""Bytes of a proof or a checkpoint read: a log given by mistake is refused at once."""


def verify(
    *,
    data: DataOption = None,
    config: ConfigOption = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option("--checkpoint", metavar="FILE", help="A checkpoint of this log that was kept elsewhere."),
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", metavar="VKEY", help="A key of this log, as `assayer log key` printed it.")
    ] = None,
    decision: Annotated[
        str | None,
        typer.Option("--decision", metavar="ID", help="Print the proof, as JSON, that one decision is in the log."),
    ] = None,
    proof: Annotated[
        Path | None, typer.Option("--proof", metavar="FILE", help="Check such a proof; no log is needed.")
    ] = None,
    replay: Annotated[bool, typer.Option("--replay/--no-replay", help="Decide again what was decided.")] = True,
) -> None:
    """Prove the log whole and unedited, and replay its decisions to the same evidence.

    Any edit, drop, insertion, swap or cut is named on standard error with its position, and the exit
    status is 1. A log that was cut back together with its checkpoints, or rewritten with its own
    key, is found only with a checkpoint that was kept elsewhere (--checkpoint).

    It only reads, also beside a running server and in a copy of the data directory.
    """
    if decision is not None and proof is not None:
        raise typer.BadParameter("--decision makes a proof and --proof checks one: give one of them")
    known = _key(key)
    if proof is not None:
        _check(proof, known)
        return
    directory = configured(config, data=data).server.data
    if decision is not None:
        _prove(directory, decision, known)
        return
    outside = None if checkpoint is None else _note(checkpoint)
    _report(_verified(directory, key=known, outside=outside, replay=replay), replay=replay)


def _verified(directory: Path, *, key: Verifier | None, outside: Note | None, replay: bool) -> Verified:
    from detector.store import LogReader, StoreError
    from detector.wiring.verification import verify as verify_log

    try:
        head = LogReader(directory).head()
        with progress("verifying", total=head, unit="entries") as advance:
            return verify_log(directory, key=key, outside=outside, replay=replay, advance=advance)
    except StoreError as error:
        raise Complaint(str(error)) from None


def _report(verified: Verified, *, replay: bool) -> None:
    """Say what was found, and end with status 1 where something is wrong."""
    for discrepancy in verified.found:
        complain(discrepancy.words())
    if verified.found:
        count = len(verified.found)
        raise Complaint(f"the log is not what it was: {count} finding{'s' * (count > 1)}")
    whole = f"entries      {verified.before + 1:,} to {verified.head:,}, as they were written"
    forgotten = "; those before are forgotten, their hashes are as they were" if verified.before else ""
    typer.echo(whole + forgotten)
    typer.echo(f"checkpoints  {verified.checkpoints:,}, the last over {verified.covered:,} entries")
    if verified.head > verified.covered:
        typer.echo(f"unsigned     {verified.head - verified.covered:,} entries after it, under no checkpoint yet")
    for signer in verified.keys:
        typer.echo(f"signed by    {signer.text()}")
    if replay:
        typer.echo(f"replayed     {verified.replayed:,} decisions and findings, all to the same evidence")


def _prove(directory: Path, decision: str, known: Verifier | None) -> None:
    from detector.proof import NoteRefused, ProofRefused, Verifier
    from detector.store import LogReader, StoreError

    try:
        found = LogReader(directory).prove(decision)
        found.checked([known if known is not None else Verifier.parse(found.verifier_key)])
    except KeyError:
        raise Complaint(f"the log in {directory} holds no decision {decision!r} under a checkpoint") from None
    except (StoreError, NoteRefused, ProofRefused) as error:
        raise Complaint(str(error)) from None
    typer.echo(found.encoded().decode(), nl=False)


def _check(path: Path, known: Verifier | None) -> None:
    """Check a proof by itself; without a key from elsewhere it only proves what its own key signed."""
    from detector.proof import Inclusion, NoteRefused, ProofRefused, Verifier

    try:
        found = Inclusion.parse(_read(path))
        checkpoint = found.checked([known if known is not None else Verifier.parse(found.verifier_key)])
    except (NoteRefused, ProofRefused, ValueError) as error:
        raise Complaint(f"{path}: {error}") from None
    typer.echo(f"proven       {_named(found)} is in the log {checkpoint.origin} of {checkpoint.size:,} entries")
    typer.echo(f"signed by    {found.verifier_key if known is None else known.text()}")
    if known is None:
        typer.echo("             hold this key against the one that the log's owner gave you (--key)")


def _named(found: Inclusion) -> str:
    return f"entry {found.position} ({found.kind} {found.id or ''})".replace(" )", ")")


def _key(text: str | None) -> Verifier | None:
    from detector.proof import KeyRefused, Verifier

    try:
        return None if text is None else Verifier.parse(text.strip())
    except KeyRefused as error:
        raise typer.BadParameter(f"--key: {error}") from None


def _note(path: Path) -> Note:
    from detector.proof import Note, NoteRefused

    try:
        return Note.parse(_read(path))
    except NoteRefused as error:
        raise Complaint(f"{path}: {error}") from None


def _read(path: Path) -> bytes:
    if path.is_file() and path.stat().st_size > LARGEST_PROOF:
        raise Complaint(f"{path}: too large for a proof or a checkpoint")
    return path.read_bytes()
