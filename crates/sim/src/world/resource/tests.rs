use super::*;
use tidegate_domain::id::{ComponentName, Digest};

fn slot(content: &str) -> SlotId {
    SlotId::new(&ComponentName::new("ledger").unwrap(), &Digest::of(content.as_bytes()))
}

#[test]
fn an_older_epoch_is_refused_and_a_shared_one_is_told() {
    let mut resource = Resource::default();
    assert_eq!(resource.write("acme", 1, &slot("old")), Write::Taken);
    assert_eq!(resource.write("acme", 2, &slot("new")), Write::Taken);
    assert_eq!(resource.write("acme", 1, &slot("old")), Write::Refused);
    assert_eq!(resource.write("acme", 2, &slot("old")), Write::Shared(slot("new")));
}
