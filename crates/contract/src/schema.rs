//! One schema model for OpenAPI 3.0 and 3.1.
//!
//! A [`Schema`] is what one object of a document says, with the differences of the dialects gone: `nullable` is a type,
//! `const` an enumeration of one, exclusive bounds have one form. References are edges between schemas, so a recursive
//! schema is a graph and nothing is unrolled.

mod read;

pub(crate) use read::{higher, lower};

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::Value;

use crate::decimal::Decimal;
use crate::document::{Dialect, Documents, Located, Sameness};
use crate::problem::{Place, Problem};

/// A schema in the [`Model`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SchemaId(u32);

/// Which version a schema is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    Old,
    New,
}

/// A set of the kinds of JSON values. Numbers are two kinds, for `integer` takes every whole one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Types(u8);

impl Types {
    pub const NONE: Self = Self(0);
    pub const NULL: Self = Self(1);
    pub const BOOLEAN: Self = Self(2);
    pub const WHOLE: Self = Self(4);
    pub const FRACTION: Self = Self(8);
    pub const STRING: Self = Self(16);
    pub const ARRAY: Self = Self(32);
    pub const OBJECT: Self = Self(64);
    pub const ANY: Self = Self(127);
    pub const NUMBER: Self = Self(12);

    pub const EACH: [Self; 7] = [
        Self::NULL,
        Self::BOOLEAN,
        Self::WHOLE,
        Self::FRACTION,
        Self::STRING,
        Self::ARRAY,
        Self::OBJECT,
    ];

    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "null" => Self::NULL,
            "boolean" => Self::BOOLEAN,
            "integer" => Self::WHOLE,
            "number" => Self::NUMBER,
            "string" => Self::STRING,
            "array" => Self::ARRAY,
            "object" => Self::OBJECT,
            _ => return None,
        })
    }

    pub fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::NULL,
            Value::Bool(_) => Self::BOOLEAN,
            Value::Number(number) => match Decimal::of(number) {
                Some(number) if !number.is_whole() => Self::FRACTION,
                Some(_) | None => Self::WHOLE,
            },
            Value::String(_) => Self::STRING,
            Value::Array(_) => Self::ARRAY,
            Value::Object(_) => Self::OBJECT,
        }
    }

    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// As people write it: `string or null`.
    pub fn words(self) -> String {
        if self == Self::ANY {
            return "any".to_owned();
        }
        let mut words = Vec::new();
        for (kind, word) in [
            (Self::STRING, "string"),
            (Self::BOOLEAN, "boolean"),
            (Self::ARRAY, "array"),
            (Self::OBJECT, "object"),
            (Self::NULL, "null"),
        ] {
            if self.has(kind) {
                words.push(word);
            }
        }
        if self.has(Self::FRACTION) {
            words.insert(0, "number");
        } else if self.has(Self::WHOLE) {
            words.insert(0, "integer");
        }
        if words.is_empty() {
            "nothing".to_owned()
        } else {
            words.join(" or ")
        }
    }
}

/// An end of a range of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bound {
    pub at: Decimal,
    /// Whether the end itself is outside.
    pub open: bool,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Numbers {
    pub lower: Option<Bound>,
    pub upper: Option<Bound>,
    pub units: Vec<Decimal>,
}

/// How many: characters, entries or members.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub least: u64,
    pub most: Option<u64>,
}

impl Count {
    pub fn and(self, other: Self) -> Self {
        let most = match (self.most, other.most) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
        Self {
            least: self.least.max(other.least),
            most,
        }
    }

    pub fn holds(self, count: u64) -> bool {
        self.least <= count && self.most.is_none_or(|most| count <= most)
    }
}

/// What is asked of objects, beside how many members they have.
#[derive(Debug, Clone, Default)]
pub(crate) struct Members {
    pub named: BTreeMap<String, SchemaId>,
    pub patterns: Vec<(String, SchemaId)>,
    /// `additionalProperties`, where the document has it.
    pub rest: Option<SchemaId>,
    pub required: BTreeSet<String>,
}

/// One of `anyOf` and `oneOf`.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub of: Vec<SchemaId>,
    /// Whether more than one that fits is a fault. Not where a discriminator says which one is meant.
    pub exclusive: bool,
}

/// A keyword that is compared as a whole only.
#[derive(Debug, Clone)]
pub(crate) struct Opaque<'d> {
    pub keyword: &'static str,
    pub values: Vec<Located<'d>>,
    /// The kinds of values that it says something about.
    pub kinds: Types,
    /// Whether what it means depends on keywords beside it, so that the same words may mean something else.
    pub depends: bool,
}

