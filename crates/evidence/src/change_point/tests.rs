use super::*;

/// Numbers that look random and are the same each time.
struct Noise(u64);

impl Noise {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Box and Muller.
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// So many runs of a level that may change, each with some scatter as a share of it.
fn series(seed: u64, runs: usize, scatter: f64, level: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut noise = Noise::new(seed);
    for _ in 0..30 {
        noise.uniform();
    }
    (0..runs)
        .map(|run| level(run) * (1.0 + scatter * noise.normal()))
        .collect()
}

#[test]
fn students_t_is_that_of_the_tables() {
    // Quantiles of the table, two-sided.
    for (freedom, t, p) in [
        (1, 12.706_2, 0.05),
        (2, 4.302_65, 0.05),
        (3, 12.923_98, 0.001),
        (10, 2.228_14, 0.05),
        (18, 3.921_65, 0.001),
        (48, 3.505_07, 0.001),
        (61, 1.999_62, 0.05),
    ] {
        assert!(
            (beyond(t, freedom) - p).abs() < p * 1e-3,
            "{freedom}: {}",
            beyond(t, freedom)
        );
    }
    assert_eq!(beyond(0.0, 7), 1.0);
    assert!(beyond(1e9, 40) < 1e-12);
}

#[test]
fn a_cut_is_where_the_two_sides_differ_most() {
    assert_eq!(best_cut(&[1.0, 1.1, 0.9, 5.0, 5.1, 4.9, 5.0]), Some(3));
    assert_eq!(best_cut(&[1.0, 1.0, 1.0]), None);
}

#[test]
fn a_step_is_found_where_it_is() {
    let mut right = 0;
    for seed in 0..200 {
        let found = change_points(&series(seed, 60, 0.03, |run| if run < 40 { 80.0 } else { 88.0 }));
        let near = |point: &&ChangePoint| point.at.abs_diff(40) <= 2 && (0.05..0.15).contains(&point.change());
        right += usize::from(found.iter().any(|point| near(&point)));
    }
    println!("a step of 10 % at a scatter of 3 %: found within 2 runs in {right} of 200");
    assert!(right >= 190, "{right}");
}

#[test]
fn a_slow_drift_over_many_releases_is_found_although_no_release_is_much_slower() {
    let mut found = 0;
    for seed in 0..200 {
        // Half a percent a run, at a scatter of 3 %: from one run to the next nothing can be seen.
        let points = change_points(&series(seed, 60, 0.03, |run| 80.0 * 1.005_f64.powi(run as i32)));
        found += usize::from(points.iter().any(|point| point.change() > 0.05));
        assert!(
            points.iter().all(|point| point.change() > 0.0),
            "it only rises: {points:?}"
        );
    }
    println!("a drift of 0.5 % a run, 60 runs: found in {found} of 200");
    assert!(found >= 198, "{found}");
}

#[test]
fn noise_alone_is_seldom_a_change() {
    for runs in [20, 50, 100] {
        let quiet = (0..2_000).filter(|seed| change_points(&series(*seed, runs, 0.05, |_| 80.0)).is_empty());
        let wrong = 2_000 - quiet.count();
        println!("{runs} runs of one level: a change is seen in {wrong} of 2,000 series");
        assert!(wrong <= 2_000 * runs / 1_000, "{wrong} of {runs} runs");
    }
}

#[test]
fn one_odd_run_is_no_change_of_level_and_two_steps_are_two() {
    let odd = series(3, 60, 0.02, |run| if run == 30 { 160.0 } else { 80.0 });
    assert_eq!(change_points(&odd), vec![]);
    let steps = series(4, 150, 0.02, |run| match run {
        0..60 => 80.0,
        60..100 => 90.0,
        _ => 82.0,
    });
    let at: Vec<usize> = change_points(&steps).iter().map(|point| point.at).collect();
    assert_eq!(at, [60, 100]);
}

#[test]
fn figures_that_do_not_scatter_are_taken_as_they_are_and_those_that_are_none_say_nothing() {
    assert_eq!(change_points(&[]), vec![]);
    assert_eq!(change_points(&[5.0; 40]), vec![]);
    let mut step = vec![5.0; 20];
    step.extend([6.0; 20]);
    let found = change_points(&step);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].at, found[0].before, found[0].after, found[0].p_value),
        (20, 5.0, 6.0, 0.0)
    );
    step[7] = f64::NAN;
    assert_eq!(change_points(&step), vec![]);
    assert_eq!(change_points(&[1.0, 2.0, 3.0]), vec![]);
}
