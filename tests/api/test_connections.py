"""Connections: whoever says nothing, half a head or a head without end does not keep others out."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from detector.api import connections
from detector.api.connections import MOST_CONNECTIONS, SPARE_DESCRIPTORS, connections_allowed
from detector.api.server import settings

HEAD = b"GET /%s HTTP/1.1\r\nHost: localhost\r\n"
LARGE = 5_000_000
RESET = b"(reset)"
"""What a peer sees who goes on sending after he was refused: the refusal itself may be lost on the way."""

Peer = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Open = Callable[[], Awaitable[Peer]]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Says "here", or much more than fits into a buffer."""
    body = b"x" * LARGE if scope["path"] == "/large" else b"here"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def serving(*, most: int = MOST_CONNECTIONS) -> AsyncIterator[Open]:
    """A way to connect to a server that takes so many connections."""
    config = settings(app, host="127.0.0.1", port=0, most_connections=most)  # type: ignore[arg-type]
    config.lifespan = "off"
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event to wait for
        await asyncio.sleep(0.01)
    address = server.servers[0].sockets[0].getsockname()
    writers = []

    async def open_one() -> Peer:
        reader, writer = await asyncio.open_connection(*address)
        writers.append(writer)
        return reader, writer

    yield open_one
    for writer in writers:
        writer.close()
    server.should_exit = True
    await task


async def said(peer: Peer, sent: bytes) -> bytes:
    """What comes back for some bytes, up to the end of the connection; fails where neither comes."""
    reader, writer = peer
    writer.write(sent)
    heard = b""
    try:
        async with asyncio.timeout(10.0):
            while not heard.endswith(b"here") and (more := await reader.read(65_536)):
                heard += more
    except ConnectionError:
        return heard + RESET
    return heard


def test_half_a_head_is_waited_for_and_then_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing at all, the beginning of a first head, or of a second one: 408, and the connection ends."""
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.2)

    async def story() -> list[bytes]:
        async with serving() as connect:
            kept = await connect()
            answered = await said(kept, HEAD % b"" + b"\r\n")
            return [
                answered,
                await said(await connect(), b""),
                await said(await connect(), b"GET /"),
                await said(kept, b"GET"),
            ]

    answered, *refused = asyncio.run(story())
    assert answered.endswith(b"here")
    assert [answer.splitlines()[0] for answer in refused] == [b"HTTP/1.1 408 Request Timeout"] * 3


def test_an_idle_connection_is_kept_longer_than_a_head_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that asks again after a pause finds its connection open."""
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.1)

    async def story() -> bytes:
        async with serving() as connect:
            kept = await connect()
            await said(kept, HEAD % b"" + b"\r\n")
            await asyncio.sleep(0.3)
            return await said(kept, HEAD % b"" + b"\r\n")

    assert asyncio.run(story()).endswith(b"here")


def test_a_head_without_end_is_refused_at_its_limit() -> None:
    """One endless header, or headers without end: 431, long before memory notices."""

    async def story() -> list[bytes]:
        async with serving() as connect:
            endless = [b"X-Long: " + b"a" * 1_000_000, b"x: y\r\n" * 200_000]
            return [await said(await connect(), HEAD % b"" + more) for more in endless]

    assert all(
        b"431 Request Header Fields Too Large" in answer or b"silence" in answer for answer in asyncio.run(story())
    )


def test_past_the_limit_whoever_has_waited_longest_goes() -> None:
    """Five silent connections where three may be: who comes to ask is answered, also on a connection just used."""

    async def story() -> tuple[bytes, bytes, list[bytes]]:
        async with serving(most=3) as connect:
            silent = [await connect() for _ in range(5)]
            late = await connect()
            first = await said(late, HEAD % b"" + b"\r\n")
            await connect()
            second = await said(late, HEAD % b"" + b"\r\n")
            return first, second, [await said(peer, b"") for peer in silent[:3]]

    first, second, gone = asyncio.run(story())
    assert first.endswith(b"here")
    assert second.endswith(b"here")
    assert gone == [b""] * 3


def test_who_does_not_read_his_answer_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """He asked for megabytes and takes none of them: the connection ends; one who reads gets them all."""
    monkeypatch.setattr(connections, "READ_SECONDS", 0.2)

    async def story() -> tuple[int, int]:
        async with serving() as connect:
            taken = []
            for pause in (0.0, 1.0):
                reader, writer = await connect()
                writer.transport.pause_reading()  # type: ignore[attr-defined]
                writer.write(HEAD % b"large" + b"Connection: close\r\n\r\n")
                await asyncio.sleep(pause)
                writer.transport.resume_reading()  # type: ignore[attr-defined]
                whole = b""
                try:
                    while more := await reader.read(1_000_000):
                        whole += more
                except ConnectionError:
                    pass
                taken.append(len(whole))
            return taken[0], taken[1]

    read, unread = asyncio.run(story())
    assert read > LARGE
    assert unread < LARGE


def test_a_process_takes_no_more_connections_than_it_has_descriptors_for() -> None:
    """Its own limit is raised as far as it may be; some descriptors are kept for the log."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
        allowed = connections_allowed()
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert allowed == min(MOST_CONNECTIONS, soft - SPARE_DESCRIPTORS)
    assert soft > 256
