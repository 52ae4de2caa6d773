from __future__ import annotations

import dataclasses

import pytest
import torch

from seetell.errors import RecipeError
from seetell.nn.backbones import Features
from seetell.tasks.retrieval.models.aligner import Aligner, AlignerConfig
from seetell.tasks.retrieval.models.scores import hardest_negative, info_nce, max_margin
from seetell.tasks.retrieval.models.sentences import SENTENCE_ENCODERS
from seetell.tasks.retrieval.models.tags import ObjectTags

SMALL = AlignerConfig(
    width=16, components=8, windows=(2,), word_size=12, hidden_size=16, heads=2, dropout=0.0, feature_dropout=0.0,
    word_dropout=0.0,
)  # fmt: skip
PAPER = dataclasses.replace(
    SMALL, similarity="region_word", sentence_encoder="brnn", word_score="sum", normalise_regions=False
)
TOKENS = torch.tensor([[3, 4, 5, 0], [6, 3, 0, 0], [7, 8, 9, 3], [4, 0, 0, 0], [9, 9, 5, 6], [8, 3, 7, 0]])
LENGTHS = torch.tensor([3, 2, 4, 1, 4, 3])


def aligner(config: AlignerConfig) -> Aligner:
    torch.manual_seed(0)
    made = Aligner(config, feature_size=8, grid_size=(2, 3), vocabulary_size=10)
    made.fit_normalisation(photos(50))
    return made


def photos(count: int = 6) -> Features:
    grid = torch.randn(count, 6, 8, generator=torch.Generator().manual_seed(count))
    return Features(pooled=grid.mean(dim=1), grid=grid)


def scores(made: Aligner) -> dict[str, torch.Tensor]:
    (member,) = made.members
    return member.scores(member.embed_photos(made.prepare(photos())), member.embed_sentences(TOKENS, LENGTHS))


@pytest.mark.parametrize("sentence_encoder", SENTENCE_ENCODERS)
@pytest.mark.parametrize("similarity", ["both", "region_word", "global"])
def test_what_it_compares(sentence_encoder, similarity):
    made = aligner(dataclasses.replace(SMALL, sentence_encoder=sentence_encoder, similarity=similarity)).eval()
    compared = scores(made)
    assert (
        tuple(compared)
        == made.config.compared
        == {"both": ("regions", "whole"), "region_word": ("regions",), "global": ("whole",)}[similarity]
    )
    assert all(score.shape == (6, 6) and score.isfinite().all() for score in compared.values())
    made.train()
    info_nce(torch.stack(list(scores(made).values())).sum(dim=0), torch.arange(6)).backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in made.parameters())


def test_embeddings_are_of_unit_length_and_the_whole_photo_is_a_region():
    made = aligner(SMALL).eval()
    (member,) = made.members
    seen, said = made.embed_photos(made.prepare(photos())), member.embed_sentences(TOKENS, LENGTHS)
    assert seen.regions.shape == (6, 5, 16)
    for unit in (seen.regions, seen.whole, said.whole):
        torch.testing.assert_close(unit.norm(dim=-1), torch.ones(unit.shape[:-1]))
    alone = dataclasses.replace(SMALL, windows=())
    assert aligner(alone).embed_photos(aligner(alone).prepare(photos())).regions.shape == (6, 1, 16)


def test_a_region_is_embedded_as_the_mean_of_its_places():
    made = aligner(dataclasses.replace(SMALL, normalise_regions=False)).eval()
    grid = photos().grid
    upper_left = 3 / 9 * (grid[:, 0] * 1 + grid[:, 1] * 1 + grid[:, 3] / 3 + grid[:, 4] / 3) * 9 / 3 / (8 / 3)
    expected = made.members[0].region(made.whitening(upper_left))
    torch.testing.assert_close(made.embed_photos(made.prepare(photos())).regions[:, 1], expected, rtol=1e-4, atol=1e-5)


def test_the_papers_aligner_is_its_equations():
    made = aligner(PAPER).eval()
    made.freeze_temperature()
    seen, said = made.embed_photos(made.prepare(photos())), made.embed_sentences(TOKENS, LENGTHS)
    assert (said.words >= 0).all()
    for k in range(6):
        for place, length in enumerate(LENGTHS.tolist()):
            products = said.words[place, :length] @ seen.regions[k].T
            torch.testing.assert_close(scores(made)["regions"][k, place], products.amax(dim=1).sum())


GLOBAL = dataclasses.replace(SMALL, similarity="global", sentence_encoder="transformer")
OTHERS = [(config, loss) for config in (PAPER, GLOBAL) for loss in (max_margin, hardest_negative)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("config", "loss"),
    [
        *((SMALL, loss) for loss in (max_margin, hardest_negative, info_nce)),
        (PAPER, info_nce),
        (GLOBAL, info_nce),
        *(pytest.param(*other, marks=pytest.mark.slow) for other in OTHERS),
    ],
)
def test_learns_six_pairs_by_heart(config, loss):
    made = aligner(config)
    options = {} if loss is info_nce else {"margin": 0.2}
    if options:
        made.freeze_temperature()
    optimiser = torch.optim.Adam([p for p in made.parameters() if p.requires_grad], 1e-2)
    for _ in range(60):
        optimiser.zero_grad()
        loss(torch.stack(list(scores(made).values())).sum(dim=0), torch.arange(6), **options).backward()
        optimiser.step()
    learnt = torch.stack(list(scores(made.eval()).values())).sum(dim=0)
    assert learnt.argmax(dim=1).tolist() == learnt.argmax(dim=0).tolist() == list(range(6))


