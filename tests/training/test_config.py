from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from training_runs import configured, sections

from seetell.errors import RecipeError, UsageError
from seetell.tasks.captioning.config import CaptioningConfig
from seetell.tasks.captioning.models import CONFIGS
from seetell.tasks.registry import find_task, tasks
from seetell.training.config import config_from_dict, load_config, only, save_config
from seetell.training.recipes import find_recipe
from seetell.training.renamed import RENAMED

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.yaml"))
TRAINED = [task.name for task in tasks().values() if task.config]


def written(tmp_path, text: str) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_captioning_recipe_without_fields_is_neuraltalk2_as_published(tmp_path):
    config = load_config(written(tmp_path, "task: captioning"), sections)
    section, optimiser = config.section, config.optimiser
    assert (config.batch_size, config.data.captions_per_photo, config.data.max_words) == (16, 5, 16)
    captioner = section.captioner
    assert (section.architecture, captioner.embedding_size, captioner.hidden_size) == ("neuraltalk2", 512, 512)
    assert captioner.dropout == 0.5
    assert (optimiser.name, optimiser.learning_rate, optimiser.betas) == ("adam", 4e-4, (0.8, 0.999))
    assert (optimiser.epsilon, optimiser.clip, optimiser.clip_kind) == (1e-8, 0.1, "value")
    assert (section.finetune.after, section.finetune.optimiser.learning_rate) == (-1, 1e-5)
    assert (config.validation.every, config.validation.photos, config.seed) == (2500, 3200, 123)
    assert (config.name, config.divergence_factor) == ("captioner", 20)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_shipped_recipes_load_and_are_found_by_name(path):
    config = load_config(find_recipe(path.stem), sections)
    assert config == load_config(path, sections)
    assert config.name == path.stem


@pytest.mark.parametrize("task", TRAINED)
def test_every_task_has_a_section_with_defaults_and_a_training(task):
    config = configured({"task": task})
    assert isinstance(config.section, sections(task))
    assert list(config.to_dict())[-1] == task
    assert find_task(task).load("train").part
    assert configured(yaml.safe_load(yaml.safe_dump(config.to_dict()))) == config


def test_defaults_of_a_task_give_way_field_by_field():
    config = configured({"task": "dense_captioning", "data": {"path": "x"}, "validation": {"every": 7}})
    assert (config.data.path, config.data.max_words) == ("x", 10)
    assert (config.validation.every, config.validation.photos) == (7, 200)


def test_a_saved_recipe_reads_back_the_same(tmp_path):
    text = "{task: captioning, steps: 5, captioning: {captioner: {cell: gru}, decoding: {beam_size: 2}}}"
    config = load_config(written(tmp_path, text), sections)
    save_config(config, tmp_path / "saved.yaml")
    assert load_config(tmp_path / "saved.yaml", sections) == config
    assert config.section.captioner.cell == "gru"
    assert config.section.decoding.beam_size == 2


