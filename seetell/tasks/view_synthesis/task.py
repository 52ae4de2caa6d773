"""What view synthesis offers."""

from seetell.tasks.registry import Option, Task

TASK = Task(
    name="view_synthesis",
    command="render",
    input="none",
    summary="Render views of a scene from all around it.",
    result="view",
    example="seetell render my-scene --views 40 --output turn.mp4",
    predict="predict:Renderer",
    evaluate="evaluate:evaluate",
    config="config:ViewSynthesisConfig",
    train="train:Training",
    main_scores=("psnr",),
    model="models:build",
    export="export:graphs",
    options=(
        Option("views", int, "Views of one turn around the scene.", 40, minimum=1),
        Option("size", int, "Width of a view in pixels; that of the photos when absent.", minimum=1),
        Option(
            "elevation", float, "Of the camera, in degrees above the scene's horizon.", 30.0, minimum=-89, maximum=89
        ),
    ),
)