def test_training_drops_the_same_features_of_all_regions():
    made = aligner(dataclasses.replace(SMALL, feature_dropout=0.5, normalise_regions=False)).train()
    torch.nn.init.zeros_(made.members[0].region.bias)
    torch.nn.init.eye_(made.members[0].region.weight)
    kept = made.embed_photos(made.prepare(photos())).regions[..., :8] != 0
    assert 0.2 < kept.float().mean() < 0.8
    assert (kept == kept[:, :1]).all()


TAGGED = dataclasses.replace(
    SMALL, members=2, imagenet_classes=3, object_classes=2, detected_words=2, detections=2, word_evidence=0.5
)


def tags(count: int = 6, *, detected: int = 2) -> ObjectTags:
    random = torch.Generator().manual_seed(count)
    rows = torch.zeros(count, 4, 6)
    rows[:, :detected] = torch.tensor([1.0, 0.9, 0.0, 0.0, 0.5, 1.0])
    return ObjectTags(
        torch.randn(count, 3, generator=random),
        torch.rand(count, 2, generator=random),
        torch.rand(count, 2, 5, generator=random),
        torch.rand(count, 2, generator=random),
        rows,
    )


def tagged() -> Aligner:
    torch.manual_seed(0)
    made = Aligner(TAGGED, feature_size=8, grid_size=(2, 3), vocabulary_size=10)
    made.fit_normalisation(photos(50), tags(50))
    made.evidence.name(["dog", "boat"], ["<end>", "<start>", "<unk>", "a", "dogs", "boat", *"bcde"])
    return made


def test_members_are_averaged_and_evidence_is_added():
    made = tagged().eval()
    prepared = made.prepare(photos(), tags())
    with torch.no_grad():
        for member in made.members:  # as if it had been trained
            for layer in (member.whole_tags, member.regions_tags, member.detection):
                torch.nn.init.normal_(layer.weight)
        seen, said = made.embed_photos(prepared), made.embed_sentences(TOKENS, LENGTHS)
        both = [m.scores(m.embed_photos(prepared), m.embed_sentences(TOKENS, LENGTHS))["whole"] for m in made.members]
        evidence = made.evidence.of_images(tags().words) @ made.evidence.of_sentences(TOKENS, TOKENS > 0).T
    torch.testing.assert_close(seen.whole.norm(dim=1), torch.ones(6))
    torch.testing.assert_close(
        seen.whole @ said.whole.T, (both[0] + both[1]) / 2 + 0.5 * evidence, rtol=1e-4, atol=1e-4
    )
    assert seen.regions.shape == (6, 7, 32)


def test_rows_behind_the_last_detection_are_no_regions():
    made = tagged().eval()
    one, two = (made.embed_photos(made.prepare(photos(), tags(detected=count))).regions for count in (1, 2))
    assert not one[:, 6].any()
    assert two[:, 6].any()
    torch.testing.assert_close(one[:, 5], two[:, 5])
    features, upper = photos(), torch.tensor([2.0, 1, 0, 2, 1, 0]) / 6  # the left half covers one column and a half
    pooled = made.prepare(features, tags()).regions[:, 5]
    torch.testing.assert_close(pooled, made.whitening(upper @ features.grid), rtol=1e-4, atol=1e-4)


def test_tags_change_both_scores_once_they_are_trained():
    made = tagged().train()
    prepared = made.prepare(photos(), tags())
    for member in made.members:
        said = member.embed_sentences(TOKENS, LENGTHS)
        info_nce(sum(member.scores(member.embed_photos(prepared), said).values()), torch.arange(6)).backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in made.parameters())


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("sentence_encoder", "lstm", "sentence_encoder: unknown sentence encoder"),
        ("detections", 3, "expected the sizes of the tagger, or 0 for all and for detections, got 0, 0, 0 and 3"),
        ("word_evidence", 0.1, "word_evidence: expected 0 or more, and 0 where images are not tagged"),
        ("width", 0, "width: expected at least 1"),
        ("dropout", 1.0, "dropout: expected a probability below 1"),
        ("windows", (1,), "2 or more windows across"),
    ],
)
def test_mistakes_name_the_field(field, value, message):
    with pytest.raises(RecipeError, match=message):
        dataclasses.replace(SMALL, **{field: value})


def test_more_components_than_features():
    with pytest.raises(RecipeError, match="vectors have 8 elements, got 9"):
        aligner(dataclasses.replace(SMALL, components=9))


@pytest.mark.parametrize("fixed", [True, False])
def test_word_vectors_may_stay_as_they_are(fixed):
    made = aligner(dataclasses.replace(PAPER, freeze_word_embeddings=fixed))
    before = made.members[0].embedding.weight.clone()
    optimiser = torch.optim.SGD([parameter for parameter in made.parameters() if parameter.requires_grad], 0.1)
    max_margin(scores(made)["regions"], torch.arange(6), margin=1.0).backward()
    optimiser.step()
    assert torch.equal(made.members[0].embedding.weight, before) == fixed
