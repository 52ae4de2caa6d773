"""What tracking offers."""

from pathlib import Path

from seetell.tasks.registry import Option, Task

TASK = Task(
    name="tracking",
    command="track",
    input="video",
    summary="Follow the objects of videos, each with its number and when it is seen.",
    result="tracks",
    example="seetell track walk.mp4 --only person --output walk-tracked.mp4",
    predict="predict:Tracker",
    evaluate="evaluate:evaluate",
    backends={"hf": "predict:of_transformers"},
    reads=("detection",),
    options=(
        Option(
            "tracker",
            str,
            "How detections become tracks; min_cost_flow looks at all frames at once.",
            "bytetrack",
            choices=("bytetrack", "sort", "deepsort", "min_cost_flow"),
            served=True,
        ),
        Option("only", str, "Follow these classes alone: names with commas, such as person,dog.", served=True),
        Option(
            "threshold",
            float,
            "Score from which a detection is taken for sure, from 0 to 1; the model's own when absent.",
            minimum=0,
            maximum=1,
            served=True,
        ),
        Option("count_line", str, "Count what crosses this line: x1,y1,x2,y2 in pixels.", served=True),
        Option("detections", Path, "Take the detections of this file of MOT challenge instead of finding objects."),
        Option("patience", float, "Seconds for which an object that is hidden is remembered.", 2.0, minimum=0),
        Option("fill", float, "Seconds in which it is told on a straight line while it is hidden.", 2.0, minimum=0),
        Option("shortest", float, "Leave out what is seen for fewer seconds.", 0.5, minimum=0),
        Option(
            "appearance",
            str,
            "For deepsort, what objects look like: their colours, or features of a network.",
            "colours",
            choices=("colours", "encoder"),
        ),
        Option("until", float, "Stop at this second of the video.", minimum=0.1, served=True),
        Option("time_limit", float, "Stop after so many seconds of work.", minimum=0.1),
    ),
)
