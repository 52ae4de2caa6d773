"""What single-object tracking offers."""

from seetell.tasks.registry import Option, Task

TASK = Task(
    name="single_object_tracking",
    command="follow",
    input="video",
    summary="Follow one object through videos, from its box in the first frame.",
    result="tracks",
    example="seetell follow walk.mp4 --box 205,151,17,50 --output walk-followed.mp4",
    predict="predict:BundleFollower",
    without_model=dict.fromkeys(("kcf", "dcf", "mosse", "asrcf"), "predict:FilterFollower"),
    evaluate="evaluate:evaluate",
    config="config:SingleObjectTrackingConfig",
    train="train:Training",
    main_scores=("success_auc", "overlap"),
    model="models:build",
    export="export:graphs",
    options=(
        Option("box", str, "The object in the first frame: left,top,width,height in pixels.", ""),
        Option(
            "channels",
            float,
            "Share of the channels of a SiamFC that are compared, those that tell the object from what is around it.",
            1.0,
            minimum=0,
            maximum=1,
        ),
        Option("text", str, "What the object is called in the results.", "object"),
    ),
)
