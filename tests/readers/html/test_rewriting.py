"""Markup whose meaning becomes characters."""

from __future__ import annotations

import pytest

from readers.samples import one

FORMULA = "<math><mi>E</mi><mo>=</mo><mn>5</mn></math>"
DRAWN = "<span class=katex-html aria-hidden=true><span>E</span>=<span>5</span></span>"
PICTURE = "<img class=mwe-math-fallback-image-inline alt='E=5'>"


def _text(body: str) -> str:
    return one("a.html", f"<html><body><p>A first paragraph of the page.</p>{body}</body></html>").text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("in 1821<sup>1</sup> and", "in 1821 [1] and"),
        ("held 31<sup><a href='#n2'>2</a></sup> ships", "held 31 [2] ships"),
        ("held 31<a href='#n2'><sup>2</sup></a> ships", "held 31 [2] ships"),
        ("31<sup>[4]</sup> ships", "31[4] ships"),
        ("the harbour<sup>3</sup> wall", "the harbour [3] wall"),
        ("250 m<sup>2</sup> of sail", "250 m² of sail"),
        ("10<sup>6</sup> tonnes, 10<sup>-3</sup> m", "10^6 tonnes, 10^-3 m"),
        ("x<sup>n</sup>, H<sub>2</sub>O", "x^n, H2O"),
        ("the 21<sup>st</sup> of May", "the 21st of May"),
        ("<b>12</b><sup>7</sup> boats", "12^7 boats"),
        ("in 1821<sup>a</sup> or 1830 <sup>2</sup> or", "in 1821 [a] or 1830 [2] or"),
        ("by the pier.<sup>3,4</sup> Then", "by the pier. [3,4] Then"),
        ("(at low tide)<sup>5</sup> and (a+b)<sup>2</sup>", "(at low tide) [5] and (a+b)²"),
        ("44<sup>ii</sup> crews", "44 [ii] crews"),
        ("1830<a class=footnote-ref href='#f'>6</a> or", "1830 [6] or"),
        ("1830<a role=doc-noteref href='#f'>7</a> or", "1830 [7] or"),
        ("1830<span style='vertical-align: super'>8</span> or", "1830 [8] or"),
        ("2<sup>1</sup>/<sub>2</sub> or 3<sup>1</sup>&frasl;<sub>4</sub> cups", "2 1/2 or 3 1⁄4 cups"),
        ("5 cm<sup>3</sup>/s, 9 mile<sup>2</sup>", "5 cm³/s, 9 mile²"),
        ("Ca<sup>2+</sup>, a<sup>n+1</sup>, x<sup>2<sup>3</sup></sup>", "Ca²⁺, a^(n+1), x^(2^3)"),
        ("for $4<sup>99</sup>, Knot<sup>TM</sup>", "for $4.99, Knot™"),
        ("the 1<sup>er</sup> mai, n<sup>o</sup> 5, M<sup>me</sup> B", "the 1er mai, no 5, Mme B"),
        ("CO<sub>2</sub>, 12<sub>8</sub>, v<sub>max</sub>", "CO2, 12_8, v_max"),
        ("<b>31</b> <sup>2</sup> ships", "31 [2] ships"),
    ],
)
def test_superscripts_never_fuse_with_a_number(markup, text):
    assert text in _text(f"<p>There it was, {markup}, as they said.</p>")


def test_breaks_in_preformatted_text_end_lines():
    text = _text("<pre><code><span>import x<br></span><span>print(x)</span></code></pre><pre>a<br/>b</pre>")
    assert "import x\nprint(x)" in text
    assert "a\nb" in text


