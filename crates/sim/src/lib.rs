//! Tidegate in a world that is made up: a virtual clock, drivers, gateways, tenants, people and faults that follow from a
//! seed, around the engine and the state machine as they are. After every turn the rules that may never break are checked.
//!
//! The crate refuses to know: real time, processes, sockets, files. A seed is written down as a scenario first, and a
//! scenario always runs the same.

mod boundary;
mod check;
mod generate;
mod play;
mod product;
mod random;
mod report;
mod script;
mod world;

pub use check::Violation;
pub use generate::generate;
pub use play::{
    Arrival, Deed, Diary, Event, Misreading, Outcome, People, Play, Trouble, What, When, play, read_duration,
};
pub use report::{Found, Progress, Replayed, Report, SCHEMA_VERSION, replay, run};
pub use script::{Script, Unreadable};
pub use world::installed;
