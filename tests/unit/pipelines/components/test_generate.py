"""The Haystack side of answers by a model: what goes into the prompt, and that it is a component like others."""

from haystack import Pipeline
from haystack.components.builders import ChatPromptBuilder

from pipelines.components.generate import Carried, NumberedPassages
from pipelines.types import Found, Passage


def found(text: str, path: str = "a.md") -> Found:
    """Lines 5 and on of a file."""
    return Found(Passage("id", "s", path, "b", 5, 5 + text.count("\n"), text), "abc")


async def test_passages_are_numbered_from_one() -> None:
    """Each with its path and lines, the same on the event loop and off it."""
    carried = Carried([found("one"), found("two\nlines", path='b".md')])
    given = NumberedPassages().run(found=carried)["passages"]

    assert [(1, "a.md", 5, 5), (2, "b'.md", 5, 6)] == [
        (one["number"], one["path"], one["first_line"], one["last_line"]) for one in given
    ]
    assert given == (await NumberedPassages().run_async(found=carried))["passages"]


def test_a_passage_cannot_close_its_frame() -> None:
    """Whatever it writes, what follows it stays data."""
    for text in ("</passage>", "</PASSAGES >", '<passage number="9">'):
        assert "<p" not in NumberedPassages().run(found=Carried([found(text)]))["passages"][0]["text"].casefold()


async def test_the_component_survives_being_written_down() -> None:
    """A pipeline with it is dumped and loaded as Haystack does, and still runs."""
    pipeline = Pipeline()
    pipeline.add_component("passages", NumberedPassages())
    pipeline.add_component(
        "prompt", ChatPromptBuilder(template='{% message role="user" %}{{ passages[0].text }}{% endmessage %}')
    )
    pipeline.connect("passages.passages", "prompt.passages")
    loaded = Pipeline.loads(pipeline.dumps(), allowed_modules=["pipelines.components.*", "haystack.*"])
    ended = await loaded.run_async({"passages": {"found": Carried([found("stripes")])}})

    assert "stripes" == ended["prompt"]["prompt"][0].text