@pytest.mark.parametrize(
    ("attributes", "items", "lines"),
    [
        ("", "<li>One.<li>Two.", ["1. One.", "2. Two."]),
        ("start=7", "<li>One.<li value=3>Two.<li>Three.", ["7. One.", "3. Two.", "4. Three."]),
        ("reversed", "<li>One.<li>Two.", ["2. One.", "1. Two."]),
        ("type=a", "<li>One.<li>Two.", ["a. One.", "b. Two."]),
        ("type=I start=3", "<li>One.<li>Two.", ["III. One.", "IV. Two."]),
        ("", "<li><p>One.</p><p>More.</p><li><b>Two</b>.", ["1. One.", "More.", "2. Two."]),
        ("type=A start=26", "<li>One.", ["Z. One."]),
        ("style='list-style-type: lower-roman'", "<li>One.<li>Two.", ["i. One.", "ii. Two."]),
        ("style='list-style: none'", "<li>(a) One.", ["- (a) One."]),
        ("class='nav list-unstyled'", "<li>One.", ["- One."]),
        ("", "<li>One.<li><p><img src=x> Two.</p><li>", ["1. One.", "2. Two."]),
        ("", "<li>One.<ol type=a><li>In.</ol><li>Two.", ["1. One.", "a. In.", "2. Two."]),
    ],
)
def test_items_of_an_ordered_list_keep_their_numbers(attributes, items, lines):
    assert [line for line in _text(f"<ol {attributes}>{items}</ol>").split("\n") if line][1:] == lines


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        ("<mi>Q</mi><mo>=</mo><mn>0.75</mn><mi>m³/s</mi>", "Q = 0.75m³/s"),
        ("<mfrac><mrow><mi>a</mi><mo>+</mo><mn>1</mn></mrow><mi>b</mi></mfrac>", "(a+1)/b"),
        ("<msup><mi>x</mi><mn>2</mn></msup><mo>+</mo><msub><mi>y</mi><mi>i</mi></msub>", "x^2+y_i"),
        ("<msqrt><mi>a</mi><mo>+</mo><mi>b</mi></msqrt>", "√(a+b)"),
        ("<semantics><mn>0.5</mn><annotation>\\frac 1 2</annotation></semantics>", "0.5"),
    ],
)
def test_formulas_are_text(formula, text):
    assert f"flow {text} at" in _text(f"<p>The flow <math>{formula}</math> at noon.</p>")


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        (
            f"<span><span class=mwe-math-a11y style='display: none'>{FORMULA}</span>{PICTURE}</span>",
            "E = 5",
        ),
        (
            f"<span class=katex><span class=katex-mathml>{FORMULA}</span>{DRAWN}</span>",
            "E = 5",
        ),
        ("<span class=MathJax_Preview>E</span><script type='math/tex'>E=5</script>", "E=5"),
        ("<img class=tex alt='{\\displaystyle E=5}'>", "E=5"),
        (
            "<math><mi>a</mi><mo>&#x2062;</mo><mi>b</mi><mtext>for all</mtext><mi>n</mi></math>",
            "ab for all n",
        ),
        ("<math><mfenced><mi>a</mi><mi>b</mi></mfenced></math>", "(a, b)"),
    ],
)
def test_a_formula_stands_once_however_it_is_drawn(markup, text):
    assert f"flow {text} at" in _text(f"<p>The flow {markup} at noon.</p>")


def test_a_formula_without_children_is_its_alternative_text():
    assert "flow E=mc^2 at" in _text("<p>The flow <math alttext='E=mc^2'></math> at noon.</p>")


def test_pronunciation_is_left_out():
    ruby = "<ruby>大<rp>(</rp><rt>おお</rt><rp>)</rp>阪<rt>さか</rt></ruby>の港"
    assert "大阪の港" in _text(f"<p>{ruby}は古い。</p>")


def test_a_picture_of_a_formula_in_one_that_is_drawn_is_left_out():
    text = _text("<p>The flow <span class=MathJax><img class=tex alt=Q></span> is large.</p>")
    assert "The flow is large." in text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>港口\n<b>在老城</b>\n的<a href='#'>东\n边</a>。</p>", "港口在老城的东边。"),
        ("<p>「\nはい」\nと「いいえ」</p>", "「はい」と「いいえ」"),
        ("<p>港“\n旧”\n的</p>", "港“旧”的"),
        ("<div>港口\n<p>老城</p>\n</div>", "港口\n\n老城"),
        ("<p>港\n3\n号，用 USB\n线</p>", "港 3 号，用 USB 线"),
        ("<p>서울\n<b>항구</b>\n앞</p>", "서울 항구 앞"),
        ("<pre><code>港\n口</code></pre>", "港\n口"),
    ],
)
def test_line_ends_across_markup_and_at_punctuation(markup, text):
    assert text in _text(markup)


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<pre>make all<button>Copy</button>\ncd x</pre>", "make all\ncd x"),
        ("<pre><code><div>a = 1</div><div>b = 2</div></code></pre>", "a = 1\nb = 2"),
        (
            "<table><tr><td class=linenos><pre>1\n2</pre></td><td><pre>a = 1\nb = 2</pre></td></tr></table>",
            "\n\na = 1\nb = 2",
        ),
        ("<xmp>a <b>\n c</xmp>", "a <b>\n c"),
    ],
)
def test_code_is_its_lines_alone(markup, text):
    assert _text(markup).endswith(text)


def test_signs_and_controls_beside_headings_are_no_text():
    text = _text(
        "<h2>Tides<a class=headerlink href='#tides'>¶</a></h2>"
        "<h3>Ebb<span class=mw-editsection>[<a href='/e'>edit</a>]</span></h3>"
    )
    assert text.endswith("Tides\n\nEbb")


def test_a_deletion_is_apart_from_what_replaces_it():
    assert "It was is late." in _text("<p>It <del>was</del><ins>is</ins> late.</p>")


def test_line_ends_between_han_are_no_spaces_and_between_other_words_are():
    text = _text("<p>会议在市政\n  厅举行，\n议题为预算。</p><p>한국어\n문장 and\nmore 港\nof</p>")
    assert "会议在市政厅举行，议题为预算。" in text
    assert "한국어 문장 and more 港 of" in text
