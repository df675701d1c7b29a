"""Where questions are asked to be measured: a corpus, a checkout, or a project of the data folder.

Corpora and checkouts are indexed as the product does, in a folder of their own beside nobody's data.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from bot.app import sections_of
from bot.cli.checkouts import Part, index_part, open_checkout, read_roots
from bot.cli.doors import open_door
from bot.desk import Desk
from config.load import Loaded
from pipelines.evaluation.corpus import put_corpus, read_corpus
from pipelines.evaluation.measures import Level, Place
from pipelines.evaluation.questions import Asked, BadEvaluation, read_questions
from pipelines.evaluation.report import Run
from pipelines.evaluation.trial import Finder, Scored, Trial, ask_all
from pipelines.parts import INDEX_FOLDER, Knowledge, open_knowledge
from pipelines.stores.passages import Scope

_QUESTIONS: Final = "_queries"


class OnStep(Protocol):
    """Told what is being done, and how many of how many questions of a set are answered."""

    def __call__(self, doing: str, *, done: int = 0, total: int = 0) -> None:
        """Show a step."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for: files of questions and where each is asked.

    `roots_file` names the folder of each project's code, in which its questions are asked once more.
    """

    files: Sequence[Path]
    corpora: Sequence[Path] = ()
    checkouts: Sequence[tuple[str, Path]] = ()
    roots_file: Path | None = None
    level: Level = Level.FILE


def left_out(wanted: Wanted, sets: "Sequence[QuestionSet]") -> dict[str, int]:
    """Count the questions that are not asked, since no checkout of their project is named, by project."""
    here = {name for name, _ in wanted.checkouts}
    asked = [one for held in sets for one in held.asked if wanted.checkouts and not held.corpora]
    return dict(Counter(one.project for one in asked if one.project not in here))


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """The questions of one file, named after it."""

    name: str
    asked: Sequence[Asked]
    corpora: Sequence[Path] = ()

    def of(self, project: str) -> list[Asked]:
        """Pick the questions about one project."""
        return [one for one in self.asked if one.project == project]

    @property
    def projects(self) -> list[str]:
        """List the projects that are asked about, in order."""
        return list(dict.fromkeys(one.project for one in self.asked))


def question_sets(wanted: Wanted) -> list[QuestionSet]:
    """Read the files of questions and give each its corpora: those that begin with its name.

    With one file of questions every corpus belongs to it. Raises BadEvaluation, also for what is named twice: its
    questions would count twice.
    """
    names = [path.stem.removesuffix(_QUESTIONS) for path in wanted.files]
    for what, named in (("file of questions", names), ("checkout", [name for name, _ in wanted.checkouts])):
        if twice := [name for name, times in Counter(named).items() if times > 1]:
            raise BadEvaluation(f"expected every {what} once, got {twice[0]!r} again")
    owners = [(_owner(path, names), path) for path in wanted.corpora]
    return [
        QuestionSet(name, read_questions(path), [corpus for owner, corpus in owners if owner == name])
        for name, path in zip(names, wanted.files, strict=True)
    ]


async def measure(wanted: Wanted, loaded: Loaded, *, folder: Path, label: str, on_step: OnStep) -> Run:
    """Ask every question where it belongs and score what is found. What is indexed lies in `folder`.

    Raises BadEvaluation, DeskError for a project that is not there, and what opening and indexing raise.
    """
    sets = await asyncio.to_thread(question_sets, wanted)
    roots = await asyncio.to_thread(read_roots, wanted.roots_file)
    scored: list[Scored] = []
    async with AsyncExitStack() as stack:
        asking = Asking(wanted, loaded, folder, stack, roots, on_step)
        for one in sets:
            async for trial in asking.trials(one):
                scored += await _ask(trial, on_step)
        made_by = await asking.made_by()
    if not scored:
        raise BadEvaluation(f"expected a checkout of {', '.join(left_out(wanted, sets))}, got none of them")
    return Run(label, made_by, scored, (*asking.notes, *_unheard(asking.knowledge)))


def _unheard(knowledge: Knowledge | None) -> list[str]:
    """Say how often the ranker that is measured did not order anything."""
    counts = knowledge.reranking.counts if knowledge and knowledge.reranking else {}
    faults = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count and outcome != "ok")
    return [
        f"of {sum(counts.values())} orders of the ranker some failed, and the order without it held: {faults}"
    ] * bool(faults)


async def _ask(trial: Trial, on_step: OnStep) -> list[Scored]:
    done = 0

    def asked() -> None:
        nonlocal done
        done += 1
        on_step(f"asking {trial.name}", done=done, total=len(trial.asked))

    return await ask_all(trial, on_asked=asked)


@dataclass(slots=True)
class Asking:
    """Opens what questions are asked in, when it is first needed."""

    wanted: Wanted
    loaded: Loaded
    folder: Path
    stack: AsyncExitStack
    roots: Mapping[str, str]
    on_step: OnStep
    knowledge: Knowledge | None = None
    desk: Desk | None = None
    notes: list[str] = field(default_factory=list)

    async def trials(self, one: QuestionSet) -> AsyncIterator[Trial]:
        """Make each place ready and give the questions that are asked there."""
        if one.corpora:
            yield Trial(one.name, one.asked, await self._in_corpus(one))
            return
        for name, project, place in self._where(one):
            asked = one.of(project)
            find = await (self._in_checkout(place, name, asked) if place else self._in_project(project))
            yield Trial(name, asked, find, self.wanted.level)

    async def made_by(self) -> str:
        """Name what the passages were made by, as far as it is known here."""
        return self.knowledge.indexing.version if self.knowledge else "as indexed"

    def _where(self, one: QuestionSet) -> "Iterator[tuple[str, str, Part | None]]":
        """List set, project and part of a checkout; questions about a project without one are left out, if any has."""
        if not self.wanted.checkouts:
            yield from ((one.name, project, None) for project in one.projects)
            return
        for project, checkout in self.wanted.checkouts:
            if project not in one.projects:
                continue
            if project not in self.roots:
                yield one.name, project, Part(project, checkout)
                continue
            yield f"{one.name} (whole)", project, Part(project, checkout)
            yield f"{one.name} (root)", project, Part(project, checkout, self.roots[project])

    async def _opened(self) -> Knowledge:
        if self.knowledge is None:
            settings = self.loaded.settings
            # Models and vectors that are there already serve here too.
            self.knowledge = await open_knowledge(
                settings.data_dir, sections_of(settings), index_folder=self.folder / INDEX_FOLDER
            )
            self.stack.push_async_callback(self.knowledge.close)
        return self.knowledge

    async def _in_corpus(self, one: QuestionSet) -> Finder:
        self.on_step(f"indexing {one.name}")
        rows = await asyncio.to_thread(read_corpus, one.corpora)
        if unknown := {target.key for asked in one.asked for target in asked.targets} - {row.key for row in rows}:
            raise BadEvaluation(
                f"expected every answer of {one.name} in its corpus, got {min(unknown)!r}, which is not"
            )
        knowledge = await self._opened()
        project = _project(one.name)
        corpus = await put_corpus(knowledge, project, rows, files=self.loaded.settings.files)

        async def find(query: str, *, limit: int) -> list[Place]:
            found = await knowledge.searching.search(project, query, scope=Scope(), limit=limit, may_pay=True)
            return [Place(corpus.keys[hit.passage.id]) for hit in found]

        return find

    async def _in_checkout(self, part: Part, name: str, asked: Sequence[Asked]) -> Finder:
        self.on_step(f"indexing {part.project}{f' below {part.root}' if part.root else ''}")
        knowledge = await self._opened()
        project = _project(part.project, part.root or ".")
        async with open_checkout(part.checkout, self.folder, self.loaded.settings) as source:
            paths = await index_part(knowledge, project, part, source)
        answers = {target.key for one in asked for target in one.targets}
        if absent := sorted(answers - paths):
            self.notes.append(
                f"{name}: {len(absent)} of {len(answers)} answers are no file of {part}, such as {absent[0]!r}"
            )

        async def find(query: str, *, limit: int) -> list[Place]:
            found = await knowledge.searching.search(project, query, scope=Scope(), limit=limit, may_pay=True)
            return [Place(hit.passage.path, hit.passage.first_line, hit.passage.last_line) for hit in found]

        return find

    async def _in_project(self, name: str) -> Finder:
        if self.desk is None:
            self.desk = await self.stack.enter_async_context(open_door(self.loaded, command="eval"))
        desk = self.desk

        async def find(query: str, *, limit: int) -> list[Place]:
            found = await desk.search(query, project=name, limit=limit, explain=False)
            return [Place(one["path"], one["first_line"], one["last_line"]) for one in found["passages"]]

        return find


def _owner(corpus: Path, names: Sequence[str]) -> str:
    fitting = names if len(names) == 1 else [one for one in names if corpus.stem.startswith(one + "_")]
    owner = max(fitting, key=len, default="")
    if not owner:
        raise BadEvaluation(
            f"expected a corpus whose name begins with that of a file of questions ({', '.join(names)}), got {corpus.name!r}"
        )
    return owner


def _project(*parts: str) -> str:
    """Make a project id, the same in each run."""
    return "e" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]
