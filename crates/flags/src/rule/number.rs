//! Numbers as flagd's rules read and write them.

/// What a text is as a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reading {
    Number(f64),
    /// A number, but none that 64 bits hold: infinite, with its sign.
    OutOfRange(f64),
    NoNumber,
}

pub fn read(text: &str) -> Reading {
    match text.parse::<f64>() {
        // The words `inf` and `infinity` are numbers, `1e400` is out of range.
        Ok(number) if number.is_infinite() && text.bytes().any(|byte| byte.is_ascii_digit()) => {
            Reading::OutOfRange(number)
        }
        Ok(number) if number.is_nan() && text.starts_with(['+', '-']) => Reading::NoNumber,
        Ok(number) => Reading::Number(number),
        Err(_) => Reading::NoNumber,
    }
}

/// For comparisons: blank text is 0, what is no number is not equal to anything.
pub fn compared(text: &str) -> f64 {
    if text.trim().is_empty() {
        return 0.0;
    }
    match read(text) {
        Reading::Number(number) => number,
        Reading::OutOfRange(_) | Reading::NoNumber => f64::NAN,
    }
}

/// For arithmetic: what is no number counts as 0.
pub fn calculated(text: &str) -> f64 {
    match read(text) {
        Reading::Number(number) | Reading::OutOfRange(number) => number,
        Reading::NoNumber => 0.0,
    }
}

/// In `cat` and in paths: all digits, no exponent.
pub fn plain(number: f64) -> String {
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    format!("{number}")
}

/// In a document, and so as the name of a variant. `None` where JSON has no word for it.
pub fn written(number: f64) -> Option<String> {
    let size = number.abs();
    if !number.is_finite() {
        return None;
    }
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{number:e}");
        return Some(if text.contains("e-") {
            text
        } else {
            text.replace('e', "e+")
        });
    }
    Some(plain(number))
}

/// In `sem_ver`, where a number is a version: from a million on flagd's server writes an exponent, and that is none.
pub fn as_version(number: f64) -> Option<String> {
    let size = number.abs();
    (size == 0.0 || (1e-4..1e6).contains(&size)).then(|| plain(number))
}

/// The whole part, as a count or a place. What does not fit is the nearest that does.
pub fn whole(number: f64) -> i64 {
    number as i64
}
