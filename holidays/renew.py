#!/usr/bin/env python3
"""Writes the holiday files of this folder from the Python package `holidays`, whose version `requirements.txt` pins.

The same version gives the same bytes. `renew.py --check` writes nothing and ends with 1 where a file differs.
"""

import argparse
import datetime
import pathlib
import sys

import holidays

HERE = pathlib.Path(__file__).resolve().parent
# The file's name, the country, its part, and what it is called.
COUNTRIES = [
    ("au", "AU", None, "Australia"),
    ("de", "DE", None, "Germany"),
    ("fr", "FR", None, "France"),
    ("gb-eng", "GB", "ENG", "England"),
    ("in", "IN", None, "India"),
    ("jp", "JP", None, "Japan"),
    ("nl", "NL", None, "the Netherlands"),
    ("pl", "PL", None, "Poland"),
    ("us", "US", None, "the United States"),
]


def escaped(text: str) -> str:
    """Text as a value (RFC 5545, 3.3.11)."""
    for plain, written in [("\\", "\\\\"), (";", "\\;"), (",", "\\,")]:
        text = text.replace(plain, written)
    return text


def folded(line: str) -> str:
    """A line of at most 75 bytes, the rest on lines that begin with a space (RFC 5545, 3.1)."""
    parts = [""]
    for character in line:
        if len((parts[-1] + character).encode()) > 75:
            parts.append(" ")
        parts[-1] += character
    return "\r\n".join(parts)


def event(name: str, day: datetime.date, summary: str, stamp: str) -> list[str]:
    return [
        "BEGIN:VEVENT",
        f"UID:{name}-{day:%Y%m%d}@holidays.tidegate",
        # Of the file's first day rather than of its writing, which would make every file differ from the last.
        f"DTSTAMP:{stamp}",
        f"DTSTART;VALUE=DATE:{day:%Y%m%d}",
        f"DTEND;VALUE=DATE:{day + datetime.timedelta(days=1):%Y%m%d}",
        f"SUMMARY:{escaped(summary)}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    ]


def calendar(name: str, country: str, part: str | None, called: str, years: range) -> str:
    source = f"{country}-{part}" if part else country
    days = holidays.country_holidays(country, subdiv=part, years=years, language="en_US")
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Tidegate//Holidays//EN",
        f"X-WR-CALNAME:Public holidays of {called}",
        f"X-TIDEGATE-SOURCE:Python package holidays {holidays.__version__}\\, {source}",
        f"X-TIDEGATE-YEARS:{years[0]}-{years[-1]}",
    ]
    stamp = f"{years[0]}0101T000000Z"
    # A holiday of the first year may be observed on the last day of the year before.
    for day, summary in sorted(days.items()):
        if day.year in years:
            lines += event(name, day, summary, stamp)
    lines.append("END:VCALENDAR")
    return "".join(folded(line) + "\r\n" for line in lines)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--first", type=int, default=2026, metavar="YEAR")
    arguments.add_argument("--last", type=int, default=2030, metavar="YEAR")
    arguments.add_argument("--check", action="store_true", help="only compare")
    options = arguments.parse_args()
    differing = []
    for name, country, part, called in COUNTRIES:
        path = HERE / f"{name}.ics"
        text = calendar(name, country, part, called, range(options.first, options.last + 1)).encode()
        if options.check and (not path.exists() or path.read_bytes() != text):
            differing.append(path.name)
        elif not options.check:
            path.write_bytes(text)
    if differing:
        print("differ from the package:", ", ".join(differing), file=sys.stderr)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
