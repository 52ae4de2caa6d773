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
        ("- item\n\n    ![](a.jpg)", "- item\n\n    ![A dog.](a.jpg)"),
        ("1. item\n   - sub\n\n        ![](a.jpg)", "1. item\n   - sub\n\n        ![A dog.](a.jpg)"),
        ("- a ` b\n- ![](a.jpg) ` c", "- a ` b\n- ![A dog.](a.jpg) ` c"),
        ("![](a.jpg){width=50%}\n{: .wide}", "![A dog.](a.jpg){width=50%}\n{: .wide}"),
        ("![](a.jpg) {{ x }} {% y alt=z %}", "![A dog.](a.jpg) {{ x }} {% y alt=z %}"),
        ("![|300](a.jpg) ![|30x20](b.jpg)", "![A dog.|300](a.jpg) ![A dog.|30x20](b.jpg)"),
        ("![[a.jpg]] ![[b.png|300]]", "![[a.jpg|A dog.]] ![[b.png|A dog.|300]]"),
        ("| a |\n|---|\n| ![[a.jpg\\|30]] |", "| a |\n|---|\n| ![[a.jpg\\|A dog.\\|30]] |"),
        ('{{< figure src="a.jpg" title="x" >}}', '{{< figure src="a.jpg" alt="A dog." title="x" >}}'),
        ("{{% figure class=`x` src=a.jpg %}}", '{{% figure class=`x` src=a.jpg alt="A dog." %}}'),
        ('<p>{{<figure src="a.jpg">}}</p>', '<p>{{<figure src="a.jpg" alt="A dog.">}}</p>'),
        ("![][dog]\n\n[dog]: a.jpg {width=3}", "![A dog.][dog]\n\n[dog]: a.jpg {width=3}"),
        ("> ```\n> x\n![](a.jpg)", "> ```\n> x\n![A dog.](a.jpg)"),
        ("a `tick\n\n![](a.jpg) ` b", "a `tick\n\n![A dog.](a.jpg) ` b"),
        ("\\`![](a.jpg)`", "\\`![A dog.](a.jpg)`"),
        ("if a <b ![](a.jpg) > c", "if a <b ![A dog.](a.jpg) > c"),
        ("the <title> of ![](a.jpg)", "the <title> of ![A dog.](a.jpg)"),
        ("an <!-- open ![](a.jpg)", "an <!-- open ![A dog.](a.jpg)"),
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
        "<!-- open ![](a.jpg)",
        "- item\n\n      ![](a.jpg)",
        "1. a\n\n   > ~~~\n   > ![](a.jpg)\n\ntext",
        "-     ![](a.jpg)",
        "| a | b |\n|---|---|\n| ` | x |\n| `![](a.jpg)` | y |",
        "<pre>\n![](a.jpg)\n\n![](a.jpg)\n</pre>",
        "<PRE class=x><code>![](a.jpg)\n</code></PRE>",
        "<div><pre>\n\n![](a.jpg)\n\n</pre></div>",
        "text <code>![](a.jpg)</code> <kbd>![](b.jpg)</kbd>",
        '<code-block lang="md">\n\n![](a.jpg)\n\n</code-block>',
        "<div>\n![](a.jpg)\n</div>",
        "{% highlight md %}\n![](a.jpg)\n\n<img src=a.jpg>\n{% endhighlight %}",
        "{%- codeblock lang:md -%}\n![](a.jpg)\n{%- endcodeblock -%}",
        "{% code() %}\n![](a.jpg)\n{% end %}",
        "{{< highlight md >}}\n![](a.jpg)\n{{< /highlight >}}",
        "{{% code lang=md %}}\n![](a.jpg)\n\n![](b.jpg)\n{{% /code %}}",
        "{{</* figure src=a.jpg */>}}",
        "<!-- {{< figure src=a.jpg >}} -->",
        "{% codeblock a https://a/b%20c lang:md %}\n![](a.jpg)\n{% endcodeblock %}",
        '```\n{{< figure src="a.jpg" >}}\n```',
        ":::{code-block} md\n![](a.jpg)\n:::",
        "{::comment}\n![](a.jpg)\n{:/comment}\n\n{::nomarkdown}![](a.jpg){:/}",
        "[code]![](a.jpg)[/code]",
        "---\nimage: ![](a.jpg)\n...\n",
        "![](dog.jpg){alt='A brown dog'}",
        '![](dog.jpg){fig-alt="A brown dog"}',
        '![](dog.jpg){: alt="A brown dog"}',
        '![](dog.jpg){ width=50% alt="" }',
        '![](dog.jpg)\n{: alt="A brown dog"}',
        '![](dog.jpg)\r\n{ .x alt="A dog"}\r\n',
        '{: alt="A dog"}\n![](dog.jpg)',
        '![](dog.jpg){#fig-dog .wide fig-alt="A {brown} dog"}',
        '![](dog.jpg "title"){width=50%\nalt="A dog"}',
        "![](dog.jpg){.x}{: alt=dog's}",
        "![](dog.jpg){aria-hidden=true} ![](a.jpg){ role=presentation }",
        '![](dog.jpg){:dog .x}\n\n{:dog: alt="A dog"}',
        '![][dog]{alt="A dog"}\n\n[dog]: a.jpg',
        '![][dog]\n\n[dog]: a.jpg "title" {alt="A dog"}',
        '[![](a.jpg){alt="A dog"}](page.html)',
        "![[Some note]] ![[Some note#Part]] ![[a.pdf]]",
        "![[a.jpg|A dog]] ![[a.jpg|A dog|300]] ![a dog|300](a.jpg)",
        '{{< figure src="a.jpg" alt="A dog" >}} {{< figure src="a.jpg" alt="" >}}',
        '{{< figure src="a.jpg" caption="x" >}}',
        '{{< figure title="x" >}} {{< figures src="a.jpg" >}}',
        "text\n\n    ![](a.jpg)\n\n    <img src=a.jpg>",
        "\t![](a.jpg)",
        "---\nimage: ![](a.jpg)\n---\n",
        "<!-- ![](a.jpg)\n\n<img src=a.jpg> -->",
        '<p title="![](a.jpg)">',
        "<script>\n\n![](a.jpg)\n\n</script>",
        "<li>Write `<img src=a.jpg>` and ``![](a.jpg)``.</li>",
        "`<img src=a.jpg>` \\<img src=a.jpg>",
        '<img src=a.jpg alt="">',
        "![](a b.jpg)",
        "![] (a.jpg)",
    ],
)
def test_code_comments_and_described_images_are_left(text: str):
    assert markdown_findings(text).missing == ()


