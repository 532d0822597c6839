//! What is known about formats of strings.

#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, Ipv6Addr};

/// A string of each format that is known here. Each is of its own format only.
const EXAMPLES: &[(&str, &str)] = &[
    ("date", "2026-11-26"),
    ("date-time", "2026-11-26T12:00:00Z"),
    ("email", "someone@example.com"),
    ("ipv4", "192.0.2.1"),
    ("ipv6", "2001:db8::1"),
    ("time", "12:00:00Z"),
    ("uri", "https://example.com/a"),
    ("uuid", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
];

pub(crate) fn example(format: &str) -> Option<&'static str> {
    EXAMPLES
        .iter()
        .find(|(name, _)| *name == format)
        .map(|(_, example)| *example)
}

pub(crate) fn examples() -> impl Iterator<Item = &'static str> {
    EXAMPLES.iter().map(|(_, example)| *example)
}

/// `None` where it is not known.
pub(crate) fn fits(format: &str, text: &str) -> Option<bool> {
    match format {
        "date" => Some(is_date(text)),
        "time" => Some(is_time(text)),
        "date-time" => Some(
            text.split_at_checked(10)
                .is_some_and(|(date, time)| is_date(date) && time.strip_prefix(['T', 't']).is_some_and(is_time)),
        ),
        "ipv4" => Some(text.parse::<Ipv4Addr>().is_ok()),
        "ipv6" => Some(text.parse::<Ipv6Addr>().is_ok()),
        "uuid" => Some(is_uuid(text)),
        "email" => match text.split_once('@') {
            Some((name, host)) if plain(name) && plain(host) && host.contains('.') => Some(true),
            Some(("", _) | (_, "")) | None => Some(false),
            Some(_) => None,
        },
        "uri" => match text.split_once("://") {
            Some((scheme, rest))
                if plain(scheme)
                    && rest.split(['/', '.', '-']).all(|part| part.is_empty() || plain(part))
                    && !rest.is_empty() =>
            {
                Some(true)
            }
            Some(_) => None,
            None if text.contains(':') => None,
            None => Some(false),
        },
        _ => None,
    }
}

fn plain(text: &str) -> bool {
    let of_letters = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    text.starts_with(|letter: char| letter.is_ascii_alphabetic()) && text.split('.').all(of_letters)
}

fn number(text: &str, digits: usize) -> Option<u32> {
    let right = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    right.then(|| text.parse().ok()).flatten()
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let &[year, month, day] = parts.as_slice() else {
        return false;
    };
    let (Some(year), Some(month), Some(day)) = (number(year, 4), number(month, 2), number(day, 2)) else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// `12:00:00Z`, `12:00:00.5+01:00`; a leap second is taken at any minute.
fn is_time(text: &str) -> bool {
    let Some((clock, rest)) = text.split_at_checked(8) else {
        return false;
    };
    let of_clock = |clock: &str, most: &[u32]| {
        let parts: Vec<&str> = clock.split(':').collect();
        parts.len() == most.len()
            && parts
                .iter()
                .zip(most)
                .all(|(part, most)| number(part, 2).is_some_and(|part| part <= *most))
    };
    let rest = match rest.strip_prefix('.') {
        Some(fraction) => {
            let rest = fraction.trim_start_matches(|letter: char| letter.is_ascii_digit());
            if rest.len() == fraction.len() {
                return false;
            }
            rest
        }
        None => rest,
    };
    let zone = matches!(rest, "Z" | "z")
        || rest
            .strip_prefix(['+', '-'])
            .is_some_and(|zone| of_clock(zone, &[23, 59]));
    of_clock(clock, &[23, 59, 60]) && zone
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}
