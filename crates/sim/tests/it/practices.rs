//! Five ways to release, each played to its end with a playbook of `playbooks/`. `docs/practices.md` says which line of which
//! practice is asserted here and which is not reached.

mod deploy_then_release;
mod scene;
mod single_version;
mod three_day_waves;
mod two_stage;
mod weekly_rolling;
