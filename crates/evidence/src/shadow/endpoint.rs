//! Which requests are of one kind: the method, and the path with what identifies a thing taken out.

#[cfg(test)]
mod tests;

/// Below this a word with digits is a name, such as `v2` or `oauth2`.
const HEXADECIMAL_MIN: usize = 8;
/// From here on a word that mixes letters and digits is no name.
const MIXED_MIN: usize = 16;

/// `GET /orders/{}/lines` for `GET /orders/17/lines?page=2`. Where the path is one of `known`, such as `/orders/*/lines`, what stands
/// for a `*` is taken out, whatever it looks like; a `**` at the end says nothing of what follows.
pub fn endpoint(method: &str, path: &str, known: &[String]) -> String {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let segments: Vec<&str> = path.split('/').collect();
    let known = known.iter().find_map(|pattern| taken_out(pattern, &segments));
    let known = known.unwrap_or_default();
    let mut text = method.to_owned();
    text.push(' ');
    for (index, segment) in segments.iter().enumerate() {
        if index > 0 {
            text.push('/');
        }
        let is_taken_out = known.get(index).copied().unwrap_or_default() || is_identifier(segment);
        text.push_str(if is_taken_out { "{}" } else { segment });
    }
    text
}

/// Which segments stand for a `*`; `None` where the pattern is of other paths.
fn taken_out(pattern: &str, segments: &[&str]) -> Option<Vec<bool>> {
    let steps: Vec<&str> = pattern.split('/').collect();
    let (steps, has_more) = match steps.split_last() {
        Some((&"**", before)) => (before, true),
        Some(_) | None => (steps.as_slice(), false),
    };
    let fits = steps.len() == segments.len() || has_more && steps.len() < segments.len();
    let is_same = || {
        let mut pairs = steps.iter().zip(segments);
        pairs.all(|(step, segment)| *step == "*" || step == segment)
    };
    (fits && is_same()).then(|| steps.iter().map(|step| *step == "*").collect())
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
