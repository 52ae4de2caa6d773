from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seetell.alttext.html_images import html_findings


def addresses_of(page: str) -> list[tuple[str, ...]]:
    return [missing.addresses for missing in html_findings(page).missing if not missing.templated]


def filled(page: str, alt: str = "A dog.") -> str:
    for missing in reversed(html_findings(page).missing):
        page = page[: missing.offset] + missing.insertion(alt) + page[missing.offset :]
    return page


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ('<img src="a.jpg">', '<img src="a.jpg" alt="A dog.">'),
        ("<img src='a.jpg'/>", "<img src='a.jpg' alt=\"A dog.\"/>"),
        ("<IMG SRC=a.jpg>", '<IMG SRC=a.jpg alt="A dog.">'),
        ('<img\n\tclass=x\r\n src = "a.jpg"\n>', '<img\n\tclass=x\r\n src = "a.jpg" alt="A dog."\n>'),
        ('<img src="a.jpg"class=x>', '<img src="a.jpg" alt="A dog."class=x>'),
        ('<img title="1 > 0" src="a.jpg">', '<img title="1 > 0" src="a.jpg" alt="A dog.">'),
        ('<img srcset="a.jpg 2x">', '<img srcset="a.jpg 2x" alt="A dog.">'),
        (
            "<picture><source srcset=a.webp><img class=x></picture>",
            '<picture><source srcset=a.webp><img alt="A dog." class=x></picture>',
        ),
        ("<img src= data-src=b.jpg>", '<img src= data-src=b.jpg alt="A dog.">'),
    ],
)
def test_alt_text_is_inserted_after_the_address(page: str, expected: str):
    assert filled(page) == expected
    assert html_findings(expected).missing == ()


def test_quotes_signs_and_braces_of_alt_text_are_escaped():
    said = 'a "dog" & {{ cat }} <b> `x`\''
    page = filled("<img src=a.jpg>", said)
    assert page == ('<img src=a.jpg alt="a &quot;dog&quot; &amp; &#123;&#123; cat }} &lt;b&gt; &#96;x&#96;&#x27;">')


@pytest.mark.parametrize(
    "image",
    [
        '<img src=a.jpg alt="">',
        "<img src=a.jpg alt>",
        "<img alt='a dog' src=a.jpg>",
        "<IMG ALT=x SRC=a.jpg>",
        '<img :alt="name" src=a.jpg>',
        '<img v-bind:alt="name" src=a.jpg>',
        '<img [attr.alt]="name" src=a.jpg>',
        '<img src=a.jpg role="presentation">',
        "<img src=a.jpg aria-hidden=true>",
        '<img src=a.jpg aria-label="a dog">',
    ],
)
def test_described_images_are_left(image: str):
    findings = html_findings(f"<p>{image}</p>")
    assert (findings.missing, len(findings.described)) == ((), 1)


@pytest.mark.parametrize(
    "hidden",
    [
        "<!-- {} -->",
        "<!--[if IE]> {} <![endif]-->",
        "<script>x = '{}'</script>",
        "<SCRIPT>x = '{}'</script\n>",
        "<script><!-- <script>{}</script> {} --></script>",
        "<style>{}</style>",
        "<textarea>{}</textarea >",
        "<title>{}</title>",
        "<iframe>{}</iframe>",
        "<![CDATA[ {} ]]>",
        "<?php echo '{}' ?>",
        "<% say '{}' %>",
        "{{{{ image('{}') }}}}",
        '<p title="{}">',
        "<p title='{}'>",
        "<!-- {}",
        "<plaintext>{}</plaintext>",
    ],
)
def test_what_is_no_html_is_passed_over(hidden: str):
    page = hidden.format(*["<img src=a.jpg>"] * 2)
    assert addresses_of(f"<img src=before.jpg>{page}") == [("before.jpg",)]


