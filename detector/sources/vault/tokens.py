"""Tokens and their holders, as an audit entry shows them: hashed, masked, or plain."""

from __future__ import annotations

from typing import Final

from detector.sources.base import Record
from detector.sources.fields import NAME_LENGTH, loose_moment, mapping, text, texts
from detector.sources.vault.call import Call

_MASKS: Final = frozenset("*•xX.-")
STRANGER: Final = "vault:unauthenticated"


def shown(record: Record, name: str) -> str | None:
    """A field that shows something: a text, and not a mask (`****`) that all of its kind share."""
    value = text(record, name)
    return None if value is None or set(value) <= _MASKS else value


def accessor(auth: Record, request: Record) -> str | None:
    """The name by which uses of a token join: its accessor, else its entity and the second of its issue."""
    found = shown(request, "client_token_accessor") or shown(auth, "accessor")
    return found or _by_entity(auth, text(auth, "token_issue_time"))


def issued(auth: Record, outer: Record, at: float) -> str | None:
    """The name of a token just issued (`response.auth`), as its uses will show it.

    The entry's own `auth` (`outer`) tells what this audit device shows of a token:
    where it masks the accessor there, it does so at every use, and the accessor
    in the response, though plain, would join nothing.
    """
    masked = "accessor" in outer and shown(outer, "accessor") is None
    if not masked and (found := shown(auth, "accessor")) is not None:
        return found
    return _by_entity(auth, text(auth, "token_issue_time") or at) or shown(auth, "accessor")


def requester(call: Call, granted: Record | None = None) -> str:
    """Whose call it is: by the token that it came with, else by the one that it was `granted`.

    The role and the display name start with the auth mount that knew the holder
    (`approle`, `jwt-…`). "token" is what every token made by another is called:
    there the policies tell apart what can be told apart.
    """
    for auth in (call.auth, granted or {}):
        entity = shown(auth, "entity_id")
        if entity is not None:
            return f"vault:entity:{entity}"
        name = shown(auth, "display_name")
        role = shown(mapping(auth, "metadata"), "role_name") or shown(mapping(auth, "metadata"), "role")
        if role is not None:
            return f"vault:role:{(name or '').partition('-')[0]}/{role}"
        if name is not None:
            policies = ",".join(sorted(texts(auth, "policies"))) if name == "token" else ""
            return f"vault:token:{name}{f'/{policies}' if policies else ''}"[:NAME_LENGTH]
    return STRANGER


def _by_entity(auth: Record, when: object) -> str | None:
    entity, at = shown(auth, "entity_id"), loose_moment(when)
    return f"vault:entity:{entity}@{int(at)}" if entity is not None and at is not None else None
