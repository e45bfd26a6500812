"""Texts that are dates, or nearly: the ISO form, old forms, and both with parts out of place."""

from random import Random
from typing import Final

_MONTHS: Final = (
    *("Jan", "feb", "MAR", "apr", "May", "june"),
    *("July", "Sept", "OCT", "nov", "Dec", "december"),
)
_WORDS: Final = (
    *_MONTHS,
    *("AM", "PM", "a.m.", "ut", "UTC", "utc+", "z", "Z", "gmt", "GMT", "EST", "pst", "CDT", "mdt"),
    *("t", "T", "Mon", "Tuesday", "at", "of", "th", "é", "[", "_", "x"),
    *("\u00a0", "\ufeff", "😀", "\u2028", "\u3000", "\u0085"),
)
_SIGNS: Final = (*":--/,.+()T';@\t\n\0\u2028 ", "(x)", "::", " ", " ", ":")
_YEARS: Final = (
    *("2024", "1999", "0000", "0099", "+002024", "-000001", "-000000", "+275760", "-271821"),
    *("+275761", "9999", "10000", "99", "024"),
)
_FRACTIONS: Final = (
    *("0", "000", "1", "12", "123", "1234", "999999999", "0001234567890", "0000", "00000000001"),
)
_ISO_ZONES: Final = (
    *("", "", "Z", "z", "+02:00", "-0530", "+2", "+24:00", "+23:60", "-00:00", " GMT", "Z "),
    *("+02", " +0200"),
)
_OLD_ZONES: Final = (
    *("", " GMT", " UTC+2", " +0200", "Z", " EST", " PM", "am", " GMT-08:30", " (PDT)", " +12345"),
    *(" -1", " z+1:", " -99999999:", " +715827:30", " +596523:14:"),
)


def date_text(rng: Random) -> str:
    """Make one text."""
    text = rng.choice((_iso, _iso, _parts, _old, _old))(rng)
    if text and rng.random() < 0.4:
        place = rng.randrange(len(text) + 1)
        put = rng.choice((*_SIGNS, *_WORDS, _number(rng), ""))
        text = text[:place] + put + text[place + rng.randrange(3) :]
    return text


def _iso(rng: Random) -> str:
    text = rng.choice(_YEARS)
    if rng.random() < 0.9:
        text += f"-{rng.choice((0, 1, 2, 9, 12, 13, 1, 2)):02d}"
    if rng.random() < 0.85:
        text += f"-{rng.choice((0, 1, 13, 14, 20, 28, 29, 30, 31, 32)):02d}"
    if rng.random() < 0.25:
        return text
    text += rng.choice(("T", "T", "T", "t", " ", "TT"))
    text += f"{rng.choice((0, 1, 12, 23, 24, 25)):02d}:{rng.choice((0, 0, 1, 59, 60)):02d}"
    if rng.random() < 0.7:
        text += f":{rng.choice((0, 0, 1, 59, 60)):02d}"
    if rng.random() < 0.5:
        text += "." + rng.choice(_FRACTIONS)
    return text + rng.choice(_ISO_ZONES)


def _parts(rng: Random) -> str:
    makers = (_number, _number, lambda it: it.choice(_WORDS), lambda it: it.choice(_SIGNS))
    return "".join(rng.choice(makers)(rng) for _ in range(rng.randrange(1, 11)))


def _number(rng: Random) -> str:
    few, many = rng.randrange(62), rng.randrange(10 ** rng.randrange(1, 14))
    year = rng.randrange(1900, 2100)
    forms = (f"{few}", f"{few % 32}", f"{few:02d}", f"{year}", f"{year}", f"{many % 2500:04d}")
    wide = (f"{many}", "0" * rng.randrange(1, 10) + f"{many}", f"{many % 1000:03d}")
    return rng.choice((*forms, *wide, f"{many % 10**6:06d}"))


def _old(rng: Random) -> str:
    month, day = rng.choice(_MONTHS), rng.randrange(33)
    year = rng.choice((2024, 99, 5, 50, 1999, 0))
    second = rng.choice(("", f":{rng.randrange(62):02d}", ":07.5", ".5", ":1:2", "::"))
    time = f"{rng.randrange(26)}:{rng.randrange(62):02d}{second}"
    zone = rng.choice(_OLD_ZONES)
    forms = (
        f"{month} {day}, {year} {time}{zone}",
        f"{day} {month} {year}{zone} {time}",
        f"{day}/{rng.randrange(14)}/{year} {time}{zone}",
        f"{year}-{day}-{rng.randrange(33)} {time}{zone}",
        f"Mon, {day} {month} {year} {time}{zone}",
        f"{month}-{day}-{year}T{time}{zone}",
        f"{time} {month} {day}",
    )
    return rng.choice(forms)
