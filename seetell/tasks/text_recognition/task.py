"""What text recognition offers."""

from seetell.tasks.registry import Option, Task

TASK = Task(
    name="text_recognition",
    command="read",
    summary="Read the words of images.",
    result="regions",
    written=True,
    example="seetell read sign.jpg",
    predict="predict:BundleReader",
    evaluate="evaluate:evaluate",
    config="config:TextRecognitionConfig",
    train="train:Training",
    main_scores=("word_accuracy",),
    model="models:build",
    export="export:graphs",
    backends={"rapidocr": "rapidocr:RapidOcrReader"},
    options=(
        Option(
            "whole",
            bool,
            "Take each image as one word or line; a bundle that cannot find words always does.",
            False,
            served=True,
        ),
        Option("threshold", float, "Least score of a line, from 0 to 1.", 0.7, minimum=0, maximum=1, served=True),
    ),
)
