//! The walls between the crates: who may depend on whom, and what the pure crates may not reach at all.

use std::collections::{BTreeMap, VecDeque};

use super::Finding;
use super::manifest::{self, Kind};
use super::tree::Tree;

/// One crate and the crates of the house it may depend on.
struct Wall {
    folder: &'static str,
    may_use: &'static [&'static str],
}

/// Neither clock, nor network, nor files, nor each other.
pub const PURE: &[&str] = &["crates/domain", "crates/contract", "crates/evidence", "crates/flags"];

/// Dependencies point one way. A new crate adds its row here and argues for it in a decision.
const WALLS: &[Wall] = &[
    Wall {
        folder: "crates/domain",
        may_use: &[],
    },
    Wall {
        folder: "crates/contract",
        may_use: &[],
    },
    Wall {
        folder: "crates/evidence",
        may_use: &[],
    },
    Wall {
        folder: "crates/flags",
        may_use: &[],
    },
    Wall {
        folder: "crates/gateway",
        may_use: &[],
    },
    Wall {
        folder: "crates/store",
        may_use: &["domain", "evidence"],
    },
    Wall {
        folder: "crates/effects",
        may_use: &["domain", "evidence"],
    },
    Wall {
        folder: "crates/engine",
        may_use: &["domain", "evidence", "store", "effects"],
    },
    Wall {
        folder: "crates/sim",
        may_use: &["domain", "evidence", "store", "effects", "engine"],
    },
    Wall {
        folder: "crates/server",
        may_use: &["domain", "evidence", "store", "effects", "engine", "gateway"],
    },
    Wall {
        folder: "crates/cli",
        may_use: &[
            "domain", "evidence", "store", "effects", "engine", "gateway", "server", "sim", "loyalty",
        ],
    },
    Wall {
        folder: "crates/xtask",
        may_use: &[],
    },
    Wall {
        folder: "examples/loyalty",
        may_use: &[],
    },
];

/// What a pure crate may not reach, not even through another crate: runtimes, sockets, databases, randomness.
const IMPURE: &[&str] = &[
    "async-io",
    "axum",
    "fastrand",
    "getrandom",
    "hyper",
    "hyper-util",
    "mio",
    "rand",
    "reqwest",
    "rustix",
    "socket2",
    "sqlx",
    "sqlx-core",
    "tempfile",
    "tokio",
    "tracing-subscriber",
    "ureq",
];

pub fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    let locked = tree.files.get("Cargo.lock").map_or("", String::as_str);
    let graph = graph(locked);
    for (folder, path, text) in manifest::packages(tree) {
        let Some(wall) = WALLS.iter().find(|wall| wall.folder == folder) else {
            findings.push(Finding::new(
                path,
                1,
                format!("no wall is drawn for `{folder}`"),
                "add its row to the table of walls in `cargo xtask tidy`, and a decision that says what it earns",
            ));
            continue;
        };
        for entry in manifest::entries(text) {
            let Some((kind, name)) = entry.dependency() else {
                continue;
            };
            let house = name.strip_prefix("tidegate-").or((name == "xtask").then_some(name));
            let what = match house {
                Some(house) if !wall.may_use.contains(&house) => {
                    format!("`{folder}` may not depend on `{name}`")
                }
                None if PURE.contains(&folder) && kind != Kind::Development => match reaches(&graph, name) {
                    Some(chain) => format!("the pure crate `{folder}` reaches {chain}"),
                    None => continue,
                },
                Some(_) | None => continue,
            };
            let remedy = "hand the value in from above, or move the code to the crate that may know it";
            findings.push(Finding::new(path, entry.line, what, remedy));
        }
    }
}

/// Package to the packages it depends on, as `Cargo.lock` has them. Versions of one name fall together, which
/// can only make the check stricter.
fn graph(locked: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut graph: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut package = "";
    for line in locked.lines() {
        if let Some(name) = line.strip_prefix("name = ") {
            package = name.trim_matches('"');
        } else if let Some(dependency) = line.strip_prefix(" \"") {
            let name = dependency.split([' ', '"']).next().unwrap_or(dependency);
            graph.entry(package).or_default().push(name);
        }
    }
    graph
}

/// The shortest chain from `start` to something impure.
fn reaches(graph: &BTreeMap<&str, Vec<&str>>, start: &str) -> Option<String> {
    let mut from: BTreeMap<&str, &str> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(name) = queue.pop_front() {
        if IMPURE.contains(&name) {
            let mut chain = format!("`{name}`");
            let mut at = name;
            while let Some(&before) = from.get(at) {
                chain = format!("{chain} through `{before}`");
                at = before;
            }
            return Some(chain);
        }
        for &next in graph.get(name).into_iter().flatten() {
            if next != start && !from.contains_key(next) {
                from.insert(next, name);
                queue.push_back(next);
            }
        }
    }
    None
}
