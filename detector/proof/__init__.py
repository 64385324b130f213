"""What proves a log: Merkle trees (RFC 6962), signed notes and checkpoints (C2SP), and the bytes that an entry is.

Hashing and signatures, no more: no file, no clock and no randomness. Who holds one old checkpoint and the key that
signed it can tell whether a log that he is shown later still begins as it did.
"""

from detector.proof.checkpoint import Checkpoint
from detector.proof.discrepancy import Discrepancy
from detector.proof.entry import entry_bytes
from detector.proof.growth import Growth
from detector.proof.inclusion import Inclusion
from detector.proof.keys import KeyRefused, Signer, Verifier
from detector.proof.merkle import (
    EMPTY_ROOT,
    HASH_BYTES,
    ProofRefused,
    consistency,
    consistent,
    included,
    inclusion,
    leaf_hash,
    node_hash,
    root_between,
)
from detector.proof.note import Note, NoteRefused
from detector.proof.tree import TILE_HASHES, Tile, Tree, nodes_of, split

__all__ = [
    "EMPTY_ROOT",
    "HASH_BYTES",
    "TILE_HASHES",
    "Checkpoint",
    "Discrepancy",
    "Growth",
    "Inclusion",
    "KeyRefused",
    "Note",
    "NoteRefused",
    "ProofRefused",
    "Signer",
    "Tile",
    "Tree",
    "Verifier",
    "consistency",
    "consistent",
    "entry_bytes",
    "included",
    "inclusion",
    "leaf_hash",
    "node_hash",
    "nodes_of",
    "root_between",
    "split",
]
