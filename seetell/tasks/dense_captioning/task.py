"""What dense captioning offers."""

from pathlib import Path

from seetell.tasks.registry import Option, Task

TASK = Task(
    name="dense_captioning",
    command="regions",
    summary="Find regions of images and describe each in a phrase.",
    result="regions",
    example="seetell regions photo.jpg --top 5",
    predict="predict:DenseCaptioner",
    backends={"hf": "hub:load"},
    evaluate="evaluate:evaluate",
    explain="explain:explain",
    config="config:DenseCaptioningConfig",
    train="train:Training",
    main_scores=("dense_mAP",),
    model="model:build",
    export="export:graphs",
    architectures=("Florence2ForConditionalGeneration",),
    options=(
        Option("top", int, "Maximum number of regions per image.", 10, minimum=1, maximum=100, served=True),
        Option(
            "threshold",
            float,
            "Least score of a region, from 0 to 1; the model's own when absent.",
            minimum=0,
            maximum=1,
            served=True,
        ),
    ),
    evaluate_options=(
        Option("captions", Path, "With Flickr30k Entities: the data set whose images and splits count."),
    ),
)
