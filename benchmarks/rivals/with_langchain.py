"""The usual tutorial: LangChain's recursive splitter (1,000 characters, 200 overlap) and Chroma, with the same embedder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from job import Find, run, texts
from langchain_chroma import Chroma
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_text_splitters import RecursiveCharacterTextSplitter
from model2vec import StaticModel

_BATCH = 5000


class Static(Embeddings):
    """The handed-in weights as LangChain wants them."""

    def __init__(self, folder: str) -> None:
        self._model = StaticModel.from_pretrained(folder)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed passages."""
        return self._model.encode(texts).tolist()

    def embed_query(self, text: str) -> list[float]:
        """Embed a question."""
        return self._model.encode([text])[0].tolist()


def build(job: dict[str, Any]) -> Find:
    """Split, embed and store in memory."""
    documents = [Document(text, metadata={"path": path}) for path, text in texts(Path(job["folder"])) if text.strip()]
    splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
    pieces = splitter.split_documents(documents)
    store = Chroma("passages", Static(job["model"]), collection_metadata={"hnsw:space": "cosine"})
    for start in range(0, len(pieces), _BATCH):
        store.add_documents(pieces[start : start + _BATCH])

    def find(query: str) -> Sequence[tuple[str, int, int]]:
        return [(one.metadata["path"], 1, 1) for one in store.similarity_search(query, k=job["limit"])]

    return find


if __name__ == "__main__":
    run(build)
