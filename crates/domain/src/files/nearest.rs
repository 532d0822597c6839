//! What somebody may have meant.

/// The candidate that `text` is most likely a slip of: the nearest by insertions, deletions, replacements and swaps of
/// neighbours, without regard to case, if a third of its characters or fewer differ. Of several, the first.
pub(super) fn nearest<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LENGTH_MAX: usize = 100;
    let text = folded(text);
    if text.len() > LENGTH_MAX {
        return None;
    }
    let mut nearest = None;
    // One more than what is accepted; each find lowers it, so most candidates are left after a few characters.
    let mut bound = usize::MAX;
    for candidate in candidates.into_iter().filter(|candidate| candidate.len() <= LENGTH_MAX) {
        let other = folded(candidate);
        let accepted = text
            .len()
            .max(other.len())
            .div_ceil(3)
            .min(text.len().saturating_sub(1));
        if let Some(distance) = distance_below(&text, &other, bound.min(accepted + 1)) {
            (nearest, bound) = (Some(candidate), distance);
        }
    }
    nearest
}

fn folded(text: &str) -> Vec<char> {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// Optimal string alignment distance, if it is below `bound`.
fn distance_below(left: &[char], right: &[char], bound: usize) -> Option<usize> {
    if left.len().abs_diff(right.len()) >= bound {
        return None;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, r) in right.iter().enumerate() {
            let mut cost = (above[j] + usize::from(l != r)).min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *l == right[j - 1] && left[i - 1] == *r {
                cost = cost.min(before[j - 1] + 1);
            }
            row.push(cost);
        }
        // What comes later builds on these two rows.
        if row.iter().chain(&above).all(|cost| *cost >= bound) {
            return None;
        }
        (before, above) = (above, row);
    }
    above.last().copied().filter(|distance| *distance < bound)
}

#[cfg(test)]
mod tests;
