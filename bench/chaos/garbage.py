"""`python -m bench.chaos.garbage PORT COUNT SLOW`: a stranger's process that sends everything but what is understood.

It has no token, or a wrong one, as a stolen runner in the same pod has none. Beside the garbage so many connections of
each kind begin what they never end. Prints how often which status came back; `closed` is a connection that the server
ended without a word.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator

from bench.chaos.load import aside

CONNECTIONS = 8

MEBIBYTE = 2**20
ROUTES = (
    "/v1/score",
    "/v1/score/batch",
    "/v1/events",
    "/v1/events?dialect=cloudtrail",
    "/v1/events?dialect=vault",
    "/v1/events?dialect=kubernetes",
    "/v1/events?dialect=auto",
    "/v1/events?dialect=nonsense",
    "/v1/decisions/d-1/outcome",
    "/v1/deny-rules",
    "/v1/kill-switch",
    "/v1/%00%ff",
)
MEDIA = ("application/json", "application/json", "application/x-ndjson", "text/html", "application/\xff", "")
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)

WHOLE = {
    "kind": "grant_request",
    "id": "x",
    "time": "2026-03-02T00:00:06Z",
    "issuer": "vault:prod/aws",
    "requester": "spiffe://prod/app/svc1",
    "resource": "aws/creds/app-write",
    "ttl_seconds": 900,
    "source": {"ip": "10.0.0.1"},
}
WRONG = (None, True, -1, 1e308, 2**70, "", "\x00", "\ud800", "x" * 100_000, [], [[]], {"a": {"b": {}}}, "9999-99-99")


def bodies(dice: random.Random) -> Iterator[bytes]:
    """Bodies for ever: no JSON, JSON of the wrong shape, and nearly right."""
    deep = 5_000
    fixed = (
        b"",
        b"null",
        b"{",
        b"[" * deep,
        b'{"a":' * deep,
        b"[" * deep + b"]" * deep,
        b'{"id": NaN}',
        b"[1e999, -Infinity]",
        b"9" * 10_000,
        b'{"id": "\xff\xfe"}',
        b'"\\ud800"',
        b"\x00" * 1_000,
        b"x" * (MEBIBYTE + 1),
        gzip.compress(b"[" * MEBIBYTE),
        b"x\n" * 2_000,
    )
    while True:
        yield dice.choice(fixed)
        yield dice.randbytes(dice.randrange(2_000))
        yield _nearly(dice)


def _nearly(dice: random.Random) -> bytes:
    """A grant request, or a list or line of them, with one thing wrong."""
    record = {**WHOLE, dice.choice([*WHOLE, "unheard_of"]): dice.choice(WRONG)}
    body = json.dumps(record).encode("utf-8", "surrogatepass")
    if dice.random() < 0.2:
        cut = dice.randrange(len(body))
        body = body[:cut] + dice.randbytes(3) + body[cut:]
    return dice.choice((body, b"[" + body + b"]", body + b"\n" + body))


def requests(seed: int, count: int) -> Iterator[bytes]:
    """Whole requests, and now and then what is no HTTP."""
    dice = random.Random(seed)
    for _, body in zip(range(count), bodies(dice), strict=False):
        if dice.random() < 0.02:
            yield dice.randbytes(200) + b"\r\n\r\n"
            continue
        head = (
            f"{dice.choice(('POST', 'POST', 'POST', 'GET', 'PATCH'))} {dice.choice(ROUTES)} HTTP/1.1\r\nHost: 127.0.0.1"
        )
        media, secret = dice.choice(MEDIA), "Bearer asy_0123456789ab_nonsense"
        lines = [head, f"Content-Length: {len(body)}"]
        lines += [f"Content-Type: {media}"] if media else []
        lines += [f"Authorization: {secret}"] if dice.random() < 0.02 else []
        lines += ["Content-Encoding: gzip"] if body[:2] == b"\x1f\x8b" or dice.random() < 0.02 else []
        yield "\r\n".join([*lines, "", ""]).encode("latin-1") + body


async def send(port: int, asked: Iterator[bytes], seen: Counter[str]) -> None:
    """One request after the other, each answer counted."""
    connection = None
    for request in asked:
        try:
            reader, writer = connection or await asyncio.open_connection("127.0.0.1", port)
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            await reader.readexactly(int(length[1]) if length is not None else 0)
        except (OSError, asyncio.IncompleteReadError):
            seen["closed"] += 1
            connection = None
            continue
        seen[head[9:12].decode("latin-1")] += 1
        connection = (reader, writer)
        if head[9:12] == b"400" and b"close" in head:
            connection = None


async def crawl(port: int, begun: bytes, more: bytes) -> None:
    """Begin a request, and go on so slowly that it never ends."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(begun)
            while not writer.is_closing():
                await asyncio.sleep(1.0)
                writer.write(more)
                await writer.drain()
        except OSError:
            await asyncio.sleep(0.2)


HALF_HEAD = b"POST /v1/score HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
HALF_BODY = (
    b"POST /v1/score HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{"
)
LARGE_BODY = (
    b"POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-ndjson\r\n"
    b"Content-Length: 33000000\r\n\r\n" + b"x" * MEBIBYTE
)


async def flood(port: int, count: int, slow: int) -> Counter[str]:
    """Garbage over several connections, beside others that crawl."""
    seen: Counter[str] = Counter()
    kinds = ((HALF_HEAD, b"x"), (HALF_BODY, b" "), (LARGE_BODY, b"x"))
    crawling = [asyncio.create_task(crawl(port, begun, more)) for begun, more in kinds for _ in range(slow)]
    await asyncio.gather(*[send(port, requests(seed, count // CONNECTIONS), seen) for seed in range(CONNECTIONS)])
    for task in crawling:
        task.cancel()
    await asyncio.gather(*crawling, return_exceptions=True)
    return seen


if __name__ == "__main__":
    aside()
    print(json.dumps(asyncio.run(flood(*map(int, sys.argv[1:4])))))
