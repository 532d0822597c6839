//! E-values: how often the stake is multiplied by somebody who bets against "no difference", and what many of them say together.
//!
//! Under the null hypothesis an e-value is 1 on average at the most, so it reaches `1 / alpha` with a probability of at most
//! `alpha` (Markov); one that is kept over time does so *ever* (J. Ville, 1939). They are kept as logarithms: a clear case
//! after a day is larger than any number.

#[cfg(test)]
mod tests;

/// The logarithm of the mean of e-values, which is an e-value whatever they have to do with each other. Of none it is 0, the
/// e-value of somebody who does not bet.
pub fn log_mean(logs: impl Iterator<Item = f64> + Clone) -> f64 {
    log_weighted_mean(logs.map(|log| (1.0, log)))
}

/// The logarithm of the mean of e-values by how much each matters: pairs of a weight, not negative, and a logarithm. It
/// rejects where `sum w E / sum w >= 1 / alpha`, and so at least where Bonferroni's bound by these weights does.
pub fn log_weighted_mean(e_values: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let (mut all, mut largest) = (0.0, f64::NEG_INFINITY);
    for (weight, log) in e_values.clone() {
        all += weight;
        if weight > 0.0 {
            largest = largest.max(log);
        }
    }
    if all == 0.0 {
        return 0.0;
    }
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    // What has no weight may be larger than any number.
    let weighted = e_values.filter(|(weight, _)| *weight > 0.0);
    let sum: f64 = weighted.map(|(weight, log)| weight * (log - largest).exp()).sum();
    largest + (sum / all).ln()
}

/// Which of `logs` are named, so that of those named at most the share `alpha` is wrong on average: the `k` largest, with
/// the largest `k` for which the `k`-th is at least `n / (alpha k)` (e-BH: R. Wang and A. Ramdas, J. R. Stat. Soc. B 84, 2022). It
/// holds whatever they have to do with each other, for e-values as they are now; not for the largest each has ever been.
pub fn culprits(logs: &[f64], alpha: f64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..logs.len()).collect();
    order.sort_by(|&a, &b| logs[b].total_cmp(&logs[a]).then(a.cmp(&b)));
    let bound = |rank: usize| (logs.len() as f64 / (alpha * rank as f64)).ln();
    let named = (1..=logs.len())
        .rev()
        .find(|&rank| logs[order[rank - 1]] >= bound(rank));
    order.truncate(named.unwrap_or(0));
    order.sort_unstable();
    order
}

/// An e-value as a number; one that is too large for it as the largest there is.
pub fn from_log(log: f64) -> f64 {
    log.exp().min(f64::MAX)
}
