//! Computing a rule: one walk over its tree.

use std::borrow::Cow;

use super::compile;
use super::path::Path;
use super::scope::Scope;
use super::value::{Arguments, Fault, Operands, Value};
use super::{
    Among, Constant, FractionalNode, Key, Node, Operator, Variable, VersionTest, calculate, compare, iterate, list,
    number,
};
use crate::bucket::{HashVersion, Shares};
use crate::version::{Relation, Version};

pub fn run<'a>(node: &'a Node, scope: &Scope<'_, 'a>) -> Result<Value<'a>, Fault> {
    // Outside of iterations a part is computed once, and the rule is bounded.
    if scope.is_inside() {
        scope.spend(1)?;
    }
    match node {
        Node::Constant(constant) => Ok(constant.into()),
        Node::Literal(json) => Ok(Value::Json(json)),
        Node::List(nodes) => {
            scope.spend(nodes.len())?;
            let values: Result<_, Fault> = nodes.iter().map(|node| run(node, scope)).collect();
            Ok(Value::List(values?))
        }
        Node::Variable(variable) => {
            let value = look_up(variable, scope)?;
            if let Value::Text(text) = &value
                && scope.is_inside()
            {
                // Whatever is done with a text goes through it at most a few times.
                scope.spend(text.len() / 64)?;
            }
            Ok(value)
        }
        Node::And(nodes) => until(nodes, scope, false),
        Node::Or(nodes) => until(nodes, scope, true),
        Node::If(nodes) => branch(nodes, scope),
        Node::Iteration(iteration) => iterate::iterate(iteration, scope),
        Node::Fold(fold) => iterate::fold(fold, scope),
        Node::Relation(comparison, sides) => {
            let [a, b] = &**sides;
            let (a, b) = (run(a, scope)?, run(b, scope)?);
            Ok(Value::Bool(comparison.holds(&a, &b)))
        }
        Node::Among(among) => Ok(Value::Bool(is_among(among, scope)?)),
        Node::Version(test) => version(test, scope),
        Node::Fractional(fractional) => bucket(fractional, scope),
        Node::Apply(operator, operands) => compute_and_apply(*operator, operands, scope),
        Node::Faulty => Err(Fault),
    }
}

impl<'a> From<&'a Constant> for Value<'a> {
    fn from(constant: &'a Constant) -> Self {
        match constant {
            Constant::Null => Value::Null,
            Constant::Bool(truth) => Value::Bool(*truth),
            Constant::Number(number) => Value::Number(*number),
            Constant::Text(text) => Value::Text(Cow::Borrowed(text)),
        }
    }
}

/// What stands behind an operator, all of it computed before the operator looks.
fn compute<'a>(node: &'a Node, scope: &Scope<'_, 'a>) -> Result<Operands<'a>, Fault> {
    if let Node::List(nodes) = node {
        if nodes.len() <= 4 {
            let mut few = [const { Value::Null }; 4];
            for (value, node) in few.iter_mut().zip(nodes) {
                *value = run(node, scope)?;
            }
            return Ok(Operands::Several(Arguments::Few(few, nodes.len())));
        }
        scope.spend(nodes.len())?;
        let many: Result<_, Fault> = nodes.iter().map(|node| run(node, scope)).collect();
        return Ok(Operands::Several(Arguments::Many(many?)));
    }
    let value = run(node, scope)?;
    let Some(length) = value.length() else {
        return Ok(Operands::One(value));
    };
    scope.spend(length)?;
    let elements = if let Value::List(list) = value {
        list
    } else {
        value.elements().collect()
    };
    Ok(Operands::Several(Arguments::Many(elements)))
}

fn look_up<'a>(variable: &'a Variable, scope: &Scope<'_, 'a>) -> Result<Value<'a>, Fault> {
    match &variable.key {
        Key::Fixed(path) => find(path, &variable.default, scope),
        Key::Scalar => Ok(scope.scalar()),
        Key::Computed(key) => {
            around(key, &variable.default, scope).map_or_else(|| look_up_computed(key, &variable.default, scope), Ok)
        }
    }
}

impl Variable {
    /// What is put in for it before the body of an iteration is computed, where that is all of the body.
    pub fn put_in<'a>(&'a self, scope: &Scope<'_, 'a>) -> Option<Value<'a>> {
        let own = |value: Result<Value<'a>, Fault>| value.ok().filter(|value| scope.beats_inner() && !value.is_null());
        match &self.key {
            Key::Fixed(path) if path.inward => None,
            Key::Fixed(path) => {
                let default = run(&self.default, scope).unwrap_or(Value::Null);
                scope
                    .beaten(path, &default)
                    .or_else(|| own(find(path, &self.default, scope)))
            }
            Key::Computed(key) => {
                around(key, &self.default, scope).or_else(|| own(look_up_computed(key, &self.default, scope)))
            }
            Key::Scalar => own(Ok(scope.scalar())),
        }
    }
}

