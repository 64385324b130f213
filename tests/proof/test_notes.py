"""Signed notes, keys and checkpoints, held to C2SP's words and to signatures that others made."""

from __future__ import annotations

from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.proof import Checkpoint, KeyRefused, Note, NoteRefused, Signer, Verifier

PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETERS_SECRET = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
BY_PETER = (
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
BY_ENOCH = (
    "\u2014 EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
)
"""Keys and signatures of Go's sumdb, where the format comes from."""

SALVATORE = (
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
    "\u2014 quasimodo.example/salvatore "
    "NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
)
SOFA = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "\u2014 example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)
"""The examples of C2SP signed-note and tlog-checkpoint."""

OURS = Signer("assayer.example/log", bytes(range(32)))


def parsed(text: str) -> Note:
    """A note from its text."""
    return Note.parse(text.encode())


def test_we_sign_as_others_do() -> None:
    """The published key over the published text gives the published note, to the byte."""
    note = Note.signed(TEXT, Signer.parse(PETERS_SECRET))
    assert note.encoded().decode() == TEXT + "\n" + BY_PETER
    assert Signer.parse(PETERS_SECRET).verifier.text() == PETER


def test_signatures_that_others_made_are_believed() -> None:
    """One known key or two: each that signed is named, in the note's order."""
    note, peter, enoch = parsed(TEXT + "\n" + BY_PETER + BY_ENOCH), Verifier.parse(PETER), Verifier.parse(ENOCH)
    assert note.signers([peter, enoch]) == (peter, enoch)
    assert note.signers([enoch]) == (enoch,)


def test_unknown_signatures_are_ignored_and_not_enough() -> None:
    """Of keys that nobody knows, a signature neither helps nor harms.

    "Verifiers MUST ignore signatures from unknown keys, even if they share a name or ID (but not both) with a known
    key." "If no signature from a known key verifies successfully, clients MUST reject the note."
    """
    peter = Verifier.parse(PETER)
    other = Signer("PeterNeumann", bytes(32)).verifier
    assert parsed(TEXT + "\n" + BY_ENOCH + BY_PETER).signers([peter, other]) == (peter,)
    for known in ([], [other], [Verifier.parse(ENOCH)]):
        with pytest.raises(NoteRefused, match="no key that is known"):
            parsed(TEXT + "\n" + BY_PETER).signers(known)


def test_a_known_keys_wrong_signature_spoils_the_note() -> None:
    """Another key's good signature is no help.

    "If a signature from a known key fails to verify, clients SHOULD reject the whole note."
    """
    peter, enoch = Verifier.parse(PETER), Verifier.parse(ENOCH)
    flipped = BY_PETER[:40] + ("A" if BY_PETER[40] != "A" else "B") + BY_PETER[41:]
    for note in (TEXT + "\n" + flipped + BY_ENOCH, TEXT.replace("think", "thinks") + "\n" + BY_PETER + BY_ENOCH):
        with pytest.raises(NoteRefused, match="not over this text"):
            parsed(note).signers([peter, enoch])


@pytest.mark.parametrize("text", [SALVATORE, SOFA, TEXT + "\n" + BY_PETER + BY_ENOCH], ids=["note", "checkpoint", "go"])
def test_the_standards_examples_are_read_and_written_alike(text: str) -> None:
    """What is read is written again: "the text is separated from the signatures by the last empty line in the note"."""
    assert parsed(text).encoded().decode() == text


def test_the_checkpoints_example_is_one() -> None:
    """Origin, tree size and root hash, one a line."""
    checkpoint = Checkpoint.of(parsed(SOFA))
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert checkpoint.root == b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
    assert checkpoint.text() == parsed(SOFA).text


def test_sixteen_signatures_are_accepted_and_a_flood_is_not() -> None:
    """There is a limit, and verifiers "MUST accept at least up to 16 signatures"."""
    peter = Verifier.parse(PETER)
    assert parsed(TEXT + "\n" + BY_ENOCH * 15 + BY_PETER).signers([peter]) == (peter,)
    with pytest.raises(NoteRefused, match="more than"):
        parsed(TEXT + "\n" + BY_PETER * 101)


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        (TEXT + "\n").encode(),
        (TEXT + "\n" + BY_PETER).encode()[:-1],
        ("\x01" + TEXT + "\n" + BY_PETER).encode(),
        (TEXT.replace("\n", "\r\n") + "\n" + BY_PETER).encode(),
        b"\xff" + (TEXT + "\n" + BY_PETER).encode(),
        (TEXT + "\n" + BY_PETER + "Unexpected line.\n").encode(),
        (TEXT + "\n" + BY_PETER.replace("PeterNeumann", "Bad Name")).encode(),
        (TEXT + "\n" + BY_PETER.replace("PeterNeumann", "Bad+Name")).encode(),
        (TEXT + "\n" + BY_PETER.replace("PeterNeumann", "Bad\u2003Name")).encode(),
        (TEXT + "\n" + BY_PETER.replace("\u2014", "-")).encode(),
        (TEXT + "\n" + BY_PETER.replace("AM=", "AN=")).encode(),
        (TEXT + "\n\u2014 PeterNeumann x08gow==\n").encode(),
        ("\n" + BY_PETER).encode(),
        b"",
        b"x" * 2_000_000,
    ],
)
def test_what_is_no_note_is_refused(data: bytes) -> None:
    """Anything that is not written as the standard writes it, to the last bit of its base64, is no note."""
    with pytest.raises(NoteRefused):
        Note.parse(data)