def test_images_with_and_without_alt_text_are_counted():
    text = '![[dog.jpg]]\n\n![[Some note]]\n\n![|300](dog.jpg) ![1] ![a] ![b][c] ![d](e.jpg){alt="f"}\n\n[a]: a.jpg\n'
    findings = markdown_findings(text + '\n![g [h] `i`](j.jpg) ![[k.png|l|3]] {{< figure src="m.jpg" caption="n" >}}')
    assert [missing.addresses for missing in findings.missing] == [("dog.jpg",)] * 2
    assert [(image.addresses[0], image.alt) for image in findings.described] == [
        ("a.jpg", "a"), ("e.jpg", "f"), ("j.jpg", "g [h] `i`"), ("k.png", "l"), ("m.jpg", "n"),
    ]  # fmt: skip


def test_addresses_are_read_as_commonmark_does():
    text = "![](a\\(1.jpg) ![](b(1).jpg) ![](c&amp;d.jpg) ![][Ref\n  One] ![](<e\\>.jpg>)\n"
    text += "\n[ref ONE]:\n  <f g.jpg> 't'\n[ref one]: no.jpg"
    assert addresses_of(text) == ["a(1.jpg", "b(1).jpg", "c&d.jpg", "f g.jpg", "e>.jpg"]


@pytest.mark.parametrize(
    "text", ["![%s](<img/my dog.jpg>)", "![%s][b]\n\n[b]: <img/my dog.jpg>", "[b]:\n <img/a b>\n\n![%s](c)"]
)
def test_addresses_in_angle_brackets_are_no_tags(text: str):
    described = markdown_findings(text % "A dog")
    assert (described.missing, [image.alt for image in described.described]) == ((), ["A dog"])
    assert filled(text % "") == text % "A dog."


@pytest.mark.parametrize("text", ["\\](<img src=a.jpg>)", "x [1]: <img src=a.jpg>", "[x](<b c>) <img src=a.jpg>"])
def test_tags_beside_brackets_are_tags(text: str):
    assert addresses_of(text) == ["a.jpg"]


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


@pytest.mark.slow
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
    "![[",
    "![[a.jpg|",
    "{{< figure a=",
    "{% highlight %}",
    "{{< code >}}",
    "{: alt='",
    "![](a){'",
    "[a]: x {",
    "<code>",
    "](<a",
    "\n[a]: <",
    "<noscript><img>",
    "\n- ",
    "|a\n|-",
]


@pytest.mark.slow
@pytest.mark.parametrize("piece", PIECES)
def test_hostile_files_are_read_in_linear_time(piece: str):
    markdown_findings(piece * 10_000)
    markdown_findings("".join("`" * (number % 300) + " " for number in range(3000)))