fn around<'a>(key: &'a Node, default: &'a Node, scope: &Scope<'_, 'a>) -> Option<Value<'a>> {
    scope.beaten_by(&|scope| {
        look_up_computed(key, default, scope)
            .ok()
            .filter(|value| !value.is_null())
    })
}

fn find<'a>(path: &Path, default: &'a Node, scope: &Scope<'_, 'a>) -> Result<Value<'a>, Fault> {
    // A default that is written there cannot fail: it is looked at where it is needed.
    if matches!(default, Node::Constant(_))
        && !scope.is_inside()
        && let Some(value) = scope.find(path)
    {
        return Ok(value);
    }
    let default = run(default, scope)?;
    if let Some(value) = scope.beaten(path, &default) {
        return Ok(value);
    }
    Ok(scope.find(path).unwrap_or(default))
}

fn look_up_computed<'a>(key: &'a Node, default: &'a Node, scope: &Scope<'_, 'a>) -> Result<Value<'a>, Fault> {
    scope.spend(1)?;
    let key = run(key, scope)?;
    let default = run(default, scope)?;
    let (key, default) = match key.length() {
        Some(0) => (Value::Text(Cow::Borrowed("")), Value::Null),
        Some(length) => {
            let default = key.element(1).filter(|_| length == 2);
            let Some(path @ Value::Text(_)) = key.element(0) else {
                return Err(Fault);
            };
            (path, default.unwrap_or(Value::Null))
        }
        None => (key, default),
    };
    let path = match &key {
        Value::Null => return Ok(scope.scalar()),
        Value::Text(text) => Path::parse(text),
        Value::Number(place) => Path::parse(&number::plain(*place)),
        Value::Bool(_) | Value::Json(_) | Value::List(_) | Value::Whole => return Err(Fault),
    };
    Ok(scope.find(&path).unwrap_or(default))
}

/// The first value that is as true as `truth`, or the last one.
fn until<'a>(nodes: &'a [Node], scope: &Scope<'_, 'a>, truth: bool) -> Result<Value<'a>, Fault> {
    let mut last = Value::Null;
    for node in nodes {
        last = run(node, scope)?;
        if last.is_true() == truth {
            break;
        }
    }
    Ok(last)
}

fn branch<'a>(nodes: &'a [Node], scope: &Scope<'_, 'a>) -> Result<Value<'a>, Fault> {
    let mut pairs = nodes.chunks_exact(2);
    for pair in &mut pairs {
        if run(&pair[0], scope)?.is_true() {
            return run(&pair[1], scope);
        }
    }
    pairs
        .remainder()
        .first()
        .map_or(Ok(Value::Null), |otherwise| run(otherwise, scope))
}

fn is_among<'a>(among: &'a Among, scope: &Scope<'_, 'a>) -> Result<bool, Fault> {
    Ok(match run(&among.needle, scope)? {
        Value::Text(text) => among.sorted.binary_search_by(|one| (**one).cmp(&*text)).is_ok(),
        Value::Number(number) => {
            scope.spend(among.sorted.len())?;
            among.sorted.iter().any(|text| number::calculated(text) == number)
        }
        Value::Null | Value::Bool(_) | Value::Json(_) | Value::List(_) | Value::Whole => false,
    })
}

/// Apart, so that the walk itself needs little of the stack.
#[inline(never)]
fn compute_and_apply<'a>(operator: Operator, operands: &'a Node, scope: &Scope<'_, 'a>) -> Result<Value<'a>, Fault> {
    apply(operator, compute(operands, scope)?, scope)
}

fn apply<'a>(operator: Operator, operands: Operands<'a>, scope: &Scope<'_, 'a>) -> Result<Value<'a>, Fault> {
    match operator {
        Operator::Compare(comparison) => compare::compare(comparison, operands).map(Value::Bool),
        Operator::Calculate(calculation) => calculate::calculate(calculation, operands),
        Operator::ContainsMany(quantity) => list::contains_many(quantity, &operands, scope).map(Value::Bool),
        Operator::Not => Ok(Value::Bool(!truth(&operands))),
        Operator::NotNot => Ok(Value::Bool(truth(&operands))),
        Operator::In => list::contains(&operands.list()?, scope).map(Value::Bool),
        Operator::Cat => list::cat(operands, scope),
        Operator::Substr => list::substr(&operands.list()?),
        Operator::Merge => list::merge(operands, scope),
        Operator::Missing => list::missing(operands, scope),
        Operator::MissingSome => list::missing_some(&operands.list()?, scope),
        Operator::StartsWith => Ok(affix(&operands, |text, part| text.starts_with(part))),
        Operator::EndsWith => Ok(affix(&operands, |text, part| text.ends_with(part))),
        Operator::SemVer => Ok(computed_version(&operands)),
        Operator::Fractional(hash) => Ok(computed_bucket(hash, operands, scope)),
    }
}

