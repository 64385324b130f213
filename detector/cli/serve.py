"""`assayer serve`: the sidecar."""

from __future__ import annotations

import ipaddress
import socket
import sys
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import typer

from detector.cli.complaint import Complaint
from detector.cli.options import ConfigOption, DataOption, configured
from detector.cli.output import complain

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp

    from detector.api.tokens import Tokens
    from detector.signals.transmitter import Transmitter
    from detector.telemetry import Telemetry
    from detector.wiring.compose import Embedded
    from detector.wiring.settings import Settings

EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - recognised, not bound
"""Addresses that mean all of them, and the one by which a neighbour on the machine reaches them."""


def serve(
    config: ConfigOption = None,
    data: DataOption = None,
    host: Annotated[
        str | None, typer.Option("--host", metavar="H", help="The address to listen on. [default: 127.0.0.1]")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", metavar="P", min=0, max=65_535, help="The port; 0 takes a free one. [default: 8181]"),
    ] = None,
) -> None:
    """Run the sidecar: brokers ask it before they mint, and tell it what they did.

    Callers from other machines need a token (`assayer token create`), always. SIGTERM lets what is
    under way end, saves a snapshot and leaves.
    """
    settings = configured(config, data=data, host=host, port=port)
    run(settings, ready=_announce)


def run(settings: Settings, *, ready: Callable[[str], None]) -> None:
    """Serve until told to stop; `ready` hears the URL once callers are let in.

    Raises `Complaint` where the data directory or the address cannot be had.
    """
    from detector.api.server import serve as serve_app
    from detector.cli.chores import SWITCH_NAME, Chores

    _must_be_free(settings.server.host, settings.server.port)
    sidecar = assembled(settings)

    chores = Chores(
        sidecar.store,
        switch=settings.server.data / SWITCH_NAME,
        keep_days=settings.retention.days,
        warn=sidecar.warn,
    )

    def started(url: str) -> None:
        chores.begin()
        if sidecar.transmitter is not None:
            sidecar.transmitter.begin()
        sidecar.store.log.announce(neighbourly(url))
        ready(url)

    try:
        serve_app(sidecar.app, host=settings.server.host, port=settings.server.port, on_ready=started)
    finally:
        sidecar.store.close()
        if sidecar.transmitter is not None:
            sidecar.transmitter.close()


@dataclass(frozen=True, slots=True)
class Sidecar:
    """The application, the store under it, and who is told what it announces."""

    app: ASGIApp
    store: Embedded
    warn: Callable[..., None]
    transmitter: Transmitter | None


def assembled(settings: Settings) -> Sidecar:
    """Everything put together, not yet listening. Raises `Complaint` where the data directory cannot be used."""
    from importlib.metadata import version

    from prometheus_client import CollectorRegistry

    from detector.api.app import create_app
    from detector.api.limits import Limits
    from detector.api.tokens import Tokens, TokensUnreadable
    from detector.store import StoreError
    from detector.telemetry import Telemetry
    from detector.wiring.compose import embedded, tokens_file
    from detector.wiring.desk import DeskUnusable
    from detector.wiring.desk import desk as made_desk
    from detector.wiring.logs import configure

    logger = configure(settings.log, stream=sys.stderr)
    telemetry = Telemetry(CollectorRegistry(), version=version("assayer"))
    try:
        store = embedded(settings, warn=logger.warning, ear=telemetry)
    except StoreError as error:
        raise Complaint(str(error)) from None
    try:
        tokens = Tokens(tokens_file(settings.server.data))
        desk = made_desk(settings.step_up, data=settings.server.data)
    except (TokensUnreadable, DeskUnusable) as error:
        store.close()
        raise Complaint(str(error)) from None
    transmitter = _transmitter(settings, store, tokens, telemetry, logger.warning)
    _warn_of_strangers(settings.server.host, tokens)
    limits = Limits(**settings.limits.model_dump())
    app = create_app(
        store.engine,
        log=store.log,
        tokens=tokens,
        telemetry=telemetry,
        limits=limits,
        logger=logger,
        on_close=store.save,
        transmitter=transmitter,
        desk=desk,
    )
    return Sidecar(app, store, logger.warning, transmitter)


def _transmitter(
    settings: Settings, store: Embedded, tokens: Tokens, telemetry: Telemetry, warn: Callable[..., None]
) -> Transmitter | None:
    """Who tells others what is announced; `None` where there is nobody to tell. Raises `Complaint`."""
    from importlib.metadata import version

    from detector.wiring.signals import SignalsUnusable, transmitter

    try:
        return transmitter(
            settings.signals,
            data=settings.server.data,
            log=store.log,
            tally=telemetry,
            warn=warn,
            version=version("assayer"),
            entitled=lambda owner: tokens.entitles(owner.removeprefix("token "), "receiver"),
        )
    except SignalsUnusable as error:
        store.close()
        raise Complaint(str(error)) from None


def neighbourly(url: str) -> str:
    """The URL by which a process on this machine reaches a server that listens everywhere.

    >>> neighbourly("http://0.0.0.0:8181")
    'http://127.0.0.1:8181'
    """
    for everywhere, here in EVERYWHERE.items():
        url = url.replace(f"//{everywhere}:", f"//{here}:").replace(f"//[{everywhere}]:", f"//[{here}]:")
    return url


def _announce(url: str) -> None:
    typer.echo(f"assayer listens on {url} (documentation {url}/docs, metrics {url}/metrics)")


def _warn_of_strangers(host: str, tokens: Tokens) -> None:
    """Say that nobody from elsewhere can call yet, where the server is there for callers from elsewhere."""
    if is_loopback(host) or tokens.all():
        return
    complain(
        f"{host} is open to other machines, and no token exists: all their calls will be refused"
        " (assayer token create --role broker)"
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _must_be_free(host: str, port: int) -> None:
    """Find out now, in a line, what uvicorn would only log. Raises `Complaint`."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with closing(socket.socket(family, kind, protocol)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise Complaint(f"cannot listen on {host}:{port}: {error.strerror or error}") from None
