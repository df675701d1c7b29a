"""What lies on a Weaviate server: two collections for each version of an index, and one that names the projects.

    Roomwise<installation>Projects           an object for each project: its state, see weaviate_state.py
    Roomwise<installation>Passages<version>  a tenant for each index: passages with their terms and vectors
    Roomwise<installation>Files<version>     the same tenants: the manifest, a row for each file as one change wrote it

The server cuts texts at spaces only: the terms come ready made from `components.keywords`, so that both stores find the
same words. What a passage says is packed into one property that is not indexed, so no name in it can collide.

The id of a passage is that of its row with the last eight digits replaced by the place in the file: what a search finds
names its row and its place, without a property for either that would have to be stored, indexed and read.
"""

import hashlib
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from weaviate.classes.config import (
    Configure,
    DataType,
    Property,
    ReplicationDeletionStrategy,
    StopwordsPreset,
    Tokenization,
    VectorDistances,
)

from pipelines.components.keywords import ANALYSIS_VERSION, FIELD_WEIGHTS

SCHEMA_VERSION: Final = 2
VECTOR: Final = "meaning"
TERMS: Final = {name: f"terms_{name}" for name in FIELD_WEIGHTS}
SEARCHED: Final = [f"{TERMS[name]}^{weight}" for name, weight in FIELD_WEIGHTS.items()]
_IDS: Final = uuid.UUID("8f6c2b1e-3f0a-5d0e-9a53-6d2f0f3f6c11")
_SCHEMA: Final = re.compile(r"schema (\d{1,9})\)")
_OF_ROW: Final = "ffffffff"  # no file has so many passages


