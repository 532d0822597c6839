//! Which elements of two arrays belong together. Order is told apart from content, so an element that was put in front is
//! one element more, and not a difference of all others.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use super::json::Json;

/// Members that tell elements apart, the first that does it on both sides.
const IDENTITIES: [&str; 4] = ["id", "key", "code", "name"];

#[derive(Debug, PartialEq, Eq)]
pub struct Pairing {
    /// Indices of the old and the new array.
    pub pairs: Vec<(usize, usize)>,
    pub only_old: Vec<usize>,
    pub only_new: Vec<usize>,
    /// Whether elements that were recognised stand in another order.
    pub is_reordered: bool,
}

/// Pairs elements by an identity where they have one, else equal elements, and what is left in its order. `O(n log n)`.
pub fn pair<'a>(
    old: &'a [Json<'a>],
    new: &'a [Json<'a>],
    mut canonical: impl FnMut(&'a Json<'a>) -> String,
) -> Pairing {
    for name in IDENTITIES {
        if let (Some(old_keys), Some(new_keys)) = (identities(old, name), identities(new, name)) {
            let pairing = matched(&old_keys, &new_keys);
            // Identities that are drawn anew for each answer recognise nothing.
            if !pairing.pairs.is_empty() {
                return pairing;
            }
        }
    }
    let old_keys: Vec<String> = old.iter().map(&mut canonical).collect();
    let new_keys: Vec<String> = new.iter().map(canonical).collect();
    let mut pairing = matched(&old_keys, &new_keys);
    let both = pairing.only_old.len().min(pairing.only_new.len());
    let rest: Vec<(usize, usize)> = pairing
        .only_old
        .drain(..both)
        .zip(pairing.only_new.drain(..both))
        .collect();
    pairing.pairs.extend(rest);
    pairing
}

/// The identity of each element, where each has one of its own.
fn identities<'a>(elements: &'a [Json<'a>], name: &str) -> Option<Vec<&'a str>> {
    let identity = |element: &'a Json<'a>| match element {
        Json::Object(members) => {
            let identity = members.get(name)?;
            identity.text().or_else(|| identity.number())
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_) | Json::Array(_) => None,
    };
    let found: Option<Vec<&str>> = elements.iter().map(identity).collect();
    found.filter(|found| {
        let mut sorted = found.clone();
        sorted.sort_unstable();
        sorted.windows(2).all(|two| two[0] != two[1])
    })
}

fn matched<K: Ord>(old: &[K], new: &[K]) -> Pairing {
    let mut places: BTreeMap<&K, VecDeque<usize>> = BTreeMap::new();
    for (index, key) in new.iter().enumerate() {
        places.entry(key).or_default().push_back(index);
    }
    let (mut pairs, mut only_old) = (Vec::new(), Vec::new());
    for (index, key) in old.iter().enumerate() {
        match places.get_mut(key).and_then(VecDeque::pop_front) {
            Some(place) => pairs.push((index, place)),
            None => only_old.push(index),
        }
    }
    let mut only_new: Vec<usize> = places.into_values().flatten().collect();
    only_new.sort_unstable();
    Pairing {
        is_reordered: pairs.windows(2).any(|two| two[0].1 > two[1].1),
        pairs,
        only_old,
        only_new,
    }
}
