"""What the task offers."""

from seetell.tasks.registry import Option, Task

TASK = Task(
    name="brightness",
    command="brighten",
    summary="Say whether images are dark or bright.",
    result="labels",
    example="seetell brighten photo.jpg",
    predict="predict:Judge",
    evaluate="evaluate:evaluate",
    config="config:BrightnessConfig",
    train="train:Training",
    model="model:build",
    export="export:graphs",
    options=(Option("top", int, "Labels per image.", 2, minimum=1, maximum=2, served=True),),
)
