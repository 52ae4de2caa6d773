"""What tags do to sentences."""

from __future__ import annotations

import pytest
import torch

from seetell.errors import RecipeError
from seetell.language.vocabulary import START
from seetell.nn.backbones import Features, Tags
from seetell.tasks.captioning.models.captioner import caption_tensors
from seetell.tasks.captioning.models.tag_transformer import TagTransformer, TagTransformerConfig

WORDS = ["<end>", "<start>", "<unk>", "a", "dog", "puppies", "people", "bear", "teddy", "grass", "computer", "orange"]
OBJECTS, DETECTED = ["person", "dog", "laptop", "tv", "bear", "teddy bear", "orange"], ["grass", "dog"]
NUMBERS = {word: number for number, word in enumerate(WORDS)}
PHOTO = torch.zeros(1, dtype=torch.long)


@pytest.fixture
def captioner() -> TagTransformer:
    torch.manual_seed(0)
    sizes = TagTransformerConfig(
        width=8, heads=2, feedforward=16, objects=7, words=2, object_tokens=3, word_tokens=2, dropout=0.0
    )
    model = TagTransformer(sizes, feature_size=6, vocabulary_size=len(WORDS), locations=4).eval()
    model.name_tags(WORDS, OBJECTS, DETECTED)
    return model


def features(*, presence: float = 0.0, words: float = 0.05, **scores: float) -> Features:
    random = torch.Generator().manual_seed(0)
    objects = torch.full((1, 7), 0.2)
    for name, score in scores.items():
        objects[0, OBJECTS.index(name.replace("_", " "))] = score
    boxes = torch.tensor([0.1, 0.2, 0.6, 0.9, 1.0]).expand(1, 7, 5)
    tags = Tags(objects, boxes, torch.full((1, 2), words), torch.full((1, 7), presence))
    return Features(torch.randn(1, 6, generator=random), torch.randn(1, 4, 6, generator=random), tags)


def first_words(captioner: TagTransformer, seen: Features, *said: str) -> torch.Tensor:
    """Return the log-probabilities of the word after some words, ``(V,)``."""
    memory, state = captioner.start(seen)
    for word in (START, *(NUMBERS[name] for name in said)):
        logprobs, state, _ = captioner.step(torch.tensor([word]), PHOTO, memory, state)
    return logprobs[0]


def test_words_name_classes_in_singular_and_plural_and_perhaps_two(captioner: TagTransformer):
    first = {word: captioner.object_of[NUMBERS[word]].item() for word in WORDS}
    second = {word: captioner.second_object_of[NUMBERS[word]].item() for word in WORDS}
    named = {word: OBJECTS[number] for word, number in first.items() if number >= 0}
    assert named == {
        "dog": "dog",
        "puppies": "dog",
        "people": "person",
        "bear": "bear",
        "teddy": "teddy bear",
        "computer": "laptop",
    }
    assert {word for word in WORDS if first[word] != second[word]} == {"bear", "computer"}  # no hot dogs here
    assert (OBJECTS[second["bear"]], OBJECTS[second["computer"]]) == ("teddy bear", "tv")
    assert captioner.detected_as[[NUMBERS["grass"], NUMBERS["dog"], NUMBERS["a"]]].tolist() == [0, 1, -1]


@torch.no_grad()
def test_the_surer_a_tag_is_the_likelier_is_its_word(captioner: TagTransformer):
    captioner.tag_embedding.weight.zero_()  # of the memory, nothing changes but what the score says
    for layer in captioner.tag_score:
        if isinstance(layer, torch.nn.Linear):
            layer.weight.zero_()
    objects = [first_words(captioner, features(dog=score)) for score in (0.1, 0.3, 0.9)]
    gaps = [(logprobs[NUMBERS["dog"]] - logprobs[NUMBERS["people"]]).item() for logprobs in objects]
    assert gaps[0] < gaps[1] < gaps[2]
    assert objects[2][NUMBERS["puppies"]] - objects[0][NUMBERS["puppies"]] > 1
    words = [first_words(captioner, features(words=probability))[NUMBERS["grass"]] for probability in (0.02, 0.9)]
    assert words[1] - words[0] > 0.5
    either = [first_words(captioner, features(**{name: 0.9}))[NUMBERS["computer"]] for name in ("laptop", "tv", "bear")]
    assert min(either[:2]) > either[2] + 0.5


@torch.no_grad()
def test_a_tag_no_longer_speaks_for_what_has_been_named(captioner: TagTransformer):
    captioner.said_bias.fill_(-2.0)
    object_bias, word_bias = captioner._biases(features(dog=0.9, words=0.9).tags)
    said = torch.zeros(1, 7, dtype=torch.bool), torch.zeros(1, 2, dtype=torch.bool)
    before = captioner._covered(object_bias, word_bias, *said)[0]
    said = captioner._named(torch.tensor([NUMBERS["puppies"]]))
    after = captioner._covered(object_bias, word_bias, *said)[0]
    changed = {WORDS[place] for place in torch.nonzero(before != after)[:, 0].tolist()}
    assert changed == {"dog", "puppies"}
    assert before[NUMBERS["puppies"]] > 0
    assert after[NUMBERS["puppies"]].item() == pytest.approx(-2.0)
    assert after[NUMBERS["dog"]] > after[NUMBERS["puppies"]]  # which is a detected word, not said yet


@torch.no_grad()
def test_what_is_not_there_cannot_be_named(captioner: TagTransformer):
    captioner.thresholds[OBJECTS.index("dog")] = -1.0
    captioner.thresholds[OBJECTS.index("bear")] = -1.0
    absent = first_words(captioner, features(presence=-1.5, dog=0.9), "a")
    assert absent[[NUMBERS["dog"], NUMBERS["puppies"]]].max() < -1000
    assert absent[NUMBERS["bear"]] > -100  # a teddy bear may be meant, which has no threshold
    assert absent[NUMBERS["people"]] > -100
    assert first_words(captioner, features(presence=-0.5, dog=0.9), "a")[NUMBERS["dog"]] > -100
    inputs, targets = caption_tensors([[[NUMBERS["dog"]]]], max_words=4)
    loss = captioner.loss(features(presence=-1.5), inputs, targets, label_smoothing=0.0)
    assert loss < 100  # references may name it


@torch.no_grad()
def test_tags_alone_are_read_where_there_is_no_photo(captioner: TagTransformer):
    alone = features(dog=0.9)._replace(grid=None)
    logprobs = first_words(captioner, alone)
    torch.testing.assert_close(logprobs, first_words(captioner, alone._replace(pooled=torch.zeros(1, 6))))
    assert not torch.allclose(logprobs, first_words(captioner, features(dog=0.9)))
    assert not torch.allclose(logprobs, first_words(captioner, features(dog=0.1)._replace(grid=None)))


@torch.no_grad()
def test_weak_tags_are_not_attended_to(captioner: TagTransformer):
    one, other = features(words=0.01), features(words=0.01)
    for seen in (one, other):
        seen.tags.objects.fill_(0.1)
    moved = other._replace(tags=other.tags._replace(object_boxes=other.tags.object_boxes * 0.5))
    torch.testing.assert_close(first_words(captioner, one), first_words(captioner, moved))
    one.tags.objects[0, 1] = moved.tags.objects[0, 1] = 0.5
    assert not torch.allclose(first_words(captioner, one), first_words(captioner, moved))


def test_bad_sizes():
    with pytest.raises(RecipeError, match="objects: expected at least 1, got 0"):
        TagTransformerConfig(objects=0)
