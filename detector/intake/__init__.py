"""Files, archives, directories, streams and bodies into events; and events into files. Memory stays flat."""

from detector.intake.bodies import decode_body
from detector.intake.files import read
from detector.intake.following import follow
from detector.intake.rejected import Rejected

__all__ = ["Rejected", "decode_body", "follow", "read"]
