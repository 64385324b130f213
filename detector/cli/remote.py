"""A running server, as the other commands see it: found by its data directory, spoken to over HTTP."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import quote

from detector.cli.complaint import Complaint

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

PATIENCE_SECONDS: Final = 60.0
"""For one answer: a batch of events waits for the disk, and a busy server makes its callers wait their turn."""

FORBIDDEN: Final = (401, 403)


class Remote:
    """One server at `url`, called with a bearer `token` where there is one; `data` is its directory, where known."""

    def __init__(self, url: str, token: str | None, data: Path | None = None) -> None:
        """Connect when first asked. Proxies of the environment are not used: the server is ours and near."""
        import httpx

        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.url, self._data = url, data
        self._client = httpx.Client(base_url=url, headers=headers, timeout=PATIENCE_SECONDS, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the connection go."""
        self._client.close()

    def get(self, *path: str, needs: str, query: Mapping[str, Any] | None = None) -> Any:
        """The JSON at a path, its parts escaped; `needs` names the role whose token may see it. Raises `Complaint`."""
        return self._answer("GET", path, needs=needs, params=query)

    def post(self, *path: str, body: Any, needs: str, query: Mapping[str, Any] | None = None) -> Any:
        """The JSON answer to a JSON body. Raises `Complaint`, in the server's words where it has some."""
        return self._answer("POST", path, needs=needs, json=body, params=query)

    def post_lines(self, *path: str, lines: bytes, needs: str) -> Any:
        """The JSON answer to JSON lines. Raises `Complaint`."""
        headers = {"Content-Type": "application/x-ndjson"}
        return self._answer("POST", path, needs=needs, content=lines, headers=headers)

    def _answer(self, method: str, path: tuple[str, ...], *, needs: str, **body: Any) -> Any:
        import httpx

        where = "/" + "/".join(quote(part, safe="") for part in path)
        try:
            answer = self._client.request(method, where, **body)
        except httpx.HTTPError as error:
            raise Complaint(f"{self.url} does not answer: {str(error) or type(error).__name__}") from None
        if answer.status_code in FORBIDDEN:
            raise Complaint(_refusal(answer, url=self.url, needs=needs, data=self._data))
        if answer.is_error:
            raise Complaint(f"{self.url}: {_detail(answer)}")
        try:
            return answer.json()
        except ValueError:
            raise Complaint(f"{self.url} answers {where}, but not as an assayer does") from None


def _refusal(answer: httpx.Response, *, url: str, needs: str, data: Path | None) -> str:
    said = _detail(answer)
    how = f"assayer token create --role {needs}" + (f" --data {shlex.quote(str(data))}" if data else "")
    return f"{url}: {said}\nthis needs a token with the role {needs} in ASSAYER_TOKEN or --token-file (make one: {how})"


def _detail(answer: httpx.Response) -> str:
    """What a problem document says, or the bare status."""
    try:
        problem = answer.json()
    except (ValueError, json.JSONDecodeError):
        problem = None
    if not isinstance(problem, dict):
        return f"answered {answer.status_code}"
    said = [str(problem[key]) for key in ("title", "detail") if problem.get(key)]
    return ": ".join(said) or f"answered {answer.status_code}"


def running(data: Path, token_file: Path | None) -> Remote | None:
    """The server that writes this data directory just now, or `None`."""
    from detector.store.lock import running_server
    from detector.wiring.environment import token

    url = running_server(data)
    return None if url is None else Remote(url, token(token_file), data)
