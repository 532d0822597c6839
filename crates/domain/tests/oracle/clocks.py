"""Local times and instants by trial: an offset is right where the clocks, asked at that instant, show that time."""

import datetime
import functools
import zoneinfo

UTC = datetime.timezone.utc
MINUTE = datetime.timedelta(minutes=1)


@functools.lru_cache(maxsize=None)
def zone(name):
    return zoneinfo.ZoneInfo(name)


def shown(name, at):
    """What the clocks of a zone show at an instant."""
    return at.astimezone(zone(name)).replace(tzinfo=None)


@functools.lru_cache(maxsize=None)
def offsets_near(name, year, month):
    """The offsets in use around a month, by looking at each hour from two days before it to two days after it."""
    start = datetime.datetime(year, month, 1, tzinfo=UTC) - datetime.timedelta(days=2)
    hours = (start + datetime.timedelta(hours=n) for n in range(35 * 24))
    return sorted({at.astimezone(zone(name)).utcoffset() for at in hours})


@functools.lru_cache(maxsize=None)
def instants(name, local):
    """Every instant at which the clocks show a local time, in their order; none where they jump over it."""
    tries = {local.replace(tzinfo=UTC) - offset for offset in offsets_near(name, local.year, local.month)}
    return sorted(at for at in tries if shown(name, at) == local)


@functools.lru_cache(maxsize=None)
def after_jump(name, local):
    """The first instant with a later time on the clocks, minute by minute."""
    at = local.replace(second=0, microsecond=0, tzinfo=UTC) - datetime.timedelta(hours=16)
    while shown(name, at) < local:
        at += MINUTE
    return at


def opening(name, local):
    found = instants(name, local)
    return found[0] if found else after_jump(name, local)


def closing(name, local):
    found = instants(name, local)
    return found[-1] if found else after_jump(name, local)


@functools.lru_cache(maxsize=None)
def changes(name):
    """Where a zone changes its offset from 2026 to 2030, to the quarter of an hour."""
    at, end = datetime.datetime(2026, 1, 1, tzinfo=UTC), datetime.datetime(2031, 1, 1, tzinfo=UTC)
    hour, quarter = datetime.timedelta(hours=1), datetime.timedelta(minutes=15)
    found = []
    while at < end:
        if at.astimezone(zone(name)).utcoffset() != (at + hour).astimezone(zone(name)).utcoffset():
            tick = at
            while tick.astimezone(zone(name)).utcoffset() == at.astimezone(zone(name)).utcoffset():
                tick += quarter
            found.append(tick)
        at += hour
    return found


def written(name, at):
    """As RFC 9557 writes it."""
    return f"{at.astimezone(zone(name)).isoformat()}[{name}]"
