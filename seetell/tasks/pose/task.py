"""What pose estimation offers."""

from seetell.tasks.registry import Task

TASK = Task(
    name="pose",
    command="pose",
    summary="Find the joints of the one person that images show.",
    result="regions",
    example="seetell pose person.jpg --model my-deeppose --output joints.png",
    predict="predict:BundlePoser",
    evaluate="evaluate:evaluate",
    config="config:PoseConfig",
    train="train:Training",
    main_scores=("PDJ",),
    model="model:build",
    export="export:graphs",
)
