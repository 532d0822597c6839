//! The real executable: what it prints, what it ends with, and what it does to a service of real processes.

#![expect(clippy::unwrap_used, reason = "what cannot be prepared is a failed test")]

mod agreeing;
mod alerting;
mod alerts;
mod beside;
mod calendars;
mod canary;
mod changes;
mod configuration;
mod disturbing;
mod evidence;
mod gates;
mod health;
mod hotfix;
mod in_downtime;
mod intake;
mod jobs;
mod keeping;
mod migrations;
mod mirroring;
mod moving;
mod offline;
mod planning;
mod profile;
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
