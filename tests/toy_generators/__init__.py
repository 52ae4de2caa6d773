"""Two tasks that need nothing but a model, for tests: letters in a row, and grey views."""

from __future__ import annotations

from seetell.tasks.registry import Option, Task

LETTERS = Task(
    name="spelling",
    command="spell",
    input="none",
    summary="Spell the alphabet.",
    result="passage",
    example="seetell spell alphabet",
    predict="made:Letters",
    without_model={"alphabet": "made:Letters"},
    options=(Option("length", int, "Letters of a text.", 3, minimum=1), Option("count", int, "Texts.", 1)),
    package="toy_generators",
)

GREYS = Task(
    name="greying",
    command="grey",
    input="none",
    summary="Make grey views.",
    result="view",
    example="seetell grey shades --output greys.png",
    predict="made:Greys",
    without_model={"shades": "made:Greys"},
    options=(Option("views", int, "How many.", 3, minimum=1),),
    package="toy_generators",
)
