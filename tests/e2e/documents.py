"""Documents that are hard to display: with HTML, right-to-left, dated, duplicated, long, unreadable."""

from __future__ import annotations

from readers.pdf.rendering.pdf_samples import slow_pdf

EVIL = '<script>alert("caught")</script><img src=x onerror="alert(1)">{{ 7 * 7 }}'

_HARVEST = """---
title: Harvest of {year}
source: Office {office}
published: {year}-10-{day}
---

The harvest of the year {year} in the valley of the zinnia farms was counted in the last week of October.
The zinnia harvest came to {tons} tons, said the office, and {farms} farms took part in it. Rain fell late,
and the roads to the market were closed for some days.
"""
_ZEPPELIN = """---
title: The zeppelin in {place}
source: {place}
---

A zeppelin landed beside the quinoa fields on Tuesday. The zeppelin carried letters, medicine and two
engineers, who stayed for a week and repaired the telegraph before they left again.
"""
_PART = (
    "## Part {number}\n\nThe narwhal number {number} was seen in the bay at noon. " + "It swam away. " * 20
)
_QUOKKA = f"""{EVIL} A quokka

The quokka lives on an island {EVIL} and the quokka eats leaves of trees and grass at night, as the wardens of
the island have told every visitor.
"""
_VISIT = """وصل الوزير إلى العاصمة يوم الثلاثاء والتقى رئيس الوزراء لمناقشة التجارة والتعليم. وقال الوزير إن
التجارة بين البلدين نمت بنسبة عشرين في المئة خلال العام الماضي.
"""


def _harvest(year: int) -> str:
    return _HARVEST.format(
        year=year, office=year % 3, day=year % 9 + 10, tons=year - 1900, farms=year % 13 + 3
    )


_WRAPPED = """The Gecko Survey

The gecko survey 🦎 of the outer islands was made by two teams, which went
from house to house for a month and wrote down what they saw; the gecko of
the lighthouse was counted twice.

It was the last survey of its kind.
"""
_MARKUP = """# Ocelots

The ocelot [sleeps](javascript:alert(1)) by **day** <script>alert("ocelot")</script> and hunts at night.

<img src=x onerror="alert(2)">

| Place | Ocelots |
|-------|--------:|
| <b onmouseover=alert(3)>North</b> | 12 |
| South | 7 |

- one `<iframe src=javascript:alert(4)>`
- two
"""

DOCUMENTS = {
    "wrapped.txt": _WRAPPED.replace("\n", "\r\n"),
    "markup.md": _MARKUP,
    "evil.txt": _QUOKKA,
    "evil.txt.meta.toml": f"title = '{EVIL}'\nsource = '{EVIL}'\n",
    "arabic.txt": _VISIT,
    "arabic.txt.meta.toml": 'title = "زيارة الوزير"\nlanguage = "ar"\nsource = "وكالة الأنباء"\n',
    "long.md": "\n\n".join(["# Long", *(_PART.format(number=number) for number in range(400))]),
    "broken.pdf": "this is no PDF",
    "slow.pdf": slow_pdf("The xylophone of the palace was tuned in March by two men."),
    **{f"harvest-{year}.md": _harvest(year) for year in range(2001, 2015)},
    **{f"zeppelin-{place}.md": _ZEPPELIN.format(place=place) for place in ("Asunto", "Borabo", "Cadiza")},
}
