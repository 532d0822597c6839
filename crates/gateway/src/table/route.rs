//! Where a tenant is. Tenants with the same route stand together, which keeps ten thousand of them small.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::answers::Closed;
use super::name::{TenantName, VersionKey};

/// What a tenant's requests get.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Route {
    pub version: VersionKey,
    #[serde(default, skip_serializing_if = "Mode::is_serve")]
    pub mode: Mode,
    /// Sends a share of the tenant's clients to another version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<Split>,
    /// The version to ask once more when `version` answers a GET or HEAD with 404: pages loaded before the switch still
    /// ask for the assets they were built with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assets_from: Option<VersionKey>,
    /// Requests are not served, whatever `mode` says; a gateway that does not know this goes by `mode`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Closed>,
}

impl Route {
    /// Serves everything from one version.
    pub fn to(version: impl Into<VersionKey>) -> Self {
        Self {
            version: version.into(),
            mode: Mode::Serve,
            split: None,
            assets_from: None,
            closed: None,
        }
    }
}

/// Whether requests are served now.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    #[default]
    Serve,
    /// Requests wait in the gateway until a later table serves them, within the component's policy.
    Hold {
        /// Unix milliseconds after which the route serves again by itself, should the publisher be gone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until_ms: Option<u64>,
    },
    /// Requests get a maintenance page with `Retry-After`.
    Maintenance {
        /// Where `until_ms` says nothing, or is over.
        retry_after_s: u32,
        /// Unix milliseconds by which requests are expected to be served again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until_ms: Option<u64>,
        /// One sentence for the reader.
        message: String,
    },
}

impl Mode {
    fn is_serve(&self) -> bool {
        matches!(self, Mode::Serve)
    }
}

/// A share of a tenant's clients on another version. The same client always gets the same version while the split stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Split {
    pub version: VersionKey,
    /// Share in hundredths of a percent, 0 to 10,000. Raising it only adds clients.
    pub basis_points: u16,
    /// Makes splits of different releases choose different clients.
    pub salt: String,
}

/// All routes, grouped. Collect it from `(TenantName, Route)` pairs; a tenant given twice keeps the last.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Routes(Vec<RouteGroup>);

/// The tenants that share one route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteGroup {
    #[serde(flatten)]
    pub route: Route,
    pub tenants: Vec<TenantName>,
}

impl Routes {
    pub fn groups(&self) -> &[RouteGroup] {
        &self.0
    }

    pub fn iter(&self) -> impl Iterator<Item = (&TenantName, &Route)> {
        self.0
            .iter()
            .flat_map(|group| group.tenants.iter().map(move |tenant| (tenant, &group.route)))
    }
}

impl FromIterator<(TenantName, Route)> for Routes {
    fn from_iter<I: IntoIterator<Item = (TenantName, Route)>>(routes: I) -> Self {
        let by_tenant: BTreeMap<TenantName, Route> = routes.into_iter().collect();
        let mut by_route: BTreeMap<Route, Vec<TenantName>> = BTreeMap::new();
        for (tenant, route) in by_tenant {
            by_route.entry(route).or_default().push(tenant);
        }
        Self(
            by_route
                .into_iter()
                .map(|(route, tenants)| RouteGroup { route, tenants })
                .collect(),
        )
    }
}
