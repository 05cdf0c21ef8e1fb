"""Calendars."""

import pytest

from qa.errors import ReadError
from readers.samples import headings, one


def calendar(*lines, head=(), kind="VEVENT"):
    event = [f"BEGIN:{kind}", *lines, f"END:{kind}"]
    parts = ["BEGIN:VCALENDAR", "VERSION:2.0", *head, *event, "END:VCALENDAR"]
    return "\r\n".join(parts) + "\r\n"


def test_an_event_is_a_section():
    data = calendar(
        *("SUMMARY:Repair of the boiler\\, part 1", "DTSTART;TZID=Europe/Berlin:20190603T100000"),
        *("DTEND;TZID=Europe/Berlin:20190603T113000", "LOCATION:Cellar\\, School", "STATUS:CANCELLED"),
        *("ORGANIZER;CN=Ann Smith:mailto:ann@example.org", "ATTENDEE:mailto:bob@example.org"),
        *("DESCRIPTION:Bring the valve.\\nAnd a wre", " nch.\\n\\nThanks."),
        head=["X-WR-CALNAME:Plumbers"],
    )
    reading = one("a.ics", data)
    assert reading.metadata.title == "Plumbers"
    assert headings(reading) == [(1, "Repair of the boiler, part 1")]
    assert reading.text == (
        "Repair of the boiler, part 1\n\nWhen: 2019-06-03 10:00 – 11:30 (Europe/Berlin)\n"
        "Where: Cellar, School\nOrganizer: Ann Smith <ann@example.org>\n"
        "Attendees: bob@example.org\nCancelled\n\n"
        "Bring the valve.\nAnd a wrench.\n\nThanks."
    )


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["DTSTART;VALUE=DATE:20190603", "DTEND;VALUE=DATE:20190604"], "2019-06-03"),
        (["DTSTART;VALUE=DATE:20190603", "DTEND;VALUE=DATE:20190606"], "2019-06-03 – 2019-06-05"),
        (["DTSTART:20190603T100000", "DTEND:20190604T090000"], "2019-06-03 10:00 – 2019-06-04 09:00"),
        (["DTSTART:20190603T100000Z", "DURATION:PT90M"], "2019-06-03 10:00 – 11:30 (UTC)"),
        (["DTSTART;VALUE=DATE:20190603", "DTEND;VALUE=DATE:20190603"], "2019-06-03"),
        (
            ["DTSTART:20190603T100000", "RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=5"],
            "2019-06-03 10:00\nRepeats every 2 weeks 5 times",
        ),
        (["DTSTART:20190603T100000Z"], "2019-06-03 10:00 (UTC)"),
        (
            ["DTSTART:20190603T100000", "RRULE:FREQ=WEEKLY;BYDAY=MO,TU;UNTIL=20190901"],
            "2019-06-03 10:00\nRepeats weekly on MO, TU until 2019-09-01",
        ),
        ([], ""),
    ],
)
def test_times(lines, expected):
    assert (
        one("a.ics", calendar("SUMMARY:Repair", *lines)).text
        == f"Repair\n\n{expected and 'When: '}{expected}".strip()
    )


def test_tasks_have_a_day_when_they_are_due():
    reading = one("a.ics", calendar("SUMMARY:Order a valve", "DUE;VALUE=DATE:20190607", kind="VTODO"))
    assert reading.text == "Order a valve\n\nWhen: due 2019-06-07"


def test_several_calendars_and_events_without_a_summary():
    data = calendar("SUMMARY:One") + calendar("DESCRIPTION:No summary.") + calendar("SUMMARY:Two")
    assert headings(one("a.ics", data)) == [(1, "One"), (1, "Two")]


@pytest.mark.parametrize("data", ["", "Some text.", "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "BEGIN:VEVENT"])
def test_what_is_no_calendar_is_an_error(data):
    with pytest.raises(ReadError):
        one("a.ics", data)


def test_a_damaged_line_costs_itself():
    reading = one("a.ics", calendar("SUMMARY:Repair", "DTSTART:soon", "no colon", "LOCATION:Cellar"))
    assert "Repair" in reading.text
    assert "Cellar" in reading.text


def test_a_description_in_html_is_read_where_there_is_no_other():
    event = calendar("SUMMARY:Repair", "X-ALT-DESC;FMTTYPE=text/html:<p>Bring <b>the</b> valve.</p>")
    assert one("a.ics", event).text == "Repair\n\nBring the valve."


def invitation(body, *lines, kind="alternative", more=""):
    return (
        f"Subject: Repair\r\nContent-Type: multipart/{kind}; boundary=b7\r\n\r\n"
        f"--b7\r\nContent-Type: text/plain\r\n\r\n{body}\r\n"
        f"--b7\r\nContent-Type: text/calendar; method=REQUEST{more}\r\n\r\n{calendar(*lines)}\r\n"
    )


@pytest.mark.parametrize("kind", ["alternative", "mixed"])
def test_an_invitation_is_part_of_the_message(kind):
    data = invitation("Please come.", "SUMMARY:Repair", "LOCATION:Cellar", kind=kind)
    reading = one("a.eml", f"{data}--b7--\r\n")
    assert reading.text == "Please come.\n\nRepair\n\nWhere: Cellar"
    assert headings(reading) == [(1, "Repair")]


def test_what_an_invitation_and_its_message_both_say_stands_once():
    data = invitation("Bring the\r\nvalve.\r\nThanks", "SUMMARY:Repair", "DESCRIPTION:Bring the valve.")
    assert one("a.eml", f"{data}--b7--\r\n").text == "Bring the\nvalve.\nThanks\n\nRepair"


def test_an_invitation_that_is_attached_again_is_read_once():
    again = (
        "--b7\r\nContent-Type: application/ics; name=invite.ics\r\nContent-Disposition: attachment\r\n\r\n"
    )
    data = invitation("Please come.", "SUMMARY:Repair", kind="mixed")
    data += f"{again}{calendar('SUMMARY:Repair')}\r\n--b7--\r\n"
    assert one("a.eml", data).text == "Please come.\n\nRepair"


def test_an_invitation_without_events_is_noted():
    data = invitation("Please come.", more="").replace("VEVENT", "VFREEBUSY")
    reading = one("a.eml", f"{data}--b7--\r\n")
    assert reading.text == "Please come."
    assert reading.notes[0].startswith("a calendar in the message is ")


def test_the_day_of_an_event_is_not_when_it_was_published():
    reading = one("a.ics", calendar("SUMMARY:Repair", "DTSTART;VALUE=DATE:20190603"))
    assert reading.metadata.published is None


def test_a_fold_may_divide_a_character():
    data = calendar("SUMMARY:Kühler").encode().replace(b"\xbc", b"\r\n \xbc")
    assert one("a.ics", data).text == "Kühler"


@pytest.mark.parametrize("markup", ["<b>Bring</b> it.\\n\\nThanks.", "<p><b>Bring</b> it.</p><p>Thanks."])
def test_a_description_may_be_html(markup):
    text = one("a.ics", calendar("SUMMARY:Repair", f"DESCRIPTION:{markup}")).text
    assert text.split() == ["Repair", "Bring", "it.", "Thanks."]
    assert "it.\n" in text
