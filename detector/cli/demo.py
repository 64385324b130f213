"""`assayer demo`: the main job from nothing, with real requests against a real sidecar."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from detector.cli.background import background_sidecar
from detector.cli.complaint import FOUND_WRONG, Complaint
from detector.cli.options import configured
from detector.cli.output import complain, console, printable, progress
from detector.cli.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from detector.cli.play import Answered, Broker
    from detector.events import Event
    from detector.store import LogReader

CONFIGURATION: Final = """\
# Written by `assayer demo`: the defaults, but a deny rule goes on to bite, and goes through its life in a second.
[rules]
mode = "enforced"
shadow_seconds = 0.5
canary_seconds = 0.5
"""

HONEST: Final = "honest-requests.jsonl"
STOLEN: Final = "stolen-runner.jsonl"
REASONS_SHOWN: Final = 3
ENDED: Final = frozenset({"expired", "withdrawn"})
RULE_SECONDS: Final = 20.0
"""How long the demonstration waits for the rule to come through its life."""
LOOK_SECONDS: Final = 0.2
TOKEN_SECONDS: Final = 3_600.0


def demo(
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", help="Keep the data here. [default: a new temporary directory]"),
    ] = None,
) -> None:
    """See it work: learn sample logs, start a sidecar, play a stolen runner.

    The requests are real ones, over HTTP. Nothing is asked, and nothing leaves this machine.
    The exit status is 1 if the thief was not stopped.
    """
    from importlib.resources import as_file

    from detector.assets import AssetMissing, samples

    folder = _prepared(data)
    screen = console()
    try:
        found = samples()
    except AssetMissing as error:
        raise Complaint(str(error)) from None
    with as_file(found) as shipped:
        stopped = _told(screen, shipped, folder)
    _where_next(screen, folder)
    if not stopped:
        raise typer.Exit(FOUND_WRONG)


def _prepared(data: Path | None) -> Path:
    """An empty directory with the demonstration's configuration. Raises `Complaint` where it is not empty."""
    folder = Path(tempfile.mkdtemp(prefix="assayer-demo-")) if data is None else data
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise Complaint(f"{folder} is not empty: the demonstration starts from nothing, in a directory of its own")
    (folder / "assayer.toml").write_text(CONFIGURATION, encoding="utf-8")
    return folder


def _told(screen: Console, shipped: Path, folder: Path) -> bool:
    """The whole story; whether the thief was stopped."""
    from detector.api.tokens import Tokens
    from detector.cli.play import Broker
    from detector.wiring.compose import tokens_file

    honest, stolen = _story(shipped / HONEST), _story(shipped / STOLEN)
    shift = time.time() - max(event.time for event in (*honest, *stolen))
    _heading(screen, "1. Learning what was minted and used")
    _learn(screen, shipped, folder, shift)
    made = Tokens(tokens_file(folder)).create(["analyst"], name="demo", expires=time.time() + TOKEN_SECONDS)
    with background_sidecar(config=folder / "assayer.toml", data=folder) as url, Broker(url, made.secret) as broker:
        _say(screen, f"the sidecar listens on {url}, and remembers all that")
        _heading(screen, "2. The runner asks for what it always does")
        before = _play(screen, broker, honest, shift)
        _heading(screen, "3. The runner is stolen")
        theft = _play(screen, broker, stolen, shift)
        _heading(screen, "4. What stands against the thief")
        rules = _show_rules(screen, broker)
        _heading(screen, "5. The thief tries again, and the runner goes on working")
        again = [_ask_again(screen, broker, answered) for answered in (*theft[-1:], *before[:1])]
    return _judged(screen, honest=[*before, *again[1:]], theft=[*theft, *again[:1]], rules=rules)


def _learn(screen: Console, shipped: Path, folder: Path, shift: float) -> None:
    """The sample logs into the store, moved in time so that they end now."""
    from detector.cli.moved import moved
    from detector.cli.reading import read_events
    from detector.cli.sinks import opened_store
    from detector.intake.order import in_time_order

    tally = Tally()
    paths = [str(path) for path in sorted(shipped.iterdir()) if path.name not in {HONEST, STOLEN, "README.md"}]
    sink = opened_store(configured(folder / "assayer.toml", data=folder), tally, history=True)
    try:
        with progress("learning") as advance:
            for event in in_time_order(read_events(paths, "auto", tally)):
                sink.take(moved(event, shift))
                advance(1)
    finally:
        sink.close()
    tally.show()
    _say(screen, f"sample logs from {shipped}, moved in time so that they end now")


def _story(file: Path) -> list[Event]:
    """The events of one of the demonstration's files, in their order."""
    from detector.cli.reading import read_events
    from detector.intake.order import in_time_order

    tally = Tally()
    events = list(in_time_order(read_events([str(file)], "native", tally)))
    if not events or tally.rejected:
        tally.show_rejected()
        raise Complaint(f"{file}: this sample cannot be played; install the package again")
    return events


