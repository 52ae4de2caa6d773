"""What the card says of a captioner's settings."""

from __future__ import annotations

from seetell.tasks.captioning.card import about_settings


def test_a_setting_that_is_not_there_is_not_told():
    assert about_settings({"decoding": {"beam_size": 3}, "reranking": {}}) == []


def test_each_setting_is_told_with_its_numbers():
    reranking = {"aligner": 0.06, "objects": 0.55, "things": 0.35}
    first, fluency, domain = about_settings(
        {
            "domain": {"words": {"dog": 1.0}, "bias": 0.5, "in_domain": 4.5, "out_of_domain": -2.5, "certain": 0.0},
            "fluency": {"file": "class_trigrams.npz", "min_logprob": -5.0, "weight": 0.75},
            "reranking": reranking,
        }
    )
    assert first.endswith(
        "by their score + 0.06 × the aligner's + 0.55 × the log-probability of their objects + 0.35 × that of other "
        "things + 0 × their number of words"
    )
    assert fluency.endswith(
        "0.75 × what the log-probability of a word's class, after those of the words before it, is below -5"
    )
    assert domain.endswith(
        "4.5 is added where a domain classifier is certain of one, -2.5 where it is certain of the opposite"
    )
    assert about_settings({"reranking": {**reranking, "length": -0.045}})[0].endswith("- 0.045 × their number of words")