def test_settings_replace_fields(tmp_path):
    path = written(tmp_path, "{task: captioning, optimiser: {name: sgd}}")
    settings = ["optimiser.learning_rate=1e-2", "data.path=a=b", "encoder.cache=", "captioning.captioner.layers=2"]
    config = load_config(path, sections, settings)
    assert config.optimiser.name == "sgd"
    assert config.optimiser.learning_rate == 0.01
    assert config.data.path == "a=b"
    assert config.encoder.cache == ""
    assert config.section.captioner.layers == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("batchsize: 3", "batchsize: unknown field 'batchsize'. Did you mean 'batch_size'"),
        ("section: {}", "section: unknown field"),
        ("retrieval: {}", "retrieval: unknown field"),
        ("optimiser: {lr: 3}", "optimiser.lr: unknown field"),
        ("captioning: {captioner: {hidden: 3}}", "captioning.captioner.hidden: unknown field 'hidden'. Did you mean"),
        ("captioning: {captioner: {layers: 0}}", "captioning.captioner.layers: expected at least 1, got 0"),
        ("captioning: {finetune: {optimiser: {rho: 2}}}", "captioning.finetune.optimiser.rho: expected a number from"),
        ("batch_size: many", "batch_size: expected int, got 'many'"),
        ("batch_size: true", "batch_size: expected int, got True"),
        ("batch_size: 0", "batch_size: expected at least 1, got 0"),
        ("steps: 0", "steps: expected at least 1, or -1"),
        ("optimiser: {learning_rate: fast}", "optimiser.learning_rate: expected float, got 'fast'"),
        ("optimiser: {betas: 0.9}", "optimiser.betas: expected a list such as [a, b], got 0.9"),
        ("optimiser: {betas: [0.9]}", "optimiser.betas: expected a list of 2, got [0.9]"),
        ("optimiser: {name: adma}", "optimiser.name: unknown optimiser 'adma'. Did you mean 'adam'"),
        ("optimiser: {clip_kind: size}", "optimiser.clip_kind: unknown value 'size'"),
        ("schedule: {decay: cosine}", "schedule.decay: cosine ends with the last step"),
        ("data: {crop: true}", "cached features cannot be cropped"),
        ("captioning: {architecture: neuraltalk}", "captioning.architecture: unknown architecture 'neuraltalk'. Did"),
        ("captioning: {finetune: {after: 5}, self_critical: {after: 5}}", "captioning.finetune.after: the encoder is"),
        ("data: photos", "data: expected fields, got 'photos'"),
    ],
)
def test_mistakes_name_the_field(tmp_path, text, message):
    with pytest.raises(RecipeError) as raised:
        load_config(written(tmp_path, f"task: captioning\n{text}"), sections)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a list", "expected fields such as 'name: my-captioner', got list"),
        ("a: [", "cannot read the recipe"),
        ("steps: 3", "task: missing; name what is trained"),
        ("task: [a]", "task: expected str"),
    ],
)
def test_files_that_are_no_recipes(tmp_path, text, message):
    with pytest.raises(RecipeError) as raised:
        load_config(written(tmp_path, text), sections)
    assert message in str(raised.value)


def test_unknown_tasks():
    with pytest.raises(UsageError, match="unknown task 'captioner'"):
        configured({"task": "captioner"})
    with pytest.raises(RecipeError, match="task: expected captioning, got 'retrieval'"):
        config_from_dict({"task": "retrieval"}, only(captioning=CaptioningConfig))


