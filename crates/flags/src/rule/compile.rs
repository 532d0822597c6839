//! From the text of a targeting to a [`Rule`], once, when a flag is loaded.

use serde_json::{Map, Value as Json};

use super::compare::Comparison;
use super::path::Path;
use super::value::Value;
use super::{
    Among, Constant, Fold, FractionalNode, Iteration, Key, Node, Operator, Rule, Turn, Variable, VersionTest, number,
};
use crate::bucket::{HashVersion, Shares, Weight};
use crate::limits;
use crate::problem::Notes;
use crate::version::{Relation, Version};

/// Compiles a targeting. What flagd only notices when it gets there (an operator that does not exist) is told at once, and
/// compiled so that it fails there as well. `nodes` is what the set may still hold.
pub fn compile(targeting: &Json, hash: HashVersion, nodes: &mut usize, notes: &mut Notes) -> Rule {
    let mut compiler = Compiler {
        hash,
        nodes,
        depth: 0,
        notes,
    };
    Rule {
        root: compiler.node(targeting),
    }
}

struct Compiler<'n> {
    hash: HashVersion,
    nodes: &'n mut usize,
    depth: usize,
    notes: &'n mut Notes,
}

impl Compiler<'_> {
    fn node(&mut self, json: &Json) -> Node {
        let Some(left) = self.nodes.checked_sub(1) else {
            return self.refuse(
                format!("the rule has more than {} values and operators", limits::RULE_NODES),
                "move long lists of tenants into the context, as a label",
            );
        };
        *self.nodes = left;
        match json {
            Json::Null => Node::Constant(Constant::Null),
            Json::Bool(truth) => Node::Constant(Constant::Bool(*truth)),
            Json::Number(number) => Node::Constant(Constant::Number(number.as_f64().unwrap_or(f64::NAN))),
            Json::String(text) => Node::Constant(Constant::Text(text.as_str().into())),
            Json::Array(list) => self.deeper(|compiler| compiler.list(json, list)),
            Json::Object(map) => match single(map) {
                Some((name, values)) => {
                    let step = format!(".{name}");
                    self.deeper(|compiler| {
                        compiler.notes.path(step);
                        let node = compiler.operator(name, values);
                        compiler.notes.back();
                        node
                    })
                }
                None => {
                    if !map.is_empty() {
                        let names: Vec<&str> = map.keys().map(String::as_str).take(3).collect();
                        self.notes.doubt(
                            format!(
                                "an object with several names (`{}`) is a value, not an operator",
                                names.join("`, `")
                            ),
                            "write one operator per object",
                        );
                    }
                    Node::Literal(json.clone())
                }
            },
        }
    }

    fn deeper(&mut self, compile: impl FnOnce(&mut Self) -> Node) -> Node {
        if self.depth == limits::RULE_DEPTH {
            return self.refuse(
                format!("the rule nests deeper than {}", limits::RULE_DEPTH),
                "put the conditions of an `if` side by side, not inside each other",
            );
        }
        self.depth += 1;
        let node = compile(self);
        self.depth -= 1;
        node
    }

    fn refuse(&mut self, what: String, remedy: &str) -> Node {
        self.notes.refuse(what, remedy);
        Node::Faulty
    }

    fn list(&mut self, json: &Json, list: &[Json]) -> Node {
        if list.iter().all(is_constant) {
            *self.nodes = self.nodes.saturating_sub(list.len());
            return Node::Literal(json.clone());
        }
        Node::List(self.nodes_of(list))
    }

    fn nodes_of(&mut self, list: &[Json]) -> Box<[Node]> {
        list.iter()
            .enumerate()
            .map(|(place, json)| self.at(place, json))
            .collect()
    }

    /// The node of the argument at `place`.
    fn at(&mut self, place: usize, json: &Json) -> Node {
        self.notes.path(format!("[{place}]"));
        let node = self.node(json);
        self.notes.back();
        node
    }

    fn operator(&mut self, name: &str, values: &Json) -> Node {
        match (name, values) {
            // What could not be replaced has been told.
            ("$ref", _) => Node::Faulty,
            ("var", _) => self.variable(values),
            ("if" | "?:", Json::Array(list)) => Node::If(self.nodes_of(list)),
            ("and", Json::Array(list)) => Node::And(self.nodes_of(list)),
            ("or", Json::Array(list)) => Node::Or(self.nodes_of(list)),
            ("map", Json::Array(list)) => self.iteration(Turn::Map, list),
            ("filter", Json::Array(list)) => self.iteration(Turn::Filter, list),
            ("all", Json::Array(list)) => self.iteration(Turn::All, list),
            ("some", Json::Array(list)) => self.iteration(Turn::Some, list),
            ("none", Json::Array(list)) => self.iteration(Turn::None, list),
            ("reduce", Json::Array(list)) => self.fold(list),
            ("if" | "?:" | "and" | "or" | "map" | "filter" | "all" | "some" | "none" | "reduce", _) => {
                self.notes.doubt(
                    format!("`{name}` can only be computed from a list written here"),
                    "write its arguments in brackets",
                );
                Node::Faulty
            }
            _ => match Operator::parse(name, self.hash) {
                Some(operator) => self.apply(operator, values),
                None => self.refuse(
                    format!("there is no operator `{name}`"),
                    "name one of flagd's operators, such as `==`, `in`, `if`, `fractional`, `sem_ver`",
                ),
            },
        }
    }

    fn apply(&mut self, operator: Operator, values: &Json) -> Node {
        let special = match (operator, values) {
            (Operator::Compare(comparison), Json::Array(list)) => self.relation(comparison, list),
            (Operator::In, Json::Array(list)) => self.among(list),
            (Operator::SemVer, Json::Array(list)) => self.version(list),
            (Operator::Fractional(_), Json::Array(list)) => self.fractional(values, list),
            _ => None,
        };
        special.unwrap_or_else(|| Node::Apply(operator, Box::new(self.node(values))))
    }

    fn variable(&mut self, values: &Json) -> Node {
        let (key, default) = match values {
            Json::Array(list) => match list.first() {
                None => (Key::Fixed(Path::parse("").outward()), None),
                Some(Json::String(path)) => (Key::Fixed(Path::parse(path).outward()), list.get(1)),
                Some(Json::Object(_)) => (Key::Computed(self.node(&list[0])), list.get(1)),
                Some(Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_)) => return self.no_path(),
            },
            Json::String(path) => (Key::Fixed(Path::parse(path)), None),
            Json::Number(place) => {
                let place = number::plain(place.as_f64().unwrap_or(f64::NAN));
                (Key::Fixed(Path::parse(&place)), None)
            }
            Json::Null => (Key::Scalar, None),
            Json::Object(_) => (Key::Computed(self.node(values)), None),
            Json::Bool(_) => return self.no_path(),
        };
        // Of three and more arguments flagd takes no default.
        let default = default.filter(|_| values.as_array().is_some_and(|list| list.len() == 2));
        let default = default.map_or(Node::Constant(Constant::Null), |default| self.node(default));
        Node::Variable(Box::new(Variable { key, default }))
    }

    fn no_path(&mut self) -> Node {
        self.notes.doubt(
            "`var` names no path",
            "write the path of an attribute as a text: `customer.plan`",
        );
        Node::Faulty
    }

    fn iteration(&mut self, turn: Turn, list: &[Json]) -> Node {
        match (turn, list) {
            (Turn::Map | Turn::Filter, [] | [_]) => always(Node::Literal(Json::Array(Vec::new()))),
            (_, [subject, body, ..]) => Node::Iteration(Box::new(Iteration {
                turn,
                subject: self.subject(subject),
                body: self.at(1, body),
            })),
            (Turn::All | Turn::Some | Turn::None, list) => {
                self.notes.doubt(
                    "it names no condition",
                    "write the list and the condition that is asked of its elements",
                );
                list.first().map_or(Node::Faulty, |subject| {
                    Node::Iteration(Box::new(Iteration {
                        turn,
                        subject: self.subject(subject),
                        body: Node::Faulty,
                    }))
                })
            }
        }
    }

    fn fold(&mut self, list: &[Json]) -> Node {
        let [subject, body, start, ..] = list else {
            return always(Node::Constant(Constant::Number(0.0)));
        };
        Node::Fold(Box::new(Fold {
            subject: self.subject(subject),
            body: self.at(1, body),
            start: self.at(2, start),
        }))
    }

    /// A list written in the rule is gone through as it is written: nothing in it is computed.
    fn subject(&mut self, json: &Json) -> Node {
        match json {
            Json::Array(list) => {
                *self.nodes = self.nodes.saturating_sub(list.len());
                Node::Literal(json.clone())
            }
            Json::Object(_) => self.node(json),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => Node::Constant(Constant::Null),
        }
    }

    fn relation(&mut self, comparison: Comparison, list: &[Json]) -> Option<Node> {
        let [a, b] = list else {
            return None;
        };
        Some(Node::Relation(comparison, Box::new([self.at(0, a), self.at(1, b)])))
    }

    fn among(&mut self, list: &[Json]) -> Option<Node> {
        let [needle, Json::Array(texts)] = list else {
            return None;
        };
        let mut sorted: Vec<Box<str>> = Vec::with_capacity(texts.len());
        for text in texts {
            sorted.push(text.as_str()?.into());
        }
        sorted.sort_unstable();
        *self.nodes = self.nodes.saturating_sub(texts.len());
        Some(Node::Among(Box::new(Among {
            needle: self.at(0, needle),
            sorted: sorted.into(),
        })))
    }

    fn version(&mut self, list: &[Json]) -> Option<Node> {
        let [actual, Json::String(relation), Json::String(text)] = list else {
            return None;
        };
        let known = Relation::parse(relation);
        if known.is_none() {
            self.notes.doubt(
                format!("`sem_ver` has no relation `{relation}`"),
                "write one of `=`, `!=`, `<`, `<=`, `>`, `>=`, `^` (same major), `~` (same major and minor)",
            );
        }
        let Some(version) = Version::parse(text) else {
            let remedy = "write it as `1.2.3` or `1.2.3-rc.1`";
            self.notes.doubt(format!("`{text}` is not a version"), remedy);
            return None;
        };
        Some(Node::Version(Box::new(VersionTest {
            actual: self.at(0, actual),
            relation: known?,
            release: (version.major, version.minor, version.patch),
            prerelease: version.prerelease.into(),
        })))
    }

    fn fractional(&mut self, values: &Json, list: &[Json]) -> Option<Node> {
        let (by, buckets) = match list {
            [] => return None,
            [Json::Array(_), ..] => (None, list),
            [by, buckets @ ..] => (Some(by), buckets),
        };
        let mut names = Vec::with_capacity(buckets.len());
        let mut weights = Vec::with_capacity(buckets.len());
        for bucket in buckets {
            let (name, weight) = written_bucket(bucket.as_array()?, self.hash)?;
            names.push(name);
            weights.push(weight);
        }
        let Some(shares) = Shares::new(weights) else {
            self.notes.doubt(
                "the weights of `fractional` cannot be used: it never chooses",
                "write whole numbers that are at most 2,147,483,647 together",
            );
            return None;
        };
        Some(Node::Fractional(Box::new(FractionalNode {
            hash: self.hash,
            by: by.map(|by| (self.at(0, by), self.node(values))),
            names: names.into(),
            shares,
        })))
    }
}

