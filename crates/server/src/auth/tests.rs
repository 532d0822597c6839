use std::collections::BTreeSet;

use tidegate_domain::id::ServiceName;
use tidegate_domain::time::{Duration, Timestamp};
use tidegate_store::Store;

use super::tokens::{Known, LIFE_MAX};
use super::*;

/// The matrix as people read it: a change here is a decision.
#[test]
fn who_may_do_what() {
    let drawn: Vec<String> = Action::ALL
        .iter()
        .map(|action| {
            let may = Role::ALL.iter().filter(|role| action.roles().contains(role));
            let roles: Vec<&str> = may.map(|role| role.as_str()).collect();
            let cells = if action.within_cells() { " (within cells)" } else { "" };
            format!("{}{cells}: {}", action.in_words(), roles.join(" "))
        })
        .collect();
    let expected = "\
see the service: viewer author approver product operator admin
see tenants (within cells): viewer author approver product operator admin
see logs (within cells): author operator admin
make plans: author operator admin
hand releases in: author operator admin
apply plans: operator admin
hold releases: approver operator admin
move releases forward: operator admin
take releases back (within cells): operator admin
approve plans: approver product operator admin
answer gates: author approver product operator admin
override gates: operator admin
waive notices, windows, reports and migrations: operator admin
freeze tenants: operator admin
say that notices were sent: operator admin
say what customers report and how far they have migrated: product operator admin
opt tenants in and out (within cells): product operator admin
add, move, suspend and remove tenants (within cells): operator admin
run jobs (within cells): operator admin
forget gateways: operator admin
manage tokens: admin
manage webhooks: admin
acknowledge alerts: author approver product operator admin
silence alerts: operator admin
back up the state: admin
compact the journal: admin
confirm a restored state: operator admin";
    assert_eq!(drawn.join("\n"), expected);
}

#[test]
fn a_principal_may_what_one_of_its_roles_may_within_its_scope() {
    let principal = |roles: &[Role], scope: Scope| Principal {
        actor: Actor::principal("ada"),
        roles: roles.iter().copied().collect(),
        scope,
    };
    let cells = || Scope::Cells(BTreeSet::from([CellName::new("eu").unwrap()]));
    for action in Action::ALL.iter().copied() {
        assert!(!principal(&[], Scope::Service).may(action), "{action:?}");
        assert!(principal(&Role::ALL, Scope::Service).may(action), "{action:?}");
        assert_eq!(
            principal(&Role::ALL, cells()).may(action),
            action.within_cells(),
            "{action:?}"
        );
    }
    assert!(principal(&[Role::Viewer, Role::Author], Scope::Service).may(Action::Plan));
}

#[tokio::test]
async fn the_first_token_is_made_once_written_for_its_owner_alone_and_made_anew_when_it_expires() {
    use std::os::unix::fs::PermissionsExt as _;

    let (store, service) = (Store::memory(), ServiceName::new("shop").unwrap());
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("admin.token");
    let now = Timestamp(1_000_000);
    assert!(tokens::first(&store, &service, &file, now).await.unwrap());
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&file).unwrap();
    let found = tokens::find(&store, &service, text.trim(), now).await.unwrap();
    assert!(matches!(found, Known::Valid(principal) if principal.may(Action::ManageTokens)));
    assert!(!tokens::first(&store, &service, &file, now).await.unwrap());
    let late = now + LIFE_MAX + Duration::from_secs(1);
    assert!(matches!(
        tokens::find(&store, &service, text.trim(), late).await.unwrap(),
        Known::Expired { .. }
    ));
    assert!(tokens::first(&store, &service, &file, late).await.unwrap());
    assert_ne!(std::fs::read_to_string(&file).unwrap(), text);
}