def _play(screen: Console, broker: Broker, events: Sequence[Event], shift: float) -> list[Answered]:
    """Ask what is asked and report what is reported, in order; the answers."""
    from detector.cli.moved import moved
    from detector.events import GrantRequest, Issuance

    answers: list[Answered] = []
    for event in events:
        now = moved(event, shift)
        if isinstance(now, GrantRequest):
            answers.append(broker.ask(now))
            _show_answer(screen, answers[-1])
            continue
        broker.report([now])
        if isinstance(now, Issuance):
            minted = f"{now.grant.resource} for {now.grant.requester}"
            _say(screen, f"  logs  {now.grant.issuer} minted {minted}, and nobody had asked us", style="dim")
    return answers


def _ask_again(screen: Console, broker: Broker, answered: Answered) -> Answered:
    """The same request under a new id, as a new job would send it."""
    from msgspec.structs import replace

    said = broker.ask(replace(answered.request, id=f"{answered.request.id}-again"))
    _show_answer(screen, said)
    return said


def _show_answer(screen: Console, answered: Answered) -> None:
    request = answered.request
    what = f"{request.resource} ({request.privilege or 'privilege not said'})"
    _say(screen, f"  asks  {request.requester} wants {what} from {request.issuer}")
    style = {"allow": "green", "step_up": "yellow", "deny": "red"}[answered.verdict]
    word = answered.verdict.replace("_", " ").upper()
    screen.print(
        f"  [{style}]{word:<8}[/] evidence {answered.evidence:.1f} nats, risk {answered.risk:.1%}", soft_wrap=True
    )
    if answered.verdict == "allow":
        return
    if answered.rule is not None:
        _say(screen, f"            deny rule {answered.rule} is in force")
        return
    for reason in answered.reasons[:REASONS_SHOWN]:
        _say(screen, f"    {reason['nats']:>6.1f}  {reason['because']}")
        _say(screen, f"            expected {reason['expected']}; seen {reason['observed']}", style="dim")


def _show_rules(screen: Console, broker: Broker) -> list[dict[str, Any]]:
    """The rules in force, and how many have come and gone while the history was learnt."""
    every, until = broker.rules(), time.monotonic() + RULE_SECONDS
    while time.monotonic() < until and not any(rule["state"] == "enforced" for rule in every):
        time.sleep(LOOK_SECONDS)
        every = broker.rules()
    standing = [rule for rule in every if rule["state"] not in ENDED]
    for rule in standing:
        _say(screen, f"  deny rule {rule['id']} ({rule['state']}), raised by {rule['by']}", style="bold")
        _say(screen, f"    stops    {rule['scope']}")
        _say(screen, f"    until    {rule['expires']}, when it ends by itself")
        _say(screen, f"    because  {rule['because']}")
        if rule["backtest"]:
            _say(screen, f"    history  {rule['backtest']['in_words']}")
    if not standing:
        _say(screen, "  no deny rule was raised")
    ended = len(every) - len(standing)
    if ended:
        _say(screen, f"  {ended} more, raised while the history was learnt, have ended by themselves")
    return standing


def _judged(
    screen: Console, *, honest: Sequence[Answered], theft: Sequence[Answered], rules: Sequence[dict[str, Any]]
) -> bool:
    """Say how it ended, and give whether it ended well."""
    allowed = sum(answered.verdict == "allow" for answered in honest)
    got = sum(answered.verdict == "allow" for answered in theft)
    _say(screen, f"\nhonest requests allowed: {allowed} of {len(honest)}; of the thief's: {got} of {len(theft)}")
    troubles = []
    if allowed < len(honest):
        troubles.append("an honest request was not allowed")
    if got:
        troubles.append(f"the thief was not stopped: {got} of his requests were allowed")
    if not rules:
        troubles.append("no deny rule was raised against him")
    for trouble in troubles:
        complain(trouble)
    return not troubles


def _where_next(screen: Console, folder: Path) -> None:
    from detector.store import LogReader

    assayer = _our_name()
    last = _last_refusal(LogReader(folder))
    _heading(screen, "Where to look next")
    if last:
        _say(screen, f"  {assayer} explain {last} --data {folder}")
    _say(screen, f"  {assayer} rules list --data {folder}")
    _say(screen, f"  {assayer} serve --config {folder / 'assayer.toml'} --data {folder}")
    _say(screen, "      then http://127.0.0.1:8181/docs and http://127.0.0.1:8181/metrics")
    _say(screen, f"  {assayer} ingest YOUR-LOGS")


def _our_name() -> str:
    """How the reader can start this very command again."""
    if shutil.which("assayer"):
        return "assayer"
    return f"{sys.executable} -m detector" if sys.argv[0].endswith("__main__.py") else sys.argv[0]


def _last_refusal(log: LogReader) -> str | None:
    """The last decision that was no allow."""
    from detector.engine.records import Decided

    last = None
    for entry in log.read():
        if isinstance(entry.record, Decided) and entry.record.answer != "allow":
            last = entry.record.decision
    return last


def _heading(screen: Console, text: str) -> None:
    screen.print(f"\n[bold]{text}[/]")


def _say(screen: Console, text: str, *, style: str = "") -> None:
    """A line as it is: names come from logs, and nothing in them is markup or a control character."""
    screen.print("\n".join(map(printable, text.split("\n"))), markup=False, soft_wrap=True, style=style)