/// An operator that comes to `node` in every context: unlike a value, it can be a condition.
fn always(node: Node) -> Node {
    Node::If(Box::new([node]))
}

/// A name and a weight that are written in the rule.
fn written_bucket(bucket: &[Json], hash: HashVersion) -> Option<(Constant, Weight)> {
    let name = constant(bucket.first()?)?;
    if !bucket.iter().all(is_constant) {
        return None;
    }
    Some((
        name,
        weight(bucket.get(1).map(Value::from).as_ref(), bucket.len(), hash),
    ))
}

/// The weight of a bucket of `length` parts.
pub fn weight(weight: Option<&Value<'_>>, length: usize, hash: HashVersion) -> Weight {
    match (weight, hash) {
        (_, HashVersion::Three) if length > 2 => Weight::Other,
        (None, _) | (Some(Value::Null), HashVersion::Two) => Weight::Absent,
        (Some(Value::Number(number)), _) => Weight::Number(*number),
        (Some(_), _) => Weight::Other,
    }
}

fn constant(json: &Json) -> Option<Constant> {
    Some(match json {
        Json::Null => Constant::Null,
        Json::Bool(truth) => Constant::Bool(*truth),
        Json::Number(number) => Constant::Number(number.as_f64()?),
        Json::String(text) => Constant::Text(text.as_str().into()),
        Json::Array(_) | Json::Object(_) => return None,
    })
}

fn is_constant(json: &Json) -> bool {
    !matches!(json, Json::Array(_) | Json::Object(_))
}

fn single(map: &Map<String, Json>) -> Option<(&str, &Json)> {
    let mut entries = map.iter();
    let (name, values) = entries.next()?;
    entries.next().is_none().then_some((name.as_str(), values))
}
