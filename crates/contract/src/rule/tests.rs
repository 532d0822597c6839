use std::collections::BTreeSet;

use super::*;

#[test]
fn every_rule_has_an_id_of_its_own() {
    let ids: BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.id()).collect();
    assert_eq!(ids.len(), Rule::ALL.len());
}
