use super::{calendars, check_known, check_unique, names};
use crate::files::diagnostic::Report;
use crate::files::tree::Node;

pub(super) fn check(report: &mut Report<'_>, tree: &Node, service: Option<&Node>) {
    check_unique(report, tree, "tenants", "id", "tenant");
    let Some(service) = service else { return };
    calendars::check_tenants(report, tree, service);
    let cells = names(service, "cells");
    for cell in tree
        .items_of("tenants")
        .iter()
        .filter_map(|tenant| tenant.field("cell"))
    {
        check_known(report, cell, "cell", &cells);
    }
}
