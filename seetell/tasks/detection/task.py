"""What object detection offers."""

from pathlib import Path

from seetell.tasks.registry import Option, Task

TASK = Task(
    name="detection",
    command="detect",
    summary="Find the objects of images and name each.",
    result="regions",
    example="seetell detect photo.jpg --threshold 0.5",
    predict="predict:BundleDetector",
    backends={"hf": "hub:load"},
    evaluate="evaluate:evaluate",
    config="config:DetectionConfig",
    train="train:Training",
    main_scores=("AP",),
    model="models:build",
    export="export:graphs",
    explain="explain:explain",
    architectures=("*ForObjectDetection", "Florence2ForConditionalGeneration"),
    options=(
        Option(
            "threshold",
            float,
            "Least score of an object, from 0 to 1; the model's own when absent.",
            minimum=0,
            maximum=1,
            served=True,
        ),
        Option("top", int, "Maximum number of objects per image.", 20, minimum=1, maximum=100, served=True),
    ),
    evaluate_options=(
        Option("captions", Path, "With Flickr30k Entities: the data set whose images and splits count."),
    ),
)