@given(st.binary(max_size=300))
def test_no_bytes_upset_the_reader(data: bytes) -> None:
    """A note is read or refused, whatever the bytes."""
    try:
        note = Note.parse(data)
    except NoteRefused:
        return
    assert note.encoded() == data


@pytest.mark.parametrize(
    ("key", "kind"), [(PETER, Verifier), (PETERS_SECRET, Signer), (OURS.verifier.text(), Verifier)]
)
def test_every_mangled_key_is_refused(key: str, kind: type[Verifier | Signer]) -> None:
    """Any piece of a key, and a key with any one character another, is no key; the key itself is written as it was."""
    assert kind.parse(key).text() == key
    pieces = [key[i:j] for i in range(len(key)) for j in range(i, len(key) + 1) if (i, j) != (0, len(key))]
    mangled = [key[:at] + chr(ord(key[at]) + 1) + key[at + 1 :] for at in range(len(key))]
    for wrong in [*pieces, *mangled, key + "\n", key + "=", ""]:
        with pytest.raises(KeyRefused):
            kind.parse(wrong)


def test_keys_of_another_kind_or_length_are_refused() -> None:
    """An unknown algorithm and a wrong length are refused also where the id was made to fit."""
    with pytest.raises(KeyRefused, match="not an Ed25519 key"):
        Verifier.parse("PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    with pytest.raises(KeyRefused, match="32 bytes"):
        Verifier.parse("PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEQ==")
    for name in ("", "a b", "a+b", "a\tb"):
        with pytest.raises(KeyRefused, match="name"):
            Signer(name, bytes(32))


def test_a_signers_repr_keeps_its_secret() -> None:
    """What ends in a traceback or a log names the public key only."""
    assert OURS.verifier.text() in repr(OURS)
    assert b64encode(b"\x01" + OURS.seed).decode() not in repr(OURS)


def test_a_checkpoint_goes_through_a_note_unchanged() -> None:
    """What was signed is what is read, the key that follows included."""
    following = Signer("assayer.example/log", bytes(32))
    checkpoint = Checkpoint(OURS.name, 7, b"r" * 32).naming(following.verifier)
    note = Note.parse(checkpoint.signed(OURS, following).encoded())
    assert note.signers([OURS.verifier, following.verifier]) == (OURS.verifier, following.verifier)
    assert Checkpoint.of(note) == checkpoint
    assert checkpoint.next_key() == following.verifier
    assert Checkpoint(OURS.name, 7, b"r" * 32).next_key() is None


@pytest.mark.parametrize(
    "text",
    [
        "origin\n1\n",
        "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "origin\n01\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "origin\n-1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "origin\n\u0661\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "origin\n99999999999999999999\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "origin\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I\n",
        "origin\n1\nAAAA\n",
        "origin\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\nextension\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    """It has "at least three non-empty lines"; a size "with no leading zeroes"; a root of a SHA-256's length."""
    with pytest.raises(NoteRefused):
        Checkpoint.of(Note.signed(text, OURS))


def test_a_rotation_to_what_is_no_key_is_refused() -> None:
    """The line that names the next key holds a key, or the checkpoint is none."""
    with pytest.raises(NoteRefused, match="the key that is to follow"):
        Checkpoint("origin", 1, bytes(32), ("next-key nonsense",)).next_key()


def test_a_text_that_no_note_can_hold_is_not_signed() -> None:
    """Control characters, and a text without an end, would make a note that nobody reads."""
    for text in ("no end", "a\tb\n", ""):
        with pytest.raises(ValueError, match="ends in a newline"):
            Note.signed(text, OURS)
