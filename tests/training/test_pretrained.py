from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from seetell.errors import CheckpointError
from seetell.language.vocabulary import SPECIALS, Vocabulary
from seetell.tasks.captioning.models import create_captioner
from seetell.tasks.captioning.models.neuraltalk2 import NeuralTalk2Config
from seetell.training.trained import PretrainedModel, load_model, load_word_embeddings, read_pretrained

OLD = Vocabulary((*SPECIALS, "dog", "cat", "runs"), 1)
NEW = Vocabulary((*SPECIALS, "horse", "runs", "dog"), 1)


def captioner(vocabulary: Vocabulary, seed: int, hidden: int = 4):
    torch.manual_seed(seed)
    config = NeuralTalk2Config(embedding_size=4, hidden_size=hidden)
    return create_captioner("neuraltalk2", config, feature_size=3, vocabulary_size=len(vocabulary), locations=4)


def load(new, old, path) -> None:
    pretrained = PretrainedModel(path, OLD, {"captioner": old.state_dict()})
    load_model(new, "captioner", NEW, pretrained, vocab_parameters=new.vocab_parameters)


def test_words_keep_their_pretrained_weights(tmp_path):
    old, new = captioner(OLD, 0), captioner(NEW, 1)
    fresh = {name: value.clone() for name, value in new.state_dict().items()}
    load(new, old, tmp_path)
    for name in new.vocab_parameters:
        ours, theirs = new.state_dict()[name], old.state_dict()[name]
        for word in ("<end>", "<start>", "<unk>", "runs", "dog"):
            assert torch.equal(ours[NEW.words.index(word)], theirs[OLD.words.index(word)])
        assert torch.equal(ours[NEW.words.index("horse")], fresh[name][NEW.words.index("horse")])
    assert torch.equal(new.recurrent.fused.weight_hh_l0, old.recurrent.fused.weight_hh_l0)


def test_other_sizes_do_not_fit(tmp_path):
    with pytest.raises(CheckpointError, match="do not fit this recipe"):
        load(captioner(NEW, 1, hidden=5), captioner(OLD, 0), tmp_path)


def test_word_embeddings_are_centred_and_scaled(tmp_path):
    theirs = Vocabulary((*SPECIALS, "a", "red", "on"))
    ours = Vocabulary((*SPECIALS, "on", "new", "red"))
    vectors = torch.randn(6, 4, generator=torch.Generator().manual_seed(0)) * 3 + 1
    embedding = torch.nn.Embedding(6, 4)
    random = embedding.weight.detach().clone()
    pretrained = PretrainedModel(tmp_path, theirs, {"captioner": {"word_embedding.weight": vectors}})
    load_word_embeddings(embedding, ours, pretrained, setting="word_size")
    centred = (vectors - vectors.mean(dim=0)) / (vectors - vectors.mean(dim=0)).std()
    torch.testing.assert_close(embedding.weight[[0, 1, 2, 3, 5]], centred[[0, 1, 2, 5, 4]])
    torch.testing.assert_close(embedding.weight[4], random[4])
    with pytest.raises(CheckpointError, match=r"set word_size to 4, or init_word_embeddings to false"):
        load_word_embeddings(torch.nn.Embedding(6, 3), ours, pretrained, setting="word_size")


def test_a_model_without_the_part(tmp_path):
    with pytest.raises(CheckpointError, match=r"init_from: .* has no captioner; it has aligner, encoder"):
        PretrainedModel(tmp_path, OLD, {"aligner": {}, "encoder": {}}).part("captioner")


def test_a_folder_without_a_model(tmp_path):
    with pytest.raises(CheckpointError, match="neither a run"):
        read_pretrained(tmp_path)


def test_a_model_without_words_lends_its_encoder_alone(tmp_path):
    save_file({"encoder.weight": torch.ones(2)}, tmp_path / "weights.safetensors")
    pretrained = read_pretrained(tmp_path)
    assert pretrained.vocabulary is None
    assert pretrained.part("encoder")["weight"].tolist() == [1, 1]
    pretrained.parts["captioner"] = {"word_embedding.weight": torch.zeros(4, 3)}
    with pytest.raises(CheckpointError, match="has no vocabulary"):
        load_word_embeddings(torch.nn.Embedding(6, 3), OLD, pretrained, setting="word_size")