@pytest.mark.parametrize(
    "before",
    [
        "<template>",
        "<noscript>",
        "<!-->",
        "<!--->",
        "<!-- x --!>",
        "a < b <3 </3>",
        "<br/>",
        "</p >",
        "{{",
        "{% \n",
        "<svg><path d=''/></svg>",
        "<script></script>",
        "<p data-x='<!--'>",
    ],
)
def test_what_is_html_is_read(before: str):
    assert addresses_of(f"{before}<img src=a.jpg>") == [("a.jpg",)]


@pytest.mark.parametrize(
    "image",
    [
        '<img src="{{ page.image }}">',
        "<img src={{ page.image }}.jpg>",
        '<img src="<?= $image > 1 ?>">',
        '<img src="<%= image %>">',
        "<img src={photo} />",
        '<img src="a.jpg" {{ attributes }}>',
        '<img {% if x > 1 %}src="a.jpg"{% endif %}>',
        "<img src=a.jpg {...rest}>",
        '<img src="a.jpg" :src="photo">',
        '<img srcset="{{ a }} 1x, b.jpg 2x">',
    ],
)
def test_images_of_templates_are_recognised(image: str):
    (missing,) = html_findings(image).missing
    assert missing.templated


def test_a_template_in_another_attribute_hides_nothing():
    assert addresses_of('<img class="{{ a > b }}" src="a.jpg">') == [("a.jpg",)]


def test_addresses_come_in_the_order_of_likelihood():
    page = (
        '<picture><source srcset="p.avif, q.avif 2x">'
        '<img srcset="s.jpg 1x, t,u.jpg 2x" src="a&amp;b.jpg"></picture><img>'
    )
    assert addresses_of(page) == [("a&b.jpg", "s.jpg", "t,u.jpg", "p.avif", "q.avif"), ()]


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ('<img src="spinner.gif" data-src="a.jpg">', ("a.jpg",)),
        ('<img data-srcset="a.jpg 1x, b.jpg 2x" src="dots.png" data-src=c.jpg>', ("c.jpg", "a.jpg", "b.jpg")),
        ('<img src="dots.png" data-lazy-src="a.jpg">', ("a.jpg",)),
        ('<img src="dots.png" data-lazy-srcset="a.jpg 2x">', ("a.jpg",)),
        ('<img src="dots.png" data-original="img/a">', ("img/a",)),
        ('<img src="dots.png" data-lazy="a.jpg">', ("a.jpg",)),
        ('<img src="dots.png" nitro-lazy-src="a.jpg">', ("a.jpg",)),
        ('<img src="dots.png" lazy-src="a.jpg">', ("a.jpg",)),
        ('<img src="a.jpg" data-lazy="true" lazyload loading="lazy" data-src="">', ("a.jpg",)),
        ('<img src="a.jpg" data-zoom-src="b.jpg" data-hover-src="c.jpg">', ("a.jpg",)),
        ('<img src="spinner.gif" data-image="a.jpg" data-id="3">', ("a.jpg",)),
        ('<img src="a.jpg" data-image="b.jpg">', ("a.jpg",)),
        ('<img class="lazyload" src="a.png" data-image="b.jpg">', ("b.jpg",)),
        ('<img src="dots.png" data-flickity-lazyload="a.jpg">', ("a.jpg",)),
        ('<picture><source data-srcset="a.webp"><img src="dots.png"></picture>', ("a.webp",)),
        ('<img src="data:," data-src="a.jpg" srcset="b.jpg 2x, x.gif 1x">', ("a.jpg", "b.jpg")),
    ],
)
def test_the_photo_of_a_lazy_image_is_not_what_stands_in_its_place(image: str, expected: tuple[str, ...]):
    assert addresses_of(image) == [expected]


