//! Which requests are of one kind: the method, and the path with what identifies a thing taken out.

#[cfg(test)]
mod tests;

/// Below this a word with digits is a name, such as `v2` or `oauth2`.
const HEXADECIMAL_MIN: usize = 8;
/// From here on a word that mixes letters and digits is no name.
const MIXED_MIN: usize = 16;

/// `GET /orders/{}/lines` for `GET /orders/17/lines?page=2`.
pub fn endpoint(method: &str, path: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let mut text = method.to_owned();
    text.push(' ');
    for (index, segment) in path.split('/').enumerate() {
        if index > 0 {
            text.push('/');
        }
        text.push_str(if is_identifier(segment) { "{}" } else { segment });
    }
    text
}

/// Whether a word identifies one thing of many: a number, a UUID, a digest, a long word with digits, or an address.
pub fn is_identifier(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let is_hexadecimal = word.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let mixes = word.bytes().any(|byte| byte.is_ascii_alphabetic()) && digits >= 2;
    let ends_in_number = word
        .rsplit(['-', '_'])
        .next()
        .is_some_and(|last| last.len() >= 3 && last.bytes().all(|byte| byte.is_ascii_digit()));
    (digits > 0 && digits == word.len())
        || (digits > 0 && is_hexadecimal && word.len() >= HEXADECIMAL_MIN)
        || (mixes && word.len() >= MIXED_MIN)
        || ends_in_number
        || word.contains(['@', '%', ':'])
}
