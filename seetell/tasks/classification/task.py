"""What image classification offers."""

from pathlib import Path

from seetell.tasks.registry import Option, Task

TASK = Task(
    name="classification",
    command="classify",
    summary="Label images with the classes that a model knows.",
    result="labels",
    example="seetell classify photo.jpg --top 3",
    predict="predict:BundleClassifier",
    backends={"hf": "hub:load"},
    evaluate="evaluate:evaluate",
    explain="explain:explain",
    network="network:network",
    config="config:ClassificationConfig",
    train="train:Training",
    main_scores=("top_1",),
    model="model:build",
    export="export:graphs",
    architectures=("*ForImageClassification",),
    options=(Option("top", int, "Maximum number of labels per image.", 5, minimum=1, served=True),),
    evaluate_options=(
        Option("confusion", Path, "Write the confusion matrix there, as a picture: .png.", writes=(".png",)),
        Option("captions", Path, "With boxes of Flickr30k Entities: the data set whose images and splits count."),
    ),
)
