"""Random worlds, calendars, windows and tenants, and random questions about them."""

import datetime
import json

import clocks

DAY = datetime.timedelta(days=1)
# Offsets of 30 and 45 minutes, changes of 30 minutes and of a month, either side of the date line, changes at midnight.
ZONES = """UTC Europe/Berlin Europe/London Europe/Warsaw Europe/Dublin America/New_York America/St_Johns America/Havana
America/Santiago America/Asuncion America/Sao_Paulo America/Nuuk America/Scoresbysund America/Los_Angeles Africa/Casablanca Africa/Cairo
Asia/Beirut Asia/Gaza Asia/Jerusalem Asia/Kolkata Asia/Kathmandu Asia/Tehran Asia/Tokyo Asia/Kabul Australia/Sydney
Australia/Lord_Howe Australia/Adelaide Australia/Eucla Australia/Darwin Pacific/Chatham Pacific/Apia Pacific/Kiritimati
Pacific/Pago_Pago Pacific/Marquesas Pacific/Auckland Pacific/Norfolk Pacific/Easter Atlantic/Azores Antarctica/Troll
Asia/Yangon""".split()
RULES = """FREQ=MONTHLY;BYDAY=-1FR FREQ=MONTHLY;BYDAY=3SA FREQ=MONTHLY;BYMONTHDAY=1,15,-1 FREQ=YEARLY;BYMONTH=11;BYDAY=4TH
FREQ=WEEKLY;BYDAY=TU,SU FREQ=DAILY;BYMONTH=3,10 FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1 FREQ=YEARLY;BYDAY=-1SU
FREQ=MONTHLY;BYDAY=SU;BYMONTHDAY=25,26,27,28,29,30,31 FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29 FREQ=YEARLY;BYDAY=10MO,-2WE
FREQ=MONTHLY;BYDAY=SA,SU;BYSETPOS=2,-1;UNTIL=20290630 FREQ=DAILY;BYDAY=SA,SU;BYMONTHDAY=-7,-6,-5,-4,-3,-2,-1
FREQ=YEARLY;BYMONTH=3,10,4,9;BYDAY=-1SU,1SU""".split()
RULES_THAT_COUNT = """FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU FREQ=WEEKLY;INTERVAL=3;BYDAY=MO,SU;WKST=SU FREQ=DAILY;INTERVAL=10
FREQ=MONTHLY;INTERVAL=2;BYDAY=2TU;COUNT=12 FREQ=WEEKLY;COUNT=40 FREQ=MONTHLY FREQ=YEARLY FREQ=DAILY;COUNT=90
FREQ=YEARLY;INTERVAL=2;BYMONTH=1,7;BYDAY=-1MO FREQ=MONTHLY;INTERVAL=5;BYMONTHDAY=31 FREQ=YEARLY;BYMONTH=4
FREQ=WEEKLY;UNTIL=20291231;INTERVAL=4;BYDAY=FR""".split()
DAYS = ["mon-fri", "sat, sun", "mon", "sun", "fri-mon", ["mon", "wed"], ["tue-thu", "sun"], "sat-sun", "mon-sun"]
TIMES = "00:00 00:30 01:00 01:45 02:00 02:15 02:30 02:45 03:00 03:30 06:00 08:00 12:00 17:00 22:00 23:00 23:30 23:59".split()


def moment(random, name):
    """An instant from 2026 to 2030, often near a change of the clocks."""
    changes = clocks.changes(name)
    if changes and random.random() < 0.5:
        at = random.choice(changes) + datetime.timedelta(minutes=random.choice([0, 15, 30, 45, 60, random.randrange(2880)]))
        return at - datetime.timedelta(minutes=random.choice([0, 30, 60, 1440, random.randrange(2880)]))
    start = datetime.datetime(2026, 1, 1, tzinfo=clocks.UTC)
    return start + datetime.timedelta(seconds=random.randrange(5 * 365 * 86_400))


def window(random, number):
    kind = random.choice(["allow", "allow", "freeze"])
    zone = random.choice(["tenant", "tenant", random.choice(ZONES)])
    written = {"name": f"w{number}", "kind": kind, "time_zone": zone}
    shape = random.random()
    if shape < 0.15:
        begins = clocks.shown(random.choice(ZONES), moment(random, random.choice(ZONES))).replace(second=0)
        ends = begins + datetime.timedelta(minutes=random.choice([30, 60, 24 * 60, random.randrange(1, 60 * 24 * 60)]))
        written |= {"from": begins.isoformat(timespec="minutes"), "until": ends.isoformat(timespec="minutes")}
    else:
        written |= {"from": random.choice(TIMES), "until": random.choice(TIMES)}
        if shape < 0.30:
            written["rrule"] = random.choice(RULES)
        elif shape < 0.40:
            # A Monday: dateutil's first week begins with the first day, and a set of days is that of the whole week.
            start = datetime.date(2025, 12, 1) + 7 * random.randrange(150) * DAY
            written |= {"rrule": random.choice(RULES_THAT_COUNT), "starting": str(start)}
        elif shape < 0.85:
            written["on"] = random.choice(DAYS)
    if random.random() < 0.4:
        written["tenants"] = random.choice(
            [{"tag": "retail"}, {"labels": {"tier": "gold"}}, {"cell": "eu"}, {"customer": "c1"}, {"tenants": ["t0", "t2"]}]
        )
    if random.random() < 0.2:
        written["reason"] = "because: it is"
    return written


