"""Opening everything from settings: cheap without a model, whole with one, closed when done."""

import subprocess
import sys
from pathlib import Path

from pipelines.parts import Sections, open_knowledge
from tests.fakes.project import settings

SETTINGS = settings()


def sections(**llm: object) -> Sections:
    """The packaged settings, with changes to [llm] and without an embedder."""
    return Sections(
        llm=SETTINGS.llm.model_copy(update=llm),
        embedder=SETTINGS.embedder.model_copy(update={"kind": "none"}),
        answers=SETTINGS.answers,
        files=SETTINGS.files,
        limits=SETTINGS.limits,
    )


async def test_without_a_model_everything_opens_but_the_writer(tmp_path: Path) -> None:
    """A store that keeps, a search that finds, and no writer; a key alone would change nothing."""
    knowledge = await open_knowledge(tmp_path, sections(base_url="http://127.0.0.1:9/v1"))
    await knowledge.store.create("p")

    assert knowledge.writer is None
    assert 0 == await knowledge.store.generation("p")
    await knowledge.close()


async def test_with_a_model_there_is_a_writer(tmp_path: Path) -> None:
    """Nothing is asked of the endpoint before the first question."""
    knowledge = await open_knowledge(tmp_path, sections(model="m", base_url="http://127.0.0.1:9/v1"))

    assert knowledge.writer is not None
    await knowledge.close()


def test_openai_is_not_imported_without_a_model(tmp_path: Path) -> None:
    """A fresh process that opens everything without a model has not paid for the client library."""
    program = (
        "import asyncio, sys, pathlib\n"
        "from tests.unit.pipelines.test_parts import sections\n"
        "from pipelines.parts import open_knowledge\n"
        "knowledge = asyncio.run(open_knowledge(pathlib.Path(sys.argv[1]), sections()))\n"
        "sys.exit('openai' in sys.modules)\n"
    )

    assert 0 == subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False).returncode


def test_importing_the_package_is_cheap() -> None:
    """`import pipelines` and its words load neither haystack nor numpy."""
    program = "import sys, pipelines, pipelines.types; sys.exit(bool({'haystack', 'numpy'} & set(sys.modules)))"

    assert 0 == subprocess.run([sys.executable, "-c", program], check=False).returncode
