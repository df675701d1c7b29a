"""Models of a few kilobytes in the files that fastembed wants: they are run for real, and know some twenty words."""

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

WORDS = (
    "[PAD] [UNK] delete remove erase account user customer depot route package install run start port how do i near far"
).split()
ALIKE = {"remove": "delete", "erase": "delete", "user": "customer", "account": "customer", "start": "run"}
"""Words that have another's vector."""

_VARINT, _BYTES, _FLOAT, _INT64, _INTS, _INT = 0, 2, 1, 7, 7, 2


def write_encoder(folder: Path, *, width: int = 384, broken: str = "") -> None:
    """Write a model that gives the mean of a text's word vectors, under the file names of BAAI/bge-small-en-v1.5.

    The vector of the word `broken` holds no numbers.
    """
    rng = np.random.default_rng(7)
    vectors = {word: rng.normal(size=width) for word in WORDS}
    table = np.array([vectors[ALIKE.get(word, word)] for word in WORDS], dtype=np.float32)
    table[0] = 0.0
    if broken:
        table[WORDS.index(broken)] = np.nan
    _write(folder, "model_optimized.onnx", _graph(table, "last_hidden_state", keeps_axis=True))


def write_cross_encoder(folder: Path, scores: Mapping[str, float]) -> None:
    """Write a model that scores a pair by its words, under the names of Xenova/ms-marco-MiniLM-L-6-v2."""
    table = np.array([[scores.get(word, 0.0)] for word in WORDS], dtype=np.float32)
    _write(folder, "onnx/model.onnx", _graph(table, "logits", keeps_axis=False))


def _write(folder: Path, name: str, graph: bytes) -> None:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    opset = _field(8, _field(1, b"") + _number(2, 13))
    file.write_bytes(_number(1, 8) + _field(7, graph) + opset)
    tokenizer = Tokenizer(WordLevel({word: place for place, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps({"pad_token_id": 0}))
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 512, "pad_token": "[PAD]"}))
    (folder / "special_tokens_map.json").write_text(json.dumps({"pad_token": "[PAD]", "unk_token": "[UNK]"}))


def _graph(table: NDArray[np.float32], output: str, *, keeps_axis: bool) -> bytes:
    """Gather the rows of the words' numbers, then take their mean. Source of the numbers: onnx.proto, ONNX 1.9."""
    rank = [b"b", b"1", b"w"] if keeps_axis else [b"b", b"w"]
    mean = _attribute("axes", ints=[1]) + _attribute("keepdims", number=int(keeps_axis))
    return b"".join(
        [
            _node("Gather", ["table", "input_ids"], "rows"),
            _node("ReduceMean", ["rows"], output, mean),
            _field(2, b"tiny"),
            _field(5, _tensor("table", table)),
            *(_value(11, name, _INT64, [b"b", b"s"]) for name in ("input_ids", "attention_mask")),
            _value(12, output, _FLOAT, rank),
        ]
    )


def _node(kind: str, inputs: Sequence[str], output: str, attributes: bytes = b"") -> bytes:
    names = b"".join(_field(1, name.encode()) for name in inputs)
    return _field(1, names + _field(2, output.encode()) + _field(4, kind.encode()) + attributes)


def _attribute(name: str, *, ints: Sequence[int] = (), number: int = 0) -> bytes:
    value = b"".join(_number(8, one) for one in ints) if ints else _number(3, number)
    return _field(5, _field(1, name.encode()) + value + _number(20, _INTS if ints else _INT))


def _tensor(name: str, values: NDArray[np.float32]) -> bytes:
    dims = b"".join(_number(1, size) for size in values.shape)
    return dims + _number(2, _FLOAT) + _field(8, name.encode()) + _field(9, values.tobytes())


def _value(field: int, name: str, kind: int, dims: Sequence[bytes]) -> bytes:
    shape = b"".join(_field(1, _field(2, dim)) for dim in dims)
    return _field(field, _field(1, name.encode()) + _field(2, _field(1, _number(1, kind) + _field(2, shape))))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3 | _VARINT) + _varint(value)


def _field(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | _BYTES) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    groups = []
    while True:
        value, low = value >> 7, value & 0x7F
        groups.append(low | (0x80 if value else 0))
        if not value:
            return struct.pack(f"{len(groups)}B", *groups)
