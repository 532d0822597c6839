//! What the figures are held to.

/// Limits that were missed, in words.
#[derive(Debug, Default)]
pub struct Limits {
    missed: Vec<String>,
}

impl Limits {
    /// `wrong` of `all` runs may be at most the share `most`, and three standard deviations of chance.
    pub fn share(&mut self, what: &str, wrong: usize, all: usize, most: f64) {
        let all = all as f64;
        let bound = most * all + 3.0 * (most * (1.0 - most) * all).sqrt();
        self.most(what, wrong as f64, bound);
    }

    pub fn most(&mut self, what: &str, value: f64, most: f64) {
        if value.is_nan() || value > most {
            self.missed
                .push(format!("{what}: {value} instead of at most {most:.1}"));
        }
    }

    /// # Errors
    ///
    /// All that were missed.
    pub fn held(self) -> Result<(), String> {
        if self.missed.is_empty() {
            Ok(())
        } else {
            Err(format!("limits were missed\n{}", self.missed.join("\n")))
        }
    }
}