def calendar(random, number, folder):
    written = {"working_days": random.choice(["mon-fri", "sun-thu", "mon-sat", ["mon", "tue", "fri"]])}
    if random.random() < 0.8:
        written["time_zone"] = random.choice(ZONES)
    years, days = None, set()
    if random.random() < 0.85:
        years = set(range(random.choice([2025, 2026]), random.choice([2029, 2031, 2032])))
        for year in years:
            days |= {datetime.date(year, 1, 1), datetime.date(year, 12, 25)}
            days |= {datetime.date(year, 1, 1) + random.randrange(365) * DAY for _ in range(12)}
        written["holidays"] = f"h{number}.ics"
        (folder / f"h{number}.ics").write_text(ics(sorted(days)))
    return written, {"years": years, "days": days}


def ics(days):
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//oracle//EN"]
    for day in days:
        lines += ["BEGIN:VEVENT", f"UID:{day}@oracle", "DTSTAMP:20260101T000000Z", f"DTSTART;VALUE=DATE:{day:%Y%m%d}"]
        lines += [f"DTEND;VALUE=DATE:{day + DAY:%Y%m%d}", "SUMMARY:Holiday", "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""])


def world(random, folder):
    """Writes the files of a world; what they say, and what the holidays are."""
    calendars, known = {}, {}
    for number in range(random.randrange(1, 4)):
        written, holidays = calendar(random, number, folder)
        calendars[f"c{number}"], known[f"c{number}"] = written, written | holidays
    windows = [window(random, number) for number in range(random.choice([0, 1, 2, 3, 4, 6]))]
    tenants = []
    for number in range(4):
        tenant = {"id": f"t{number}", "customer": f"c{number % 2}", "cell": random.choice(["eu", "us"]), "labels": {}}
        tenant["labels"] |= {"retail": "true"} if random.random() < 0.5 else {}
        tenant["labels"] |= {"tier": random.choice(["gold", "silver"])}
        tenant |= {"calendar": random.choice([*calendars])} if random.random() < 0.9 else {}
        tenant |= {"time_zone": random.choice(ZONES)} if random.random() < 0.7 else {}
        tenants.append(tenant)
    (folder / "tidegate.yaml").write_text(json.dumps({"calendars": calendars, "windows": windows}))
    (folder / "tenants.yaml").write_text(json.dumps({"tenants": tenants}))
    return {"calendars": known, "windows": windows, "occurrences": {}}, tenants


def sharp_ends(tenant):
    """The beginnings and ends of its windows that are within two hours of a change of its clocks."""
    if not hasattr(tenant, "sharp"):
        near = datetime.timedelta(hours=2)
        changes = clocks.changes(tenant.zone)
        tenant.sharp = [end for end in tenant.ends if any(abs(end - change) <= near for change in changes)]
    return tenant.sharp


def request(random, tenants, world):
    verb = random.choice(["is-open", "is-open", "next-open", "next-open", "next-open", "notice-deadline", "notice-deadline", "days"])
    if verb == "days":
        day = datetime.date(2026, 2, 1) + random.randrange(5 * 365) * DAY
        calendar = random.choice([*world["calendars"]])
        return {"verb": "working-days-before", "date": str(day), "n": random.randrange(1, 25), "calendar": calendar}
    tenant = random.choice([*tenants.values()])
    at = moment(random, tenant.zone)
    sharp = sharp_ends(tenant)
    if sharp and verb != "notice-deadline" and random.random() < 0.5:
        at = random.choice(sharp) + datetime.timedelta(minutes=random.choice([-1440, -60, -30, -1, 0, 0, 1, 30, 60]))
    elif tenant.ends and verb != "notice-deadline" and random.random() < 0.4:
        at = random.choice(tenant.ends) + datetime.timedelta(seconds=random.choice([-1, 0, 0, 1]))
        at = at if 2026 <= at.year <= 2030 else moment(random, tenant.zone)
    text = random.choice([clocks.written(tenant.zone, at), at.astimezone(clocks.zone(tenant.zone)).isoformat(), f"{at:%Y-%m-%dT%H:%M:%SZ}"])
    if verb == "notice-deadline":
        unit = random.choice(["minute", "hour", "day", "week", "working day", "working day"])
        number = random.choice([1, 2, 5, random.randrange(1, 30)])
        period = f"{number} {unit}" + ("" if number == 1 else "s")
        return {"verb": verb, "tenant": tenant.id, "start": text, "period": period}
    return {"verb": verb, "tenant": tenant.id, "at": text}
