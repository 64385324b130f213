"""Nothing may be written any more: first no new file in the data directory, then not a byte anywhere.

Root writes where it likes, so for root the server is started without the right to. What stands for a file system that
went read-only is a limit of the process on the size of files: each write fails, wherever it goes, its own log too.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.chaos.ground import Ground
from bench.chaos.scene import AFTER, DURING, Figures, Scale, Scene
from bench.chaos.site import OWN, Site

NO_NEW_FILE = "no new file"
POWERS = "dac_override,dac_read_search,fowner"


def powerless() -> Sequence[str]:
    """The server's command, so that modes hold for it as for anybody."""
    if os.geteuid() != 0:
        return OWN
    dropped = ",".join(f"-{power}" for power in POWERS.split(","))
    return ["setpriv", f"--bounding-set={dropped}", f"--inh-caps={dropped}", *OWN]


@contextmanager
def without_new_files(directory: Path) -> Iterator[None]:
    """Nobody may make or remove files there."""
    mode = directory.stat().st_mode
    directory.chmod(0o500)
    yield
    directory.chmod(mode)


@contextmanager
def without_writing(pid: int) -> Iterator[None]:
    """A process may write to no file."""
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
    yield
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))


def readonly(ground: Ground, folder: Path, scale: Scale) -> Figures:
    """The directory, then every file; a restart on such a directory says why it does not start."""
    command = powerless()
    with Scene(ground, folder, "readonly", command=command) as scene:
        scene.calm(scale.seconds)
        with without_new_files(scene.data):
            scene.load.live(NO_NEW_FILE, scale.seconds)
        with without_writing(scene.site.pid):
            scene.load.live(DURING, scale.seconds)
            scene.tell("trouble", scene.site.trouble())
        waited = scene.site.becomes(ready=True)
        scene.load.live(AFTER, scale.seconds / 2)
        scene.tell("durable again after, s", f"{waited:.1f}")
    return scene.figures.telling("a start then says", _refusal(ground, folder, command))


def _refusal(ground: Ground, folder: Path, command: Sequence[str]) -> str:
    """What a server says that is started where it may not write."""
    data = ground.copy(folder / "refused" / "data")
    with without_new_files(data):
        try:
            site = Site(data, secrets=ground.secrets, errors=folder / "refused.log", command=command)
        except RuntimeError as refused:
            return str(refused)
        site.stop()
    return "nothing: it started"
