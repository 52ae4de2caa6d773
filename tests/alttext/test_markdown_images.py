from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seetell.alttext.markdown_images import markdown_findings


def addresses_of(text: str) -> list[str]:
    return [missing.addresses[0] for missing in markdown_findings(text).missing]


def filled(text: str, alt: str = "A dog.") -> str:
    for missing in reversed(markdown_findings(text).missing):
        text = text[: missing.offset] + missing.insertion(alt) + text[missing.offset :]
    return text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("![](a.jpg)", "![A dog.](a.jpg)"),
        ("x ![](a.jpg 'title')![](<b c.jpg>)", "x ![A dog.](a.jpg 'title')![A dog.](<b c.jpg>)"),
        ('![]( a.jpg\n"title" )', '![A dog.]( a.jpg\n"title" )'),
        ("[![](a.jpg)](page.html)", "[![A dog.](a.jpg)](page.html)"),
        ("![][dog]\n\n[dog]: a.jpg", "![A dog.][dog]\n\n[dog]: a.jpg"),
        ("![](a.jpg){width=50%} ![](b.jpg =10x20)", "![A dog.](a.jpg){width=50%} ![A dog.](b.jpg =10x20)"),
        ('<p><img src="a.jpg"></p>', '<p><img src="a.jpg" alt="A dog."></p>'),
        ("- item\n\n      ![](a.jpg)", "- item\n\n      ![A dog.](a.jpg)"),
        ("> ```\n> x\n![](a.jpg)", "> ```\n> x\n![A dog.](a.jpg)"),
        ("a `tick\n\n![](a.jpg) ` b", "a `tick\n\n![A dog.](a.jpg) ` b"),
        ("\\`![](a.jpg)`", "\\`![A dog.](a.jpg)`"),
        ("if a <b ![](a.jpg) > c", "if a <b ![A dog.](a.jpg) > c"),
        ("the <title> of ![](a.jpg)", "the <title> of ![A dog.](a.jpg)"),
        ("<!-- open ![](a.jpg)", "<!-- open ![A dog.](a.jpg)"),
    ],
)
def test_alt_text_is_inserted_between_the_brackets(text: str, expected: str):
    assert filled(text) == expected
    assert markdown_findings(expected).missing == ()


@pytest.mark.parametrize(
    "text",
    [
        "![a dog](a.jpg)",
        "![ ](a.jpg)",
        "![dog][] ![dog]\n\n[dog]: a.jpg",
        "![][unknown]",
        "![][dog]\n[dog]: a.jpg",
        "\\![](a.jpg)",
        "!\\[](a.jpg)",
        "`![](a.jpg)`",
        "`` ` ![](a.jpg) ``",
        "```\n![](a.jpg)\n```",
        "~~~ html\n<img src=a.jpg>\n```\n![](b.jpg)\n~~~~",
        "> ```\n> ![](a.jpg)\n> ```",
        "- ```\n  ![](a.jpg)\n  ```",
        "text\n\n    ![](a.jpg)\n\n    <img src=a.jpg>",
        "\t![](a.jpg)",
        "---\nimage: ![](a.jpg)\n---\n",
        "<!-- ![](a.jpg)\n\n<img src=a.jpg> -->",
        '<p title="![](a.jpg)">',
        "<script>\n\n![](a.jpg)\n\n</script>",
        "`<img src=a.jpg>` \\<img src=a.jpg>",
        '<img src=a.jpg alt="">',
        "![](a b.jpg)",
        "![] (a.jpg)",
    ],
)
def test_code_comments_and_described_images_are_left(text: str):
    assert markdown_findings(text).missing == ()


def test_addresses_are_read_as_commonmark_does():
    text = "![](a\\(1.jpg) ![](b(1).jpg) ![](c&amp;d.jpg) ![][Ref\n  One] ![](<e\\>.jpg>)\n"
    text += "\n[ref ONE]:\n  <f g.jpg> 't'\n[ref one]: no.jpg"
    assert addresses_of(text) == ["a(1.jpg", "b(1).jpg", "c&d.jpg", "f g.jpg", "e>.jpg"]


def test_addresses_of_templates_are_recognised():
    (missing,) = markdown_findings("![]({{ site.url }}/a.jpg)").missing
    assert missing.templated


def test_signs_of_alt_text_stay_signs():
    assert filled("![](a.jpg)", "a [b] *c* `d` <e> {{f}}") == r"![a \[b\] \*c\* &#96;d&#96; &lt;e&gt; \{\{f\}\}](a.jpg)"


SNIPPETS = st.sampled_from(
    [
        "![](",
        "![",
        "][",
        "]",
        "a.jpg",
        ")",
        "<img src=b.jpg>",
        "<img",
        ">",
        "`",
        "```",
        "~~~\n",
        "\n",
        "\n\n",
        "    ",
        "- ",
        "> ",
        "\\",
        "<!--",
        "-->",
        "<",
        "(",
        '"',
        "[a]: b.jpg",
        "![][a]",
        "{{",
        "}}",
        "\t",
        "\r\n",
        "---\n",
        " ",
        "é",
        "![](x)",
    ]
)


@given(st.lists(SNIPPETS, max_size=40).map("".join))
def test_filling_inserts_only_and_once(text: str):
    findings = markdown_findings(text)
    places = [missing.offset for missing in findings.missing]
    assert places == sorted(set(places))
    full, kept, end = filled(text), "", 0
    for missing in findings.missing:
        piece = text[end : missing.offset] + missing.insertion("A dog.")
        assert full[len(kept) :].startswith(piece)
        kept, end = kept + piece, missing.offset
    assert kept + text[end:] == full
    assert markdown_findings(full).missing == ()


PIECES = [
    "![](",
    "![](a '",
    "![][",
    "`",
    "<a ",
    "<a b='",
    "<!--",
    "{{",
    "![]({{",
    "<script>",
    "[a]: ",
    "> ",
    "\n    ",
    "(",
    "<!",
    "``` ",
]


@pytest.mark.parametrize("piece", PIECES)
def test_hostile_files_are_read_in_linear_time(piece: str):
    markdown_findings(piece * 10_000)
    markdown_findings("".join("`" * (number % 300) + " " for number in range(3000)))
