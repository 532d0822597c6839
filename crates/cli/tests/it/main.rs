//! The real executable: what it prints, what it ends with, and what it does to a service of real processes.

#![expect(clippy::unwrap_used, reason = "what cannot be prepared is a failed test")]

mod agreeing;
mod alerts;
mod beside;
mod calendars;
mod changes;
mod configuration;
mod disturbing;
mod evidence;
mod health;
mod hotfix;
mod in_downtime;
mod intake;
mod jobs;
mod keeping;
mod migrations;
mod moving;
mod offline;
mod planning;
mod refusing;
mod replaying;
mod reserving;
mod secrets;
mod serving;
mod shadow;
mod shop;
mod simulating;
mod steps;
mod tenants;
mod third_party;
mod together;
mod trouble;
mod usage;
mod workflows;
mod workspace;
