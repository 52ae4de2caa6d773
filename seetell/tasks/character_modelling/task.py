"""What character modelling offers."""

from seetell.tasks.registry import Option, Task

TASK = Task(
    name="character_modelling",
    command="sample",
    input="none",
    summary="Write text character by character, as a model of characters goes on with it.",
    result="passage",
    example='seetell sample my-char-rnn --prime "A dog" --length 400 --temperature 0.7 --seed 1',
    predict="predict:CharacterSampler",
    evaluate="evaluate:evaluate",
    config="config:CharacterModellingConfig",
    train="train:Training",
    main_scores=("bits_per_character",),
    model="model:build",
    export="export:graphs",
    options=(
        Option("prime", str, "Text to go on from.", ""),
        Option("length", int, "Characters to write.", 400, minimum=1, maximum=1_000_000),
        Option(
            "temperature",
            float,
            "Below 1 the text is safer, above 1 bolder; 0 takes the most probable character.",
            1.0,
            minimum=0,
            maximum=100,
        ),
        Option("count", int, "Texts to write.", 1, minimum=1, maximum=100),
        Option("seed", int, "The same seed gives the same text; another one each time when absent.", minimum=0),
    ),
)
