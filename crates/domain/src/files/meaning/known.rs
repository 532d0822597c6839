use std::cell::OnceCell;
use std::collections::BTreeSet;

use super::labels::{self, Labels};
use super::texts;
use crate::files::tree::Node;

/// What other files can name of `tenants.yaml`. A file of many tenants is walked when it is first asked for, and once.
pub(super) struct Known<'n> {
    file: &'n Node,
    tenants: OnceCell<BTreeSet<&'n str>>,
    customers: OnceCell<BTreeSet<&'n str>>,
    labels: OnceCell<Labels<'n>>,
}

impl<'n> Known<'n> {
    pub(super) fn of(file: &'n Node) -> Self {
        Self {
            file,
            tenants: OnceCell::new(),
            customers: OnceCell::new(),
            labels: OnceCell::new(),
        }
    }

    pub(super) fn tenants(&self) -> &BTreeSet<&'n str> {
        self.tenants.get_or_init(|| texts(self.file, "tenants", "id"))
    }

    /// Those that tenants belong to.
    pub(super) fn customers(&self) -> &BTreeSet<&'n str> {
        self.customers.get_or_init(|| texts(self.file, "tenants", "customer"))
    }

    pub(super) fn labels(&self) -> &Labels<'n> {
        self.labels.get_or_init(|| labels::of(self.file))
    }
}
