"""What segmentation offers."""

from seetell.tasks.registry import Option, Task

TASK = Task(
    name="segmentation",
    command="segment",
    summary="Say what every pixel of images shows.",
    result="masks",
    example="seetell segment street.jpg --model my-segmenter --output overlay.png",
    predict="predict:BundleSegmenter",
    evaluate="evaluate:evaluate",
    config="config:SegmentationConfig",
    train="train:Training",
    main_scores=("mean_iou",),
    model="model:build",
    export="export:graphs",
    reads=("detection:masks",),
    options=(
        Option(
            "threshold",
            float,
            "Least probability of a pixel's class, 0 when absent; or least score of an object, the model's own when "
            "absent.",
            minimum=0,
            maximum=1,
            served=True,
        ),
    ),
)
