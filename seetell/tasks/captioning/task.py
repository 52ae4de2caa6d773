"""What captioning offers."""

from seetell.tasks.registry import Option, Task

TASK = Task(
    name="captioning",
    command="caption",
    summary="Describe images in one sentence each.",
    result="text",
    example="seetell caption photo.jpg",
    predict="predict:BundleCaptioner",
    backends={"hf": "hub:load", "openai": "chat:ChatCaptioner"},
    evaluate="evaluate:evaluate",
    config="config:CaptioningConfig",
    train="train:Training",
    model="models:build",
    export="export:graphs",
    architectures=("*ForConditionalGeneration", "GitForCausalLM", "VisionEncoderDecoderModel"),
    options=(
        Option(
            "beam_size",
            int,
            "Sentences followed at once; 1 takes the most probable word.",
            flag="--beam",
            minimum=1,
            maximum=100,
        ),
        Option("sample", bool, "Sample words at random instead of searching.", False),
        Option("temperature", float, "With --sample: below 1 is safer, above 1 bolder."),
        Option("top_k", int, "With --sample: sample among this many most probable words.", minimum=0),
        Option("top_p", float, "With --sample: sample among words of this probability.", maximum=1),
        Option("seed", int, "With --sample: the same seed gives the same captions.", minimum=0),
        Option("max_words", int, "Longest caption.", minimum=1),
        Option("length_penalty", float, "0 favours short captions, 1 long ones.", minimum=0, maximum=10),
        Option("no_repeat_ngram_size", int, "Never repeat this many words in a row.", minimum=0),
        Option(
            "min_confidence",
            float,
            "Say less, or nothing, where it is less likely than this that everything in the caption is there.",
            0.0,
            minimum=0,
            maximum=1,
            served=True,
        ),
        Option("keywords", bool, "Tell keywords, too: what is surely there.", False, served=True),
        Option("any_picture", bool, "Caption what is no photo, too: text, charts, drawings.", False, served=True),
        Option("attention", bool, "Return with every word where in the image the model looked.", False, served=True),
    ),
)
