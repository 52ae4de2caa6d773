from __future__ import annotations

import math

import pytest

from seetell.runtime.backends.answer import Answer, Token
from seetell.tasks.captioning.answers import PROMPT, caption_of, sentence_of, tidied

SENTENCE = "A brown dog stands in the grass."


@pytest.mark.parametrize(
    "answer",
    [
        SENTENCE,
        f'"{SENTENCE}"',
        f"“{SENTENCE}”",
        f"**{SENTENCE}**",
        f"Here is the alt text:\n\n> {SENTENCE}\n",
        f'Sure! Here’s a short description of the image: "{SENTENCE}"',
        f"Certainly, I can help with that. Alt text: {SENTENCE}",
        f"**Alt text:** *{SENTENCE}*\n\n---\n\nLet me know if you would like another one!",
        f"# Caption: {SENTENCE} Would you like more detail?",
        f"<think>The user wants a sentence.\nThere is a cat? No.</think>\n\n{SENTENCE}",
        f"the template opened the thought</think>{SENTENCE}<|im_end|>",
        f"[THINK]hm[/THINK]<answer>{SENTENCE}</answer></s>",
        f"```text\n{SENTENCE}\n```",
        "- A brown dog\n- stands in the [grass](https://example.org).",
        "A brown dog\nstands   in\tthe `grass`.",
        "A brown dog\0 stands\x1b \ud800in\x85the grass.",
    ],
)
def test_the_sentence_is_told_from_what_surrounds_it(answer: str):
    assert tidied(answer) == SENTENCE


@pytest.mark.parametrize(
    "sentence",
    [
        "Great waves break on the shore.",
        "Here is a man who sells fish at a market.",
        "Sure-footed goats climb a cliff.",
        '"Stop" is written on a red sign beside "Go".',
        "Two * 3 is written on a snake_case_sign with 2 * 4.",
        "A sign says: let me know.",
        "'Tis the season' stands on a dog's coat.",
    ],
)
def test_sentences_that_look_like_courtesies_or_markdown_stay(sentence: str):
    assert tidied(sentence) == sentence


@pytest.mark.slow
@pytest.mark.parametrize(
    "part", ["<think>", "</think>", "**a ", "*a ", "`", "[a](", "a. ", "<|", "- ", '"', "Sure, ", "i'm "]
)
def test_an_answer_of_any_length_is_read_in_linear_time(part: str):
    """A quadratic one would take minutes."""
    assert len(tidied(part * 30_000, cut_off=True)) <= 30_000 * len(part) + 1


def test_of_an_answer_that_was_cut_off_whole_sentences_are_kept():
    assert tidied(f"{SENTENCE} It barks. It has a", cut_off=True) == f"{SENTENCE} It barks."
    assert sentence_of(f"{SENTENCE} It barks. It has a", cut_off=True) == SENTENCE
    assert tidied('"A brown dog in the', cut_off=True) == "A brown dog in the…"
    assert tidied("A brown dog in the") == "A brown dog in the"


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("  a dog\twith   a ball \n", "a dog with a ball"),
        ("A dog runs. It is brown.\nIt barks.", "A dog runs."),
        ("Is it a dog? Yes.", "Is it a dog?"),
        ("Here is alt text for it:\n\n“A dog runs on the grass. It is brown.”", "A dog runs on the grass."),
        ("Caption: 'two cats'", "two cats"),
        ("The Fort York Blvd. sign at Mt. Spokane. It is red.", "The Fort York Blvd. sign at Mt. Spokane."),
        ('A boy making an " oh ! " face in front of a bay .', 'A boy making an " oh ! " face in front of a bay .'),
        ("Carrots, peas, etc. on a plate! (They are raw.)", "Carrots, peas, etc. on a plate!"),
        ("An image of a dog at St. Mark's, 3.5 m long. More", "A dog at St. Mark's, 3.5 m long."),
        ("Dr. Who meets J. Doe in the U.S. today. Really.", "Dr. Who meets J. Doe in the U.S. today."),
        ("一只狗在草地上。很好。", "一只狗在草地上。"),
        ("picture of", "picture of"),
        ("", ""),
    ],
)
def test_the_first_sentence_of_an_answer(answer: str, sentence: str):
    assert sentence_of(answer) == sentence


