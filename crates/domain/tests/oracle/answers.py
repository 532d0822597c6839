"""The oracle's own answers, by enumeration: every occurrence of every window over years, every day of a notice."""

import bisect
import datetime

from dateutil.rrule import rrulestr

import clocks

DAY = datetime.timedelta(days=1)
FIRST, LAST = datetime.date(2025, 11, 1), datetime.date(2033, 12, 31)
# What would be later is not looked at.
LIMIT = datetime.datetime(2033, 12, 1, tzinfo=clocks.UTC)
UNITS = {"second": 1, "minute": 60, "hour": 3600}
NAMES = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Refused(Exception):
    pass


def every_day():
    return [FIRST + n * DAY for n in range((LAST - FIRST).days)]


def weekdays(text):
    """Days of the week, however they are written."""
    found = set()
    for part in [p.strip() for p in (text if isinstance(text, str) else ",".join(text)).split(",")]:
        first, _, last = part.partition("-")
        day = NAMES.index(first)
        found.add(day)
        while last and NAMES[day] != last:
            day = (day + 1) % 7
            found.add(day)
    return found


class Occurrences:
    """All times at which a window is open in a zone, by their beginnings."""

    def __init__(self, window, name):
        spans = []
        for begins, ends in local_spans(window):
            span = clocks.opening(name, begins), clocks.closing(name, ends)
            if span[0] < span[1]:
                spans.append(span)
        self.spans = sorted(spans)
        self.starts = [span[0] for span in self.spans]

    def covers(self, at):
        # None that is written by its times of day lasts beyond the second next one.
        last = bisect.bisect_right(self.starts, at)
        return any(at < ends for _, ends in self.spans[max(0, last - 4) : last])


def local_spans(window):
    if "T" in window["from"]:
        yield datetime.datetime.fromisoformat(window["from"]), datetime.datetime.fromisoformat(window["until"])
        return
    begins, ends = datetime.time.fromisoformat(window["from"]), datetime.time.fromisoformat(window["until"])
    for day in days_of(window):
        yield datetime.datetime.combine(day, begins), datetime.datetime.combine(day if ends > begins else day + DAY, ends)


def days_of(window):
    if "rrule" in window:
        # Whatever is before the first day that is looked at cannot matter to a rule that does not count.
        start = datetime.datetime.fromisoformat(window.get("starting", "2025-11-01"))
        rule = rrulestr(window["rrule"], dtstart=start)
        return [day.date() for day in rule.between(start - DAY, datetime.datetime.combine(LAST, datetime.time()))]
    admitted = weekdays(window.get("on", NAMES))
    return [day for day in every_day() if day.weekday() in admitted]


class Tenant:
    def __init__(self, written, world):
        self.world = world
        self.calendar = world["calendars"].get(written.get("calendar"))
        self.zone = written.get("time_zone") or (self.calendar or {}).get("time_zone") or "UTC"
        chosen = [window for window in world["windows"] if selects(window.get("tenants", {}), written)]
        self.allow = [self.occurrences(window) for window in chosen if window["kind"] == "allow"]
        self.freeze = [self.occurrences(window) for window in chosen if window["kind"] == "freeze"]
        ends = {end for _, found in self.allow + self.freeze for span in found.spans for end in span}
        self.ends = sorted(end for end in ends if end < LIMIT)

    def occurrences(self, window):
        name = window.get("time_zone", "tenant")
        name = self.zone if name == "tenant" else name
        key = window["name"], name
        if key not in self.world["occurrences"]:
            self.world["occurrences"][key] = Occurrences(window, name)
        return window["name"], self.world["occurrences"][key]

    def state(self, at):
        """Whether it is open, and the window that says so."""
        for name, found in self.freeze:
            if found.covers(at):
                return False, name
        for name, found in self.allow:
            if found.covers(at):
                return True, name
        return not self.allow, None

    def is_open(self, at):
        is_open, window = self.state(at)
        return {"open": is_open, "window": window}

    def next_open(self, at):
        later = self.ends[bisect.bisect_right(self.ends, at) :]
        for n, candidate in enumerate([at, *later]):
            is_open, window = self.state(candidate)
            if is_open:
                closes = next((end for end in later[n:] if not self.state(end)[0]), None)
                return {"at": self.write(candidate), "window": window, "closes": closes and self.write(closes)}
        return {"at": None, "window": None, "closes": None}

    def notice_deadline(self, start, period):
        number, _, unit = period.partition(" ")
        number, unit = int(number), unit.rstrip("s")
        if unit in UNITS:
            return {"at": self.write(start - datetime.timedelta(seconds=number * UNITS[unit]))}
        local = clocks.shown(self.zone, start)
        if unit == "working day":
            if self.calendar is None:
                raise Refused
            day = working_days_before(self.calendar, local.date(), number)
        else:
            day = local.date() - number * (7 if unit == "week" else 1) * DAY
        return {"at": self.write(clocks.opening(self.zone, datetime.datetime.combine(day, local.time())))}

    def write(self, at):
        return clocks.written(self.zone, at)


def working_days_before(calendar, day, number):
    admitted = weekdays(calendar.get("working_days", "mon-fri"))
    while number:
        day -= DAY
        if day.weekday() in admitted:
            if calendar["years"] is not None and day.year not in calendar["years"]:
                raise Refused
            number -= day not in calendar["days"]
    return day


def selects(selector, tenant):
    labels = tenant.get("labels", {})
    return (
        ("tag" not in selector or labels.get(selector["tag"]) == "true")
        and all(labels.get(key) == value for key, value in selector.get("labels", {}).items())
        and ("cell" not in selector or tenant["cell"] == selector["cell"])
        and ("customer" not in selector or tenant["customer"] == selector["customer"])
        and ("tenants" not in selector or tenant["id"] in selector["tenants"])
    )


def answer(request, tenants, world):
    try:
        if request["verb"] == "working-days-before":
            day = datetime.date.fromisoformat(request["date"])
            return {"date": str(working_days_before(world["calendars"][request["calendar"]], day, request["n"]))}
        tenant = tenants[request["tenant"]]
        at = datetime.datetime.fromisoformat(request.get("at", request.get("start")).partition("[")[0])
        at = at.astimezone(clocks.UTC)
        if request["verb"] == "notice-deadline":
            return tenant.notice_deadline(at, request["period"])
        return tenant.is_open(at) if request["verb"] == "is-open" else tenant.next_open(at)
    except Refused:
        return {"error": "refused"}
