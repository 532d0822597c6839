//! What one comparison may cost, whatever the documents say.

/// Levels of schemas written inside each other. References start anew, so that recursion is not cut.
pub const NESTING: usize = 256;

/// References that lead from one to the next before something else is found.
pub const HOPS: usize = 64;

/// Schemas that one comparison reads from both documents.
pub const SCHEMAS: usize = 2_000_000;

/// Alternatives that a schema is multiplied out to.
pub const ALTERNATIVES: usize = 64;

/// Pairs of schemas that one question of inclusion may look at, counted anew for each root.
pub const STEPS: usize = 20_000;

/// Levels of objects and lists that one question follows.
pub const DEPTH: usize = 48;

/// Levels of an instance that is made up as a witness.
pub const WITNESS_DEPTH: usize = 12;

/// States of the product of several patterns.
pub const PATTERN_STATES: usize = 20_000;

/// Bytes of one compiled pattern, and of what is needed to compile it.
pub const PATTERN_BYTES: usize = 1 << 20;

/// Whole numbers in a range that are looked at one by one.
pub const COUNTED: i128 = 256;

/// Times that one schema is split by a property of its own to fit into several alternatives.
pub const SPLITS: usize = 3;
