"""The documentation as one page of plain HTML, made from the OpenAPI document.

No script and nothing from another host: a sidecar often has no way out, and a
page that may run no script cannot be made to run somebody else's.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from html import escape
from typing import Any, Final

import msgspec
from starlette.responses import Response

STYLE: Final = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}
h1{font-size:1.6rem}h2{margin-top:2.5rem;border-bottom:1px solid #ccc}h3{margin:1.8rem 0 .2rem;font-size:1rem}
code,pre{font:13px/1.45 ui-monospace,monospace;background:#f4f4f4;border-radius:4px}code{padding:.1rem .3rem}
pre{padding:.7rem;overflow-x:auto}.verb{display:inline-block;min-width:3.2rem;font-weight:700;color:#0a5}
table{border-collapse:collapse}td{padding:.15rem 1rem .15rem 0;vertical-align:top}.who{color:#555}
@media(prefers-color-scheme:dark){body{background:#16181c;color:#e6e6e6}code,pre{background:#24272d}.who{color:#aaa}}
"""

_HASH: Final = b64encode(sha256(STYLE.encode()).digest()).decode()
POLICY: Final = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; frame-ancestors 'none'"


def page(document: dict[str, Any]) -> Response:
    """The page, with a policy that lets it load nothing but its own style."""
    headers = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
    return Response(_rendered(msgspec.json.encode(document)), headers=headers, media_type="text/html; charset=utf-8")


@cache
def _rendered(encoded: bytes) -> str:
    document = msgspec.json.decode(encoded)
    info = document["info"]
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>{escape(info['title'])} API</title><style>{STYLE}</style></head><body>",
        f"<h1>{escape(info['title'])} API</h1><p>{escape(info['description'])}</p>",
        '<p>The same for machines: <a href="/openapi.json">openapi.json</a>.</p>',
        "<p>Errors are problem details (RFC 9457). Every answer carries <code>X-Request-ID</code>.</p>",
    ]
    for tag in document["tags"]:
        parts.append(f"<h2>{escape(tag['name'])}</h2><p>{escape(tag['description'])}</p>")
        parts.extend(
            _operation(path, verb, operation)
            for path, verbs in document["paths"].items()
            for verb, operation in verbs.items()
            if tag["name"] in operation["tags"]
        )
    parts.append("<h2>Shapes</h2>")
    for name, schema in document["components"]["schemas"].items():
        parts.append(f'<h3 id="{escape(name)}">{escape(name)}</h3>{_json(schema)}')
    return "\n".join([*parts, "</body></html>"])


def _operation(path: str, verb: str, operation: dict[str, Any]) -> str:
    parts = [
        f'<h3><span class="verb">{escape(verb.upper())}</span> <code>{escape(path)}</code></h3>',
        f"<p>{escape(operation['summary'])}</p>",
    ]
    parts += [_parameter(parameter) for parameter in operation.get("parameters", ())]
    body = operation.get("requestBody")
    if body:
        parts.append(f"<p>{escape(body.get('description', 'Body:'))}</p>")
        parts += [_example(media, content) for media, content in body["content"].items()]
    answers = operation["responses"]
    for status, response in answers.items():
        if status.startswith("2"):
            parts += [_example(f"{status} {media}", content) for media, content in response["content"].items()]
    others = "; ".join(
        f"<code>{escape(status)}</code> {escape(response['description'])}"
        for status, response in answers.items()
        if not status.startswith("2")
    )
    return "".join([*parts, f'<p class="who">Otherwise: {others}</p>'])


def _parameter(parameter: dict[str, Any]) -> str:
    words = ", ".join(parameter["schema"].get("enum", ()))
    choice = f" One of {escape(words)}." if words else ""
    name = f"<code>{escape(parameter['name'])}</code> ({parameter['in']})"
    return f"<p>{name}: {escape(parameter['description'])}{choice}</p>"


def _example(title: str, content: dict[str, Any]) -> str:
    schema = content["schema"]
    name = schema.get("$ref", "").rpartition("/")[2]
    shape = f' <a href="#{escape(name)}">{escape(name)}</a>' if name else ""
    example = _json(content["example"]) if "example" in content else ""
    return f"<p><code>{escape(title)}</code>{shape}</p>{example}"


def _json(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    return f"<pre>{escape(text)}</pre>"
