use super::*;

/// Evenly between 0 and 1, by the generator of S. Vigna (`splitmix64`).
pub(super) struct Chance(pub u64);

impl Chance {
    /// About normal: a sum of twelve.
    pub(super) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }

    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A block's mean: 5 ms with a spread of some 3 %, and one of twenty that something else on the machine makes twice as slow.
    fn block(&mut self, factor: f64) -> f64 {
        let noise = self.normal();
        let spoiled = if self.uniform() < 0.05 { 2.0 } else { 1.0 };
        5.0 * factor * (0.03 * noise).exp() * spoiled
    }
}

/// How many of 50 runs of 40 pairs have the new version slower than 1.05, not slower, and neither.
fn verdicts(factor: f64) -> [usize; 3] {
    let mut counts = [0; 3];
    for seed in 0..50 {
        let mut chance = Chance(seed);
        let pairs: Vec<(f64, f64)> = (0..40).map(|_| (chance.block(1.0), chance.block(factor))).collect();
        let ratio = PairedRatio::of(&pairs, 0.01, 0.05).unwrap();
        let place = match ratio.decide(1.05) {
            Against::Above => 0,
            Against::AtMost => 1,
            Against::Open => 2,
        };
        counts[place] += 1;
    }
    counts
}

#[test]
fn a_tenth_more_is_found_and_an_equal_version_passes() {
    let [slower, passed, undecided] = verdicts(1.0);
    assert!(slower <= 1 && undecided <= 5, "{slower} {passed} {undecided}");
    let [slower, passed, undecided] = verdicts(1.1);
    assert!(passed <= 1 && undecided <= 5, "{slower} {passed} {undecided}");
}

#[test]
fn what_is_just_at_the_margin_is_hardly_ever_decided() {
    let [slower, passed, _] = verdicts(1.05);
    assert!(slower <= 2 && passed <= 6, "{slower} {passed}");
}

#[test]
fn ranks_by_hand() {
    // 2^-7 for a sum of 0; twice that for at most 1.
    assert_eq!(outside(6, 0.01), None);
    assert_eq!(outside(7, 0.01), Some(0));
    assert_eq!(outside(7, 0.0157), Some(1));
    // Of the tables of the test, one-sided: 25 pairs at 0.01.
    assert_eq!(outside(25, 0.01), Some(76));
}

#[test]
fn one_ratio_has_an_interval_of_nothing() {
    let ratio = PairedRatio::of(&[(2.0, 3.0); 10], 0.01, 0.05).unwrap();
    for one in [ratio.estimate, ratio.low, ratio.high] {
        assert!((one - 1.5).abs() < 1e-12, "{ratio:?}");
    }
}

#[test]
fn what_cannot_be_is_no_ratio() {
    assert_eq!(PairedRatio::of(&[], 0.01, 0.05), None);
    assert_eq!(PairedRatio::of(&[(0.0, 1.0); 10], 0.01, 0.05), None);
    assert_eq!(PairedRatio::of(&[(1.0, f64::NAN); 10], 0.01, 0.05), None);
    assert_eq!(PairedRatio::of(&[(1.0, 1.0); PAIRS_MAX + 1], 0.01, 0.05), None);
}
