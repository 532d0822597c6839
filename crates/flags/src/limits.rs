//! What a definition and an evaluation may cost: whoever writes or asks, the work is bounded.

/// Bytes of a definition handed in as text.
pub const TEXT_BYTES: usize = 32 << 20;
/// Flags of a set.
pub const FLAGS: usize = 50_000;
/// Bytes of a flag's key.
pub const KEY_BYTES: usize = 512;
/// Variants of a flag.
pub const VARIANTS: usize = 1_000;
/// How deep a rule nests, references included.
pub const RULE_DEPTH: usize = 60;
/// Values, lists and operators of one flag's rule, references included.
pub const RULE_NODES: usize = 200_000;
/// The same of all rules of a set.
pub const SET_NODES: usize = 5_000_000;
/// What one evaluation may spend. An element that is visited or copied costs one, a part of a rule that is computed for an element, a
/// byte of text that is put together, and 64 bytes of text that an iteration looks at.
pub const EVALUATION_STEPS: u32 = 1_000_000;
/// How deep a value may nest that is bucketed by its encoding.
pub const ENCODED_DEPTH: usize = 32;
/// Problems told of one flag: a longer list hides its cause.
pub const FLAG_PROBLEMS: usize = 20;
/// Problems told of one set.
pub const PROBLEMS: usize = 1_000;