@dataclass(frozen=True, slots=True)
class Layout:
    """How new collections are made.

    `index` is "flat" (a search compares all vectors), "hnsw" (it follows a graph of neighbours), or "none" where vectors
    order what words have found, for which those in the rows of the files are enough; `quantized` lets the server keep
    eight bits of each number for either of the others. `made_by` names the splitter and the embedder. `replicas` is
    the number of nodes that hold each tenant.
    """

    index: str = "flat"
    quantized: bool = False
    replicas: int = 1
    made_by: str = ""

    @property
    def has_vectors(self) -> bool:
        """Whether the server can be asked for the nearest passages."""
        return self.index != "none"

    @property
    def version(self) -> str:
        """The version that these collections carry in their names."""
        told = (SCHEMA_VERSION, ANALYSIS_VERSION, self.index, self.quantized, self.made_by)
        return hashlib.sha256(repr(told).encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class Names:
    """What the collections of an installation are called; `installation` is of lower-case letters and digits."""

    installation: str

    @property
    def projects(self) -> str:
        """The collection of projects."""
        return f"Roomwise{self.installation}Projects"

    def passages(self, version: str) -> str:
        """The collection of passages of a version."""
        return f"Roomwise{self.installation}Passages{version}"

    def files(self, version: str) -> str:
        """The collection of manifest rows of a version."""
        return f"Roomwise{self.installation}Files{version}"

    @property
    def mark(self) -> str:
        """What each collection of ours says of itself, so that no other of the same name is taken for it."""
        return (
            f"Made by Roomwise (installation {self.installation}, schema {SCHEMA_VERSION}); not to be changed by hand."
        )


def schema_of(mark: str, names: Names) -> int:
    """The schema of a collection that says `mark` of itself, 0 when this installation did not make it."""
    found = _SCHEMA.search(mark)
    is_ours = found is not None and mark == _SCHEMA.sub(found[0], names.mark)
    return int(found[1]) if found is not None and is_ours else 0


def state_id(project: str) -> str:
    """The id of a project's state."""
    return str(uuid.uuid5(_IDS, f"project/{project}"))


def row_id(tenant: str, source: str, path: str, born: int) -> str:
    """The id of a manifest row: of a file as one change wrote it. 90 bits tell one from another."""
    return str(uuid.uuid5(_IDS, "\0".join((tenant, source, path, str(born)))))[: -len(_OF_ROW)] + _OF_ROW


def object_id(row: str, at: int) -> str:
    """The id of the passage at a place of a file."""
    return f"{row[: -len(_OF_ROW)]}{at:08x}"


def place_of(id_: str) -> tuple[str, int]:
    """The id of the row that a passage belongs to, and its place in the file."""
    return id_[: -len(_OF_ROW)] + _OF_ROW, int(id_[-len(_OF_ROW) :], 16)


def projects_config(names: Names, layout: Layout) -> dict[str, Any]:
    """What the collection of projects is made of."""
    return {
        "name": names.projects,
        "description": names.mark,
        "properties": [_whole("project"), _kept("state")],
        "vector_config": _no_vectors(),
        "replication_config": _replicated(layout),
    }


def files_config(names: Names, layout: Layout) -> dict[str, Any]:
    """What a collection of manifest rows is made of."""
    return {
        "name": names.files(layout.version),
        "description": names.mark,
        "properties": [
            *map(_whole, ("source", "path", "blob")),
            *map(_kept, ("room", "splitter", "skipped", "ahead", "codes")),
            *(_number(name, indexed=True) for name in ("born", "depth")),
            *map(_number, ("passages", "size_bytes", "redacted", "width")),
        ],
        "inverted_index_config": _inverted(),
        "vector_config": _no_vectors(),
        **_shared(layout),
    }


def passages_config(names: Names, layout: Layout) -> dict[str, Any]:
    """What a collection of passages is made of."""
    return {
        "name": names.passages(layout.version),
        "description": names.mark,
        "properties": [
            *map(_searched, TERMS.values()),
            *map(_whole, ("pid", "source", "room", "part")),
            _whole("defines", DataType.TEXT_ARRAY),
            _number("born", indexed=True),
            _kept("body"),
        ],
        "inverted_index_config": _inverted(),
        "vector_config": _vectors(layout),
        **_shared(layout),
    }


def known_properties(config: dict[str, Any]) -> set[str]:
    """The names of the properties that a collection of ours has."""
    properties: Sequence[Property] = config["properties"]
    return {one.name for one in properties}


def _vectors(layout: Layout) -> Any:
    if not layout.has_vectors:
        return _no_vectors()
    return Configure.Vectors.self_provided(
        name=VECTOR,
        quantizer=Configure.VectorIndex.Quantizer.rq(bits=8) if layout.quantized else _as_they_are(),
        vector_index_config=_vector_index(layout.index),
    )


def _vector_index(kind: str) -> Any:
    if kind == "hnsw":
        return Configure.VectorIndex.hnsw(
            distance_metric=VectorDistances.COSINE,
            ef=-1,  # by how many are asked for, within these bounds: with the server's own, recall@20 was 0.94
            dynamic_ef_min=320,
            dynamic_ef_max=1_000,
            ef_construction=192,
            max_connections=32,
        )
    return Configure.VectorIndex.flat(distance_metric=VectorDistances.COSINE)


def _as_they_are() -> Any:
    return Configure.VectorIndex.Quantizer.none()


def _no_vectors() -> Any:
    return Configure.Vectors.self_provided(vector_index_config=Configure.VectorIndex.none())


def _inverted() -> Any:
    """BM25 with the constants that tantivy has; terms are left as they are, function words too."""
    return Configure.inverted_index(bm25_b=0.75, bm25_k1=1.2, stopwords_preset=StopwordsPreset.NONE)


def _shared(layout: Layout) -> dict[str, Any]:
    return {
        "multi_tenancy_config": Configure.multi_tenancy(
            enabled=True, auto_tenant_creation=False, auto_tenant_activation=True
        ),
        "replication_config": _replicated(layout),
    }


def _replicated(layout: Layout) -> Any:
    """What is deleted stays so: ids are never used again, so of two nodes the later is always right."""
    return Configure.replication(
        factor=layout.replicas, deletion_strategy=ReplicationDeletionStrategy.TIME_BASED_RESOLUTION
    )


def _searched(name: str) -> Property:
    """Terms with spaces between, for BM25."""
    return Property(
        name=name,
        data_type=DataType.TEXT,
        tokenization=Tokenization.WHITESPACE,
        index_filterable=False,
        index_searchable=True,
    )


def _whole(name: str, kind: DataType = DataType.TEXT) -> Property:
    """A text that is found as a whole."""
    return Property(
        name=name, data_type=kind, tokenization=Tokenization.FIELD, index_filterable=True, index_searchable=False
    )


def _kept(name: str) -> Property:
    """A text that is only kept."""
    return Property(name=name, data_type=DataType.TEXT, index_filterable=False, index_searchable=False)


def _number(name: str, *, indexed: bool = False) -> Property:
    return Property(name=name, data_type=DataType.INT, index_filterable=indexed)