/// Of a list the first element counts.
fn truth(operands: &Operands<'_>) -> bool {
    match operands {
        Operands::Several(arguments) => arguments.first().is_some_and(Value::is_true),
        Operands::One(value) => value.is_true(),
    }
}

fn affix<'a>(operands: &Operands<'a>, holds: fn(&str, &str) -> bool) -> Value<'a> {
    let Operands::Several(arguments) = operands else {
        return Value::Null;
    };
    match &**arguments {
        [Value::Text(text), Value::Text(part)] => Value::Bool(holds(text, part)),
        _ => Value::Null,
    }
}

#[inline(never)]
fn version<'a>(test: &'a VersionTest, scope: &Scope<'_, 'a>) -> Result<Value<'a>, Fault> {
    let (major, minor, patch) = test.release;
    let target = Version {
        major,
        minor,
        patch,
        prerelease: &test.prerelease,
    };
    let actual = run(&test.actual, scope)?;
    let text = version_text(&actual);
    let actual = text.as_deref().and_then(Version::parse);
    Ok(actual.map_or(Value::Null, |actual| Value::Bool(test.relation.holds(&actual, &target))))
}

fn computed_version<'a>(operands: &Operands<'a>) -> Value<'a> {
    let Operands::Several(arguments) = operands else {
        return Value::Null;
    };
    let [actual, Value::Text(relation), target] = &**arguments else {
        return Value::Null;
    };
    Relation::parse(relation).map_or(Value::Null, |relation| relate(actual, relation, target))
}

/// Null where one of the two is not a version.
fn relate<'a>(actual: &Value<'_>, relation: Relation, target: &Value<'_>) -> Value<'a> {
    let (Some(actual), Some(target)) = (version_text(actual), version_text(target)) else {
        return Value::Null;
    };
    match (Version::parse(&actual), Version::parse(&target)) {
        (Some(actual), Some(target)) => Value::Bool(relation.holds(&actual, &target)),
        (None, _) | (_, None) => Value::Null,
    }
}

fn version_text<'v>(value: &'v Value<'_>) -> Option<Cow<'v, str>> {
    match value {
        Value::Text(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => number::as_version(*number).map(Cow::Owned),
        Value::Null | Value::Bool(_) | Value::Json(_) | Value::List(_) | Value::Whole => None,
    }
}

#[inline(never)]
fn bucket<'a>(node: &'a FractionalNode, scope: &Scope<'_, 'a>) -> Result<Value<'a>, Fault> {
    let hash = match &node.by {
        None => hash_of_keys(node.hash, scope),
        Some((by, arguments)) => {
            let by = run(by, scope)?;
            if by.is_list() {
                return Ok(computed_bucket(node.hash, compute(arguments, scope)?, scope));
            }
            hash_of(node.hash, &by, scope)
        }
    };
    let place = hash.and_then(|hash| node.shares.pick(hash));
    Ok(place
        .and_then(|place| node.names.get(place))
        .map_or(Value::Null, Value::from))
}

fn computed_bucket<'a>(hash: HashVersion, operands: Operands<'a>, scope: &Scope<'_, 'a>) -> Value<'a> {
    let Operands::Several(arguments) = operands else {
        return Value::Null;
    };
    let Some(first) = arguments.first() else {
        return Value::Null;
    };
    let (hashed, buckets) = if first.is_list() {
        (hash_of_keys(hash, scope), &arguments[..])
    } else {
        (hash_of(hash, first, scope), &arguments[1..])
    };
    let mut names = Vec::with_capacity(buckets.len());
    let mut weights = Vec::with_capacity(buckets.len());
    for bucket in buckets {
        match (bucket.length(), bucket.element(0)) {
            (Some(length), Some(name)) if !name.is_list() && !name.is_object() => {
                names.push(name);
                weights.push(compile::weight(bucket.element(1).as_ref(), length, hash));
            }
            _ => return Value::Null,
        }
    }
    let place = Shares::new(weights)
        .zip(hashed)
        .and_then(|(shares, hashed)| shares.pick(hashed));
    place.map_or(Value::Null, |place| names.swap_remove(place))
}

/// Null and, of version 2, nothing but texts: an absent value means the short form there.
fn hash_of(hash: HashVersion, by: &Value<'_>, scope: &Scope<'_, '_>) -> Option<u32> {
    // Without an object at hand flagd's server does not bucket at all.
    scope.identity()?;
    match (hash, by) {
        (HashVersion::Two, Value::Null) => hash_of_keys(hash, scope),
        (HashVersion::Two | HashVersion::Three, _) => hash.of_value(by),
    }
}

fn hash_of_keys(hash: HashVersion, scope: &Scope<'_, '_>) -> Option<u32> {
    let (flag, targeting_key) = scope.identity()?;
    let targeting_key = targeting_key?;
    let targeting_key = targeting_key.as_text().filter(|key| !key.is_empty())?;
    Some(hash.of_keys(flag, targeting_key))
}
