//! `alerts.yaml`: what is read of it, and its mistakes.

use super::{ALERTS, brief, good_sources, source};
use crate::files::{AlertKind, AlertRole, ChannelUse, WantedOf, check_channels, read_project};
use crate::id::ChannelName;

/// Replaces `from` in the good file and expects exactly these diagnostics.
fn check(from: &str, to: &str, expected: &[&str]) {
    assert!(ALERTS.contains(from), "{from}");
    let mut sources = good_sources();
    sources.push(source("alerts.yaml", &ALERTS.replacen(from, to, 1)));
    let (project, diagnostics) = read_project(&sources);
    assert_eq!(brief(&diagnostics), expected, "{from} -> {to}");
    assert!(project.is_none());
}

#[test]
fn a_good_file_is_read_and_a_project_does_without() {
    let mut sources = good_sources();
    assert_eq!(read_project(&sources).0.unwrap().alerts, None);
    sources.push(source("alerts.yaml", ALERTS));
    let (project, diagnostics) = read_project(&sources);
    assert_eq!(brief(&diagnostics), Vec::<String>::new());
    let file = project.unwrap().alerts.unwrap();
    assert_eq!(file.watch.kinds, AlertKind::ALL.into());
    assert_eq!(file.routes[1].role, AlertRole::Support);
    let on_call = ChannelName::new("on-call").unwrap();
    assert!(
        file.roles
            .of(AlertRole::Developers)
            .unwrap()
            .channels
            .contains(&on_call)
    );
}

#[test]
fn an_empty_file_watches_everything_and_tells_nobody() {
    let mut sources = good_sources();
    sources.push(source("alerts.yaml", "watch: {}\n"));
    let (project, diagnostics) = read_project(&sources);
    assert_eq!(brief(&diagnostics), Vec::<String>::new());
    assert_eq!(project.unwrap().alerts, Some(super::super::AlertsFile::default()));
}

#[test]
fn who_is_told_has_to_be_there() {
    check(
        "channels: [on-call]",
        "channels: [on-cal]",
        &["alerts.yaml:9:27: there is no channel `on-cal` (did you mean `on-call`?)"],
    );
    check(
        "channels: [lead]}",
        "channels: [boss]}",
        &[
            "alerts.yaml:16:29: there is no channel `boss` [the channels are `help-desk`, `lead`, `on-call` and `watchdog`]",
        ],
    );
    check(
        "channel: watchdog",
        "channel: wachdog",
        &["alerts.yaml:17:22: there is no channel `wachdog` (did you mean `watchdog`?)"],
    );
    check(
        "  support: {channels: [help-desk], owner: customer care}\n",
        "",
        &[
            "alerts.yaml:11:55: nobody is told: `roles` does not say where `support` is reached [add `support:` with its `channels` to `roles`]",
            "alerts.yaml:12:58: nobody is told: `roles` does not say where `support` is reached [add `support:` with its `channels` to `roles`]",
        ],
    );
    check(
        "cell: eu",
        "cell: moon",
        &["alerts.yaml:13:48: there is no cell `moon` [the cells are `eu` and `us`]"],
    );
    check(
        "tenant: acme",
        "tenant: acmee",
        &["alerts.yaml:14:14: there is no tenant `acmee` (did you mean `acme`?)"],
    );
}

#[test]
fn times_and_words_have_to_be_possible() {
    check(
        "interval: 5m",
        "interval: 2h",
        &["alerts.yaml:2:19: requests are added up over whole seconds, from 1s to 1h [write a time such as `5m`]"],
    );
    check(
        "every: 1m",
        "every: 10ms",
        &["alerts.yaml:17:39: a heartbeat is sent every 1s at the most [write a time such as `1m`]"],
    );
    check(
        "volume-drop, volume-spike], cell",
        "volume-drip, volume-spike], cell",
        &["alerts.yaml:13:14: `volume-drip` is not possible here (did you mean `volume-drop`?)"],
    );
}

#[test]
fn what_a_channel_is_told_is_checked_by_whoever_knows_it() {
    let check = |channel: &ChannelUse, wanted: WantedOf| match (channel.uses.as_str(), wanted) {
        ("mail", WantedOf { alerts: true, .. }) => Err("it has no `server`".to_owned()),
        ("heartbeat", WantedOf { heartbeats, alerts }) => {
            assert!(heartbeats && !alerts);
            Ok(())
        }
        _ => Ok(()),
    };
    let found = check_channels(&[source("alerts.yaml", ALERTS)], check);
    assert_eq!(
        brief(&found),
        ["alerts.yaml:6:29: this channel cannot be used: it has no `server`"]
    );
}
