//! Numbers at random, the same on every machine.

/// SplitMix64 (Steele, Lea, Flood 2014).
pub struct Random(u64);

/// Below this mean events are counted one by one.
const MEAN_SMALL: f64 = 12.0;

impl Random {
    /// A series of its own for each `seed` and `stream`.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut random = Self(seed ^ stream.wrapping_mul(0xd1b5_4a32_d192_ed03));
        random.next();
        Self(random.next())
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Above 0 and below 1.
    pub fn share(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.share()
    }

    /// Exponential with mean 1.
    pub fn exponential(&mut self) -> f64 {
        -self.share().ln()
    }

    /// Normal with mean 0 and standard deviation 1 (G. E. P. Box and M. E. Muller, 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (2.0 * self.exponential()).sqrt();
        radius * (std::f64::consts::TAU * self.share()).cos()
    }

    /// Poisson; for large means by transformed rejection (PTRS; W. Hörmann, Insurance: Mathematics and Economics 12, 1993).
    pub fn poisson(&mut self, mean: f64) -> u64 {
        if mean < MEAN_SMALL {
            return self.poisson_small(mean);
        }
        let b = 0.931 + 2.53 * mean.sqrt();
        let a = -0.059 + 0.02483 * b;
        let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
        let v_r = 0.9277 - 3.6224 / (b - 2.0);
        loop {
            let (u, v) = (self.share() - 0.5, self.share());
            let u_s = 0.5 - u.abs();
            let k = ((2.0 * a / u_s + b) * u + mean + 0.43).floor();
            if u_s >= 0.07 && v <= v_r {
                return k as u64;
            }
            if k < 0.0 || u_s < 0.013 && v > u_s {
                continue;
            }
            let accept = (v * inverse_alpha / (a / (u_s * u_s) + b)).ln();
            if accept <= k * mean.ln() - mean - log_factorial(k) {
                return k as u64;
            }
        }
    }

    fn poisson_small(&mut self, mean: f64) -> u64 {
        let (mut count, mut left) = (0, self.share());
        let mut probability = (-mean).exp();
        while left > probability && count < 1_000 {
            left -= probability;
            count += 1;
            probability *= mean / count as f64;
        }
        count
    }

    /// Gamma with this shape and mean (G. Marsaglia and W. W. Tsang, 2000), for shapes from 1 on.
    pub fn gamma(&mut self, shape: f64, mean: f64) -> f64 {
        let d = shape - 1.0 / 3.0;
        loop {
            let normal = self.normal();
            let v = (1.0 + normal / (9.0 * d).sqrt()).powi(3);
            if v > 0.0 && self.share().ln() < 0.5 * normal * normal + d - d * v + d * v.ln() {
                return d * v * mean / shape;
            }
        }
    }
}

fn log_factorial(k: f64) -> f64 {
    if k < 16.0 {
        return (2..=k as u32).map(|factor| f64::from(factor).ln()).sum();
    }
    let series = 1.0 / (12.0 * k) - 1.0 / (360.0 * k.powi(3));
    k * k.ln() - k + 0.5 * (std::f64::consts::TAU * k).ln() + series
}
