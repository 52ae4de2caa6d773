"""What text detection offers: the part of text recognition that finds lines, trained on its own."""

from seetell.tasks.registry import Task

TASK = Task(
    name="text_detection",
    command="",
    summary="Find lines of text in images.",
    result="",
    example="seetell train text-db --output runs/lines",
    predict="predict:LinePredictor",
    config="config:TextDetectionConfig",
    train="train:Training",
    main_scores=("f1",),
    model="models.db:build",
    export="export:graphs",
)
