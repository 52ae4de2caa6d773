"""What text recognition offers."""

from seetell.tasks.registry import Task

TASK = Task(
    name="text_recognition",
    command="",
    summary="Read the words of images.",
    result="",
    example="seetell train text-crnn",
    predict="predict:BundleReader",
    evaluate="evaluate:evaluate",
    config="config:TextRecognitionConfig",
    train="train:Training",
    model="models:build",
    export="export:graphs",
)
