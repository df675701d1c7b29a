"""Models that fastembed runs on this machine: where their files lie, and what to do when they do not.

Imported only when such a model is asked for: the package is an extra.
"""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """The files of a model: its name, the folder of all models, and whether what is missing may be fetched."""

    model: str
    folder: Path
    may_download: bool

    def loaded(self, load: Callable[..., T], *, known: Sequence[Mapping[str, Any]]) -> T:
        """Load the model by fastembed, which knows those; `load` takes its name and where its files are.

        Raises ModelUnavailable that says how to get the files when that fails.
        """
        if self.model.lower() not in (names := {str(one["model"]).lower(): str(one["model"]) for one in known}):
            close = difflib.get_close_matches(self.model.lower(), names, n=1)
            raise ModelUnavailable(
                f"expected a model that fastembed runs, got {self.model!r}"
                + (f"; did you mean {names[close[0]]!r}?" if close else f", which has {len(names)} others")
            )
        try:
            if self.may_download:
                self.folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # the data folder
                self.folder.mkdir(exist_ok=True)
            elif not self.folder.is_dir():  # fastembed would make it, and all above it
                raise FileNotFoundError(self.folder)
            return load(self.model, **self._places())
        except FAULTS as error:
            came = f"{str(self.folder)!r}, got {type(error).__name__}"
            if self.may_download:
                raise ModelUnavailable(
                    f"expected to fetch the model {self.model!r} into {came}: is there a way to the Hugging Face hub, "
                    "or to the mirror that HF_ENDPOINT names? Else copy its files there (docs/models.md)",
                    kind="unreachable",
                ) from error
            raise ModelUnavailable(
                f"expected the model {self.model!r} in {came}: run `roomwise models`, "
                "which fetches it, or copy its files there (docs/models.md)",
                kind="unreachable",
            ) from error

    def _places(self) -> dict[str, Any]:
        """Say where the files are: in a folder named like the model, else in fastembed's own cache there."""
        copied = self.folder / self.model.rpartition("/")[2]
        own = {"specific_model_path": str(copied)} if copied.is_dir() else {}
        return {"cache_dir": str(self.folder), "local_files_only": not self.may_download, **own}