OLD = {
    "kind: align": "kind: unknown field 'kind': it is now called 'task'",
    "start_from: runs/a": "'init_from'",
    "averaging: 0.9": "'ema_decay'",
    "explosion_factor: 3": "'divergence_factor'",
    "architecture: transformer": "'captioning.architecture'",
    "captioner: {}": "'captioning.captioner'",
    "finetune: {}": "'captioning.finetune'",
    "self_critical: {}": "'captioning.self_critical'",
    "distillation: {}": "'captioning.distillation'",
    "scheduled_sampling: {}": "'captioning.scheduled_sampling'",
    "label_smoothing: 0.1": "'captioning.label_smoothing'",
    "validation: {language: false}": "'captioning.language_metrics'",
    "validation: {decoding: {}}": "'captioning.decoding'",
    "optimiser: {alpha: 0.9}": "'momentum, rho or betas, whichever the optimiser reads'",
    "optimiser: {beta: 0.9}": "'betas'",
    "schedule: {decay: halving}": "'exponential'",
    "captioning: {decoding: {block_ngrams: 3}}": "'no_repeat_ngram_size'",
    "captioning: {scheduled_sampling: {most: 0.5}}": "'max_probability'",
    "kind: dense\ndensecap: {}": "'task'",
    "kind: dense\nlabel_smoothing: 0.1": "'task'",
    "task: dense_captioning\nlabel_smoothing: 0.1": "'dense_captioning.label_smoothing'",
    "task: dense_captioning\ndensecap: {}": "'dense_captioning.densecap'",
    "task: dense_captioning\ndense_captioning: {densecap: {certainty: 1.0}}": "'caption_confidence_weight'",
    "task: retrieval\nstart_words: false": "'retrieval.init_word_embeddings'",
    "task: retrieval\naligner: {}": "'retrieval.aligner'",
    "task: retrieval\nranking: {}": "'retrieval.ranking'",
    "task: retrieval\nretrieval: {aligner: {compares: both}}": "'similarity'",
    "task: retrieval\nretrieval: {aligner: {unit_regions: true}}": "'normalise_regions'",
    "task: retrieval\nretrieval: {aligner: {fixed_words: true}}": "'freeze_word_embeddings'",
    "task: grounding\nboxes: entities": "'grounding.boxes'",
    "task: grounding\ngrounder: {}": "'grounding.grounder'",
    "task: grounding\ngrounding: {grounder: {mixing: 3}}": "'mixer_hidden_size'",
    "task: grounding\nphrases_per_photo: 3": "'grounding.phrases_per_photo'",
    "task: grounding\ntraining_data: boxes": "'card.training_data'",
    "task: retrieval\nretrieval: {aligner: {sentence: gru}}": "'sentence_encoder'",
    "task: dense_captioning\ndense_captioning: {densecap: {regions: {}}}": "'roi_head'",
    "task: dense_captioning\ndense_captioning: {densecap: {roi_head: {cells: 7}}}": "'output_size'",
    "task: dense_captioning\ndense_captioning: {densecap: {roi_head: {samples: 7}}}": "'batch_size_per_image'",
    "task: dense_captioning\ndense_captioning: {densecap: {roi_head: {positive_share: 1}}}": "'positive_fraction'",
    "task: dense_captioning\ndense_captioning: {densecap: {roi_head: {finest_until: 7}}}": "'canonical_box_size'",
    "task: dense_captioning\ndense_captioning: {densecap: {proposals: {sides: [7]}}}": "'anchor_sizes'",
    "task: dense_captioning\ndense_captioning: {densecap: {proposals: {ratios: [1]}}}": "'aspect_ratios'",
    "task: dense_captioning\ndense_captioning: {densecap: {proposals: {hidden: 7}}}": "'hidden_channels'",
}


@pytest.mark.parametrize("text", OLD)
def test_fields_of_earlier_recipes_name_the_new_ones(tmp_path, text):
    content = text if "kind:" in text or "task:" in text else f"task: captioning\n{text}"
    with pytest.raises(RecipeError) as raised:
        load_config(written(tmp_path, content), sections)
    assert OLD[text] in str(raised.value)


def test_new_names_are_fields():
    """Whatever an error recommends exists: in a recipe of some task, under this name."""

    def fields(value: object, prefix: str = "") -> set[str]:
        if not isinstance(value, dict):
            return {value} if isinstance(value, str) else set()
        inner = [fields(part, f"{prefix}{key}.") for key, part in value.items()]
        return {name for key in value for name in (key, f"{prefix}{key}")}.union(*inner)

    configs = [configured({"task": task}) for task in TRAINED]
    configs += [configured({"task": "captioning", "captioning": {"architecture": name}}) for name in CONFIGS]
    known = set().union(*(fields(config.to_dict()) for config in configs))
    new = {name for name in RENAMED.values() if "{task}" not in name and " " not in name} - {"exponential"}
    assert new <= known


def test_bad_decoding_and_settings(tmp_path):
    path = written(tmp_path, "task: captioning")
    with pytest.raises(UsageError, match="beam_size"):
        load_config(path, sections, ["captioning.decoding.beam_size=0"])
    with pytest.raises(UsageError, match="expected key=value"):
        load_config(path, sections, ["batch_size"])
    with pytest.raises(UsageError, match="'name' has no fields"):
        load_config(path, sections, ["name=x", "name.first=y"])


def test_names_of_models_are_replaced_by_their_folders():
    config = configured(
        {"task": "captioning", "init_from": "a", "captioning": {"distillation": {"teachers": ["b", "c"]}}}
    ).with_models(lambda field, name: f"{field}={name}")
    assert config.init_from == "init_from=a"
    assert config.section.distillation.teachers == tuple(f"captioning.distillation.teachers={name}" for name in "bc")
