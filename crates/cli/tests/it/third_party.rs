//! A service that Tidegate knows nothing of: Radicale, a calendar server from the Python package index, with its data on
//! the disk. Two versions that were published one after the other are released while calendars are written to.

mod calendar;
mod project;

use std::sync::Arc;

use tokio::runtime::Runtime;
use tokio::sync::watch;

use calendar::{Client, Tally, write_on};
use project::Project;

const TENANTS: [&str; 6] = ["acme", "globex", "hooli", "initech", "stark", "umbrella"];
const OLD: &str = "3.8.3";
const NEW: &str = "3.9.0";

#[test]
fn calendars_lose_nothing_while_radicale_is_released_rolled_back_and_released_again() {
    let Some(project) = Project::serve() else {
        return;
    };
    project.run(&["apply", "release-3.8.3.yaml", "--wait"]);

    let runtime = Runtime::new().unwrap();
    let client = Arc::new(Client::new(project.gateway()));
    for tenant in TENANTS {
        runtime.block_on(client.make_calendar(tenant)).unwrap();
    }
    let (stop, stopped) = watch::channel(false);
    let tenants = TENANTS.map(str::to_owned).to_vec();
    let writing = runtime.spawn(write_on(Arc::clone(&client), tenants, stopped));
    let served_by = |version: &str| {
        for tenant in TENANTS {
            let found = runtime.block_on(client.version(tenant));
            assert_eq!(found.as_deref(), Ok(version), "{tenant}");
        }
    };

    served_by(OLD);
    project.run(&["apply", "release-3.9.0.yaml", "--wait"]);
    served_by(NEW);
    project.run(&["rollback", NEW, "--all", "--reason", "to see that nothing is lost"]);
    project.until_all_are_on(OLD);
    served_by(OLD);
    project.run(&["apply", "release-3.9.0.yaml", "--wait"]);
    served_by(NEW);

    stop.send_replace(true);
    let tally = runtime.block_on(writing).unwrap();
    let served = TENANTS.map(|tenant| runtime.block_on(client.events(tenant)).unwrap());
    check(&project, &tally, &served);
}

/// Every acknowledged event is there exactly once, on the disk and through the service, and no request went without its
/// answer.
fn check(project: &Project, tally: &Tally, served: &[Vec<String>]) {
    assert_eq!(tally.lost, Vec::<String>::new());
    for (tenant, served) in TENANTS.iter().zip(served) {
        let acknowledged = tally.events(tenant);
        assert_eq!(*served, acknowledged, "{tenant}, through the service");
        assert_eq!(project.events_on_disk(tenant), acknowledged, "{tenant}, on the disk");
        // Otherwise nothing was written while versions moved.
        let versions: Vec<&str> = tally.versions[*tenant].iter().map(String::as_str).collect();
        assert_eq!(versions, [OLD, NEW], "{tenant}");
    }
}
