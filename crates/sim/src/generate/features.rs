//! What not every project uses: releases that patch another one. Drawn from a stream of its own: projects with it and without
//! it are otherwise the same.

use tidegate_domain::id::Version;

use crate::random::Random;

pub const STREAM: u64 = 0x5ca1_ab1e_0000_0003;

/// Of a hundred releases.
const PATCHES: u32 = 35;
/// Of a hundred waves.
const ONLY_WHEN_PATCHED: u32 = 12;

/// What a release of `version` patches: more often than not the one before it, which may still be on its way.
pub fn patches(random: &mut Random, version: &Version, all: &[Version]) -> String {
    let place = all.iter().position(|other| other == version).unwrap_or(0);
    let patched = match &all[..place] {
        [] => return String::new(),
        earlier if random.percent(25) => random.pick(earlier),
        [.., last] => last,
    };
    if random.percent(PATCHES) {
        format!("patches: {patched}\n")
    } else {
        String::new()
    }
}

/// A wave that only releases have which patch another one.
pub fn only_when(random: &mut Random) -> &'static str {
    if random.percent(ONLY_WHEN_PATCHED) {
        ", only_when: patched"
    } else {
        ""
    }
}
