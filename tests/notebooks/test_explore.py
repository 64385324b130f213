"""The analyst's notebook runs from top to bottom, on the samples, as someone who opens it first would run it."""

from __future__ import annotations

import base64
import warnings
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

PICTURES = 4  # what the notebook draws: verdicts, the baseline, the reasons, the day before
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def notebook(root: Path) -> nbformat.NotebookNode:
    """The notebook as committed."""
    return nbformat.read(root / "notebooks" / "explore.ipynb", as_version=4)


def test_notebook_is_committed_without_outputs(notebook: nbformat.NotebookNode) -> None:
    """No outputs, no execution counts: a diff of it is a diff of what somebody wrote."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert cells
    assert [cell.outputs for cell in cells] == [[]] * len(cells)
    assert {cell.execution_count for cell in cells} == {None}


@pytest.mark.process
def test_notebook_runs_on_the_samples(notebook: nbformat.NotebookNode, tmp_path: Path) -> None:
    """In a folder without a log it learns the samples; every cell runs, plots are pictures, a verdict has reasons."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the kernel's own: none of ours reach this process
        NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    pictures = [
        base64.b64decode(output.data["image/png"]) for output in outputs if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == PICTURES
    assert all(picture.startswith(PNG) for picture in pictures)
    printed = "".join(output.text for output in outputs if output.output_type == "stream" and output.name == "stdout")
    assert "expected" in printed
    assert "observed" in printed