@pytest.mark.parametrize(
    "page",
    [
        '<img class="lazy" src="dots.png"> <noscript><img src="a.jpg"></noscript>',
        '<noscript> <img src="a.jpg"> </noscript><img src="data:,x">',
        '<img class="lazy"><noscript><picture><source srcset="b.webp"><img src="a.jpg"></picture></noscript>',
        '<picture><img src="spinner.gif"></picture>\n<noscript><img src="a.jpg"/></noscript>',
    ],
)
def test_a_noscript_twin_tells_the_photo(page: str):
    assert [addresses[0] for addresses in addresses_of(page)] == ["a.jpg"] * 2
    described = page.replace('src="a.jpg"', 'src="a.jpg" alt="Rex"')
    (missing,) = html_findings(described).missing
    assert (missing.twin_alt, missing.addresses[0]) == ("Rex", "a.jpg")
    (missing,) = html_findings(page.replace("<img ", '<img alt="" ', 1)).missing
    assert missing.twin_alt == ""


def test_two_twins_in_a_row_and_a_counter_that_is_none():
    lazy = '<noscript><img src="{0}.jpg"></noscript><img src="data:," data-src="{0}.jpg">'
    assert addresses_of(lazy.format("a") + lazy.format("b")) == [(f"{name}.jpg",) for name in "aabb"]
    counter = '<img src="dog.jpg" alt="Rex"><noscript><img src="https://a/count"></noscript>'
    (missing,) = html_findings(counter).missing
    assert missing.twin_alt is None


@pytest.mark.parametrize(
    "shown",
    [
        "{{% highlight html %}}{}{{% endhighlight %}}",
        "{{%- codeblock lang:html -%}}\n{}\n{{%- endcodeblock -%}}",
        "{{% code() %}}{}{{% end %}}",
        "{{{{< highlight html >}}}}\n{}\n{{{{< /highlight >}}}}",
        "{{{{% code %}}}}{}{{{{% /code %}}}}",
        "{{% comment %}}{}{{% endcomment %}}",
        '[code language="html"]{}[/code]',
    ],
)
def test_code_that_a_template_shows_is_left(shown: str):
    page = shown.format("<img src=a.jpg>") + "<img src=b.jpg>"
    assert addresses_of(page) == [("b.jpg",)]


def test_a_mark_without_the_other_shows_nothing():
    assert addresses_of("{% highlight %}<img src=a.jpg>{% codepen x %}<img src=b.jpg>{% endcomment %}") == [
        ("a.jpg",),
        ("b.jpg",),
    ]


def test_the_base_of_a_page_is_the_first():
    assert html_findings('<base target=x><base href="/b/"><base href="/c/">').base == "/b/"


def test_nothing_comes_after_a_tag_that_does_not_end():
    assert addresses_of('<img src=a.jpg><p title="<img src=b.jpg><img src=c.jpg>') == [("a.jpg",)]


SNIPPETS = st.sampled_from(
    [
        "<img ",
        "<img",
        "src=",
        "a.jpg",
        '"',
        "'",
        ">",
        "/>",
        "<!--",
        "-->",
        "<script>",
        "</script>",
        "{{",
        "}}",
        "{%",
        "%}",
        "<?php",
        "?>",
        "<picture>",
        "<source srcset=b.jpg",
        " ",
        "\n",
        "\r\n",
        "alt",
        "=",
        "é",
        "\x00",
        "<",
        "&amp;",
        "${",
    ]
)


@pytest.mark.slow
@given(st.lists(SNIPPETS, max_size=40).map("".join))
def test_filling_inserts_only_and_once(page: str):
    findings = html_findings(page)
    places = [missing.offset for missing in findings.missing]
    assert places == sorted(set(places))
    full = filled(page)
    assert len(full) == len(page) + len(places) * len(' alt="A dog."')
    rest, kept = full, ""
    for place in places:
        kept, rest = kept + rest[: place - len(kept)], rest[place - len(kept) :]
        assert rest.startswith(' alt="A dog."')
        rest = rest[len(' alt="A dog."') :]
    assert kept + rest == page
    again = html_findings(full)
    assert again.missing == ()
    assert len(again.described) == len(findings.described) + len(places)


@pytest.mark.parametrize(
    "piece", ["<a ", "<img src='", "<!--", "{{", "<a {{", "<a b={{", "<script>", "<a b=\"<a b='", "<%"]
)
def test_hostile_pages_are_read_in_linear_time(piece: str):
    html_findings(piece * 10_000)
