//! The tables in short, with fixed seeds: counts that must not change for the worse.
