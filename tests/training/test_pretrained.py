from __future__ import annotations

import pytest
import torch

from seetell.errors import CheckpointError
from seetell.language.vocabulary import SPECIALS, Vocabulary
from seetell.tasks.captioning.models import create_captioner
from seetell.tasks.captioning.models.neuraltalk2 import NeuralTalk2Config
from seetell.training.pretrained import EarlierModel, load_captioner, read_earlier_model

OLD = Vocabulary((*SPECIALS, "dog", "cat", "runs"), 1)
NEW = Vocabulary((*SPECIALS, "horse", "runs", "dog"), 1)


def captioner(vocabulary: Vocabulary, seed: int, hidden: int = 4):
    torch.manual_seed(seed)
    config = NeuralTalk2Config(embedding_size=4, hidden_size=hidden)
    return create_captioner("neuraltalk2", config, feature_size=3, vocabulary_size=len(vocabulary), locations=4)


def test_words_keep_what_was_learnt_of_them(tmp_path):
    old, new = captioner(OLD, 0), captioner(NEW, 1)
    fresh = {name: value.clone() for name, value in new.state_dict().items()}
    load_captioner(new, NEW, EarlierModel(tmp_path, OLD, old.state_dict(), {}))
    for name in new.vocab_parameters:
        ours, theirs = new.state_dict()[name], old.state_dict()[name]
        for word in ("<end>", "<start>", "<unk>", "runs", "dog"):
            assert torch.equal(ours[NEW.words.index(word)], theirs[OLD.words.index(word)])
        assert torch.equal(ours[NEW.words.index("horse")], fresh[name][NEW.words.index("horse")])
    assert torch.equal(new.recurrent.fused.weight_hh_l0, old.recurrent.fused.weight_hh_l0)


def test_other_sizes_do_not_fit(tmp_path):
    with pytest.raises(CheckpointError, match="do not fit this recipe"):
        load_captioner(
            captioner(NEW, 1, hidden=5), NEW, EarlierModel(tmp_path, OLD, captioner(OLD, 0).state_dict(), {})
        )


def test_a_folder_that_is_no_model(tmp_path):
    with pytest.raises(CheckpointError, match="neither a run"):
        read_earlier_model(tmp_path)