/// What a schema says beside which instances are valid.
#[derive(Debug, Clone, Default)]
pub(crate) struct Remarks<'d> {
    pub default: Option<&'d Value>,
    pub read_only: bool,
    pub write_only: bool,
    pub deprecated: bool,
    /// `x-extensible-enum`: the values of today, of an enumeration that may grow.
    pub extensible: Option<Vec<&'d Value>>,
    pub discriminator: Option<Located<'d>>,
}

#[derive(Debug, Clone)]
pub(crate) struct Schema<'d> {
    pub version: Version,
    pub at: Located<'d>,
    pub types: Types,
    pub values: Option<Vec<Value>>,
    pub numbers: Numbers,
    pub length: Count,
    pub patterns: Vec<String>,
    pub format: Option<String>,
    pub prefix: Vec<SchemaId>,
    pub items: Option<SchemaId>,
    pub entries: Count,
    pub unique: bool,
    pub members: Members,
    pub size: Count,
    pub all: Vec<SchemaId>,
    pub choices: Vec<Choice>,
    pub nots: Vec<SchemaId>,
    pub opaque: Vec<Opaque<'d>>,
    pub remarks: Remarks<'d>,
    /// Whether it says something else than the document at its place: made up, or a part of it.
    pub made: bool,
}

impl<'d> Schema<'d> {
    /// Every instance.
    fn any(version: Version, at: Located<'d>) -> Self {
        Self {
            version,
            at,
            types: Types::ANY,
            values: None,
            numbers: Numbers::default(),
            length: Count::default(),
            patterns: Vec::new(),
            format: None,
            prefix: Vec::new(),
            items: None,
            entries: Count::default(),
            unique: false,
            members: Members::default(),
            size: Count::default(),
            all: Vec::new(),
            choices: Vec::new(),
            nots: Vec::new(),
            opaque: Vec::new(),
            remarks: Remarks::default(),
            made: false,
        }
    }

    /// Whether it is another name for the one schema it refers to, and that one.
    pub fn alias(&self) -> Option<SchemaId> {
        match (self.at.value.get("$ref").is_some(), self.all.as_slice()) {
            (true, [only]) if self.at.value.as_object().is_some_and(|members| members.len() == 1) => Some(*only),
            _ => None,
        }
    }

    /// Whether no instance is valid, as `false` says.
    pub fn is_nothing(&self) -> bool {
        self.types.is_empty()
    }
}

/// The schemas of both versions that were needed so far.
#[derive(Debug)]
pub(crate) struct Model<'d> {
    old: &'d Documents,
    new: &'d Documents,
    schemas: Vec<Rc<Schema<'d>>>,
    known: BTreeMap<(Version, Place), SchemaId>,
    /// Known by their place, not read yet.
    waiting: Vec<(SchemaId, Located<'d>)>,
    dialects: [Dialect; 2],
    pub sameness: Sameness,
}

impl<'d> Model<'d> {
    pub fn new(old: &'d Documents, new: &'d Documents) -> Result<Self, Problem> {
        let dialects = [old.dialect()?, new.dialect()?];
        Ok(Self {
            old,
            new,
            schemas: Vec::new(),
            known: BTreeMap::new(),
            waiting: Vec::new(),
            dialects,
            sameness: Sameness::of(old, new)?,
        })
    }

    pub fn documents(&self, version: Version) -> &'d Documents {
        match version {
            Version::Old => self.old,
            Version::New => self.new,
        }
    }

    pub fn get(&self, id: SchemaId) -> Rc<Schema<'d>> {
        Rc::clone(&self.schemas[id.0 as usize])
    }

    /// A schema that no document writes: `of` with something about it changed.
    pub fn made_of(&mut self, of: SchemaId, change: impl FnOnce(&mut Schema<'d>)) -> SchemaId {
        let of = self.get(of);
        let mut schema = Schema::any(of.version, of.at.clone());
        schema.made = true;
        change(&mut schema);
        self.add(schema)
    }

    fn add(&mut self, schema: Schema<'d>) -> SchemaId {
        let id = SchemaId(u32::try_from(self.schemas.len()).unwrap_or(u32::MAX));
        self.schemas.push(Rc::new(schema));
        id
    }

    /// Whether two schemas say word for word the same. Never true where they do not.
    pub fn same(&self, one: SchemaId, two: SchemaId) -> bool {
        if one == two {
            return true;
        }
        let (one, two) = (self.get(one), self.get(two));
        one.version != two.version && !one.made && !two.made && self.sameness.same(&one.at, &two.at)
    }
}
