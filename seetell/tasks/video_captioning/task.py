"""What video captioning offers."""

from seetell.tasks.captioning.task import TASK as CAPTIONING
from seetell.tasks.registry import Option, Task

OF_PHOTOS_ONLY = ("attention", "keywords", "each_alone")
"""Options of captioning that films have not."""

TASK = Task(
    name="video_captioning",
    command="describe",
    summary="Describe videos, shot by shot.",
    input="video",
    result="shots",
    example="seetell describe film.mp4 --output film.vtt",
    predict="predict:BundleDescriber",
    config="config:VideoCaptioningConfig",
    train="train:Training",
    main_scores=("CIDEr",),
    model="model:build",
    export="export:graphs",
    reads=("captioning",),
    backends={"hf": "key_frames:of_hub", "openai": "key_frames:of_chat"},
    options=(
        Option("frames", int, "Frames of each shot that are looked at.", 3, minimum=1, maximum=12, served=True),
        Option(
            "shortest",
            float,
            "Seconds of a shot at least; what is shorter belongs to the one before.",
            1.0,
            minimum=0.5,
            maximum=20,
            served=True,
        ),
        Option(
            "longest",
            float,
            "Seconds after which a shot that goes on is described again.",
            20.0,
            minimum=2,
            maximum=3600,
            served=True,
        ),
        Option("until", float, "Stop at this second of the video.", minimum=0.1, served=True),
        Option("time_limit", float, "Stop after so many seconds of work, and keep what there is.", minimum=0.1),
        *(option for option in CAPTIONING.options if option.name not in OF_PHOTOS_ONLY),
    ),
)
