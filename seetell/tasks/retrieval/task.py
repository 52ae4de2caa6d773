"""What image-sentence retrieval offers; ``seetell index`` and ``seetell search`` stand on its predictor."""

from seetell.tasks.registry import Task

TASK = Task(
    name="retrieval",
    command="",
    summary="Embed images and sentences in one space, to search one by the other.",
    result="",
    example='seetell search "a dog on the beach"',
    predict="predict:BundleEmbedder",
    backends={"hf": "hub:load"},
    evaluate="evaluate:evaluate",
    explain="explain:explain",
    config="config:RetrievalConfig",
    train="train:Training",
    main_scores=("search_R@1",),
    model="models:build",
    export="export:graphs",
    reads=("grounding",),
    architectures=(
        "AlignModel",
        "AltCLIPModel",
        "ChineseCLIPModel",
        "CLIPModel",
        "MetaClip2Model",
        "SiglipModel",
        "Siglip2Model",
    ),
)
