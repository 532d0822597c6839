//! What somebody may have meant.

/// The candidate that `text` is most likely a slip of: the nearest by insertions, deletions, replacements and swaps of
/// neighbours, if a third of its characters or fewer differ.
pub(super) fn nearest<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LENGTH_MAX: usize = 100;
    let length = text.chars().count();
    if length > LENGTH_MAX {
        return None;
    }
    candidates
        .into_iter()
        // Bytes that are too many or too few tell strangers apart at once.
        .filter(|candidate| candidate.len().abs_diff(text.len()) <= LENGTH_MAX.min(text.len()))
        .map(|candidate| (distance(text, candidate), candidate))
        .filter(|(distance, candidate)| {
            *distance <= length.max(candidate.chars().count()).div_ceil(3) && *distance < length
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// Optimal string alignment distance, without regard to case.
fn distance(left: &str, right: &str) -> usize {
    let fold = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<Vec<char>>();
    let (left, right) = (fold(left), fold(right));
    let mut rows = vec![(0..=right.len()).collect::<Vec<usize>>()];
    for i in 1..=left.len() {
        let mut row = vec![i];
        for j in 1..=right.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(left[i - 1] != right[j - 1]);
            let mut cost = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                cost = cost.min(rows[i - 2][j - 2] + 1);
            }
            row.push(cost);
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests;
