//! Numbers in sentences.

use crate::exact::Count;

/// `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Up to two digits behind the point, and none that say nothing.
pub fn rounded(number: f64) -> String {
    let text = format!("{number:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `3.1 %`, with two digits that mean something where it is small.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 0.1 {
        return format!("{percent:.4} %");
    }
    format!("{} %", rounded(percent))
}

/// `3.1 % (31 of 1,000)`.
pub fn share(count: Count) -> String {
    format!(
        "{} ({} of {})",
        percent(count.share()),
        grouped(count.events),
        grouped(count.trials)
    )
}
