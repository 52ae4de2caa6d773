"""What phrase grounding offers."""

from pathlib import Path

from seetell.tasks.registry import Option, Task

TASK = Task(
    name="grounding",
    command="align",
    summary="Cut a sentence into phrases and find the box of each in an image.",
    result="regions",
    example='seetell align photo.jpg "a dog runs through the grass"',
    predict="predict:PhraseGrounder",
    backends={"hf": "hub:load"},
    evaluate="evaluate:evaluate",
    explain="explain:explain",
    config="config:GroundingConfig",
    train="train:Training",
    main_scores=("phrases_R@1", "search_R@1"),
    model="model:build",
    export="export:graphs",
    architectures=("Florence2ForConditionalGeneration",),
    options=(Option("beta", float, "How strongly neighbouring words stay together: 0 cuts most often.", minimum=0),),
    evaluate_options=(Option("boxes", Path, "Flickr30k Entities, to locate its phrases in the images."),),
    text_input="sentence",
    reads=("retrieval",),
)
