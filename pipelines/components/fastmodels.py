"""Models that fastembed runs on this machine: where their files lie, and what to do when they do not.

Imported only when such a model is asked for: the package is an extra.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from loguru import logger
from onnxruntime.capi import onnxruntime_pybind11_state

from pipelines.types import ModelUnavailable

T = TypeVar("T")

DEFAULT_ENCODER: Final = "BAAI/bge-small-en-v1.5"
DEFAULT_CROSS_ENCODER: Final = "Xenova/ms-marco-MiniLM-L-6-v2"
FAULTS: Final[tuple[type[Exception], ...]] = (
    *(RuntimeError, ValueError, OSError),
    # The runtime's own have no class in common.
    *(
        kind
        for kind in vars(onnxruntime_pybind11_state).values()
        if isinstance(kind, type) and issubclass(kind, Exception)
    ),
)

logger.disable("fastembed")  # it writes to the terminal by itself; what is wrong we say ourselves


def places(model: str, folder: Path, *, may_download: bool) -> dict[str, Any]:
    """Say to fastembed where a model's files are: in a folder named like the model, else in its own cache there."""
    copied = folder / model.rpartition("/")[2]
    own = {"specific_model_path": str(copied)} if copied.is_dir() else {}
    return {"cache_dir": str(folder), "local_files_only": not may_download, **own}


def loaded(load: Callable[[], T], model: str, folder: Path) -> T:
    """Load a model. Raises ModelUnavailable that says how to get its files when that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return load()
    except FAULTS as error:
        raise ModelUnavailable(
            f"expected the model {model!r} in {str(folder)!r}, got {type(error).__name__}: run `roomwise models`, "
            "which fetches it, or copy its files there (docs/models.md)",
            kind="unreachable",
        ) from error