@pytest.mark.parametrize(
    "words", ["An image of ", "This is a photo of ", "The picture shows ", "photo of ", "The image captures "]
)
def test_words_that_say_it_is_an_image_are_removed_where_our_prompt_forbade_them(words: str):
    answer = Answer(f"{words}a dog.")
    assert caption_of(answer, model="m", prompt=PROMPT).text == "A dog."
    assert caption_of(answer, model="m", prompt="Say photo of.").text == f"{words}a dog."


def test_pictures_in_a_picture_are_told():
    for text in (
        "Picture frames hang on a wall.",
        "A photo album lies on a table.",
        "A photographer shows an image of a cat.",
    ):
        assert caption_of(Answer(text), model="m", prompt=PROMPT).text == text


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            Answer("I'm sorry, but I can't assist with that."),
            "the model refused (I'm sorry, but I can't assist with that.)",
        ),
        (Answer("I cannot identify people."), "refused"),
        (Answer("As an AI language model, I…"), "refused"),
        (Answer("I don't see an image attached. Please share it."), "seems to get no image; is it one that sees?"),
        (Answer("Please provide the image you would like me to describe."), "seems to get no image"),
        (Answer("Sure! Please upload a picture."), "seems to get no image"),
        (Answer("It seems that you did not attach a photo."), "seems to get no image"),
        (Answer(""), "the model gave no answer (it said nothing)"),
        (Answer(' \n"" **'), "it said nothing"),
        (
            Answer("<think>Let me look at", cut_off=True),
            "its answer ended before the sentence began; allow more tokens",
        ),
        (Answer("A dog.", refusal="content filter"), "the model gave no answer (content filter)"),
        (Answer(f"I'm sorry, {'no ' * 200}"), "…)"),
    ],
)
def test_refusals_and_empty_answers_are_withheld_with_the_reason(answer: Answer, reason: str):
    caption = caption_of(answer, model="m", prompt=PROMPT)
    assert reason in caption.reason
    assert len(caption.reason) < 150
    assert caption.to_dict()["caption"] is None
    assert caption.model == "m"


@pytest.mark.parametrize(
    "text", ["A sorry dog stands in the rain.", "I am a sign, it says.", "No image of a saint is older."]
)
def test_sentences_are_no_refusals(text: str):
    assert not caption_of(Answer(text), model="m", prompt=PROMPT).reason


def answered(*tokens: str) -> Answer:
    return Answer("".join(tokens), tuple(Token(token, -(2.0**-place)) for place, token in enumerate(tokens)))


def test_words_have_the_log_probabilities_of_their_tokens():
    caption = caption_of(
        answered("Here", " is it:", ' "', "A", " snow", "board", "er", ".", '"'), model="m", prompt=PROMPT
    )
    assert [(word.text, word.logprob) for word in caption.words] == [
        ("A", -(2.0**-3)),
        ("snowboarder.", -(2.0**-4 + 2.0**-5 + 2.0**-6 + 2.0**-7)),
    ]
    assert caption.logprob == sum(word.logprob for word in caption.words)
    assert [
        word.text for word in caption_of(answered("The image shows a", " dog"), model="m", prompt=PROMPT).words
    ] == [
        "A",
        "dog",
    ]


def test_a_token_that_ends_a_word_and_begins_another_counts_once():
    caption = caption_of(answered("A b", "ig d", "og"), model="m", prompt=PROMPT)
    assert [word.logprob for word in caption.words] == [-1.0, -0.5, -0.25]
    caption = caption_of(answered("<think>A dog</think>", "A dog", " runs on", cut := " the"), model="m", prompt=PROMPT)
    assert [word.text for word in caption.words] == ["A", "dog", "runs", "on", cut.strip()]


def test_a_sentence_that_does_not_stand_in_its_tokens_has_no_words():
    caption = caption_of(answered("A **brown**", " dog"), model="m", prompt=PROMPT)
    assert (caption.text, caption.words) == ("A brown dog", ())
    assert math.isnan(caption.logprob)
    assert caption_of(Answer("A dog."), model="m", prompt=PROMPT).words == ()
