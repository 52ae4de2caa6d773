from __future__ import annotations

from seetell.tasks.registry import Option, Task

TASK = Task(
    name="following",
    command="chase",
    input="video",
    summary="Follow the brightest pixel.",
    result="tracks",
    example="seetell chase film.mp4",
    predict="follow:Follower",
    without_model={"brightest": "follow:Follower"},
    options=(Option("margin", int, "Pixels around it.", 1, minimum=0),),
    package="toy_videos",
)
