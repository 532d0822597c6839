//! The canonical CBOR (RFC 7049, section 3.9) of a value, straight into the hash.
//!
//! A number without a fraction is an integer where 64 bits hold it; any other takes the shortest form that keeps its value.

use serde_json::{Map, Value as Json};

use super::murmur::Murmur;
use crate::limits::ENCODED_DEPTH;
use crate::rule::Value;

const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;

/// `[flag, targeting_key]`.
pub fn write_keys(murmur: &mut Murmur, flag: &str, targeting_key: &str) {
    head(murmur, ARRAY, 2);
    text(murmur, flag);
    text(murmur, targeting_key);
}

/// `None` for what nests too deep, and for an object that is not of the context.
pub fn write(murmur: &mut Murmur, value: &Value<'_>) -> Option<()> {
    match value {
        Value::Null => murmur.write(&[0xf6]),
        Value::Bool(truth) => murmur.write(&[0xf4 + u8::from(*truth)]),
        Value::Number(value) => number(murmur, *value),
        Value::Text(value) => text(murmur, value),
        Value::Json(value) => json(murmur, value, ENCODED_DEPTH)?,
        Value::List(list) => {
            head(murmur, ARRAY, list.len() as u64);
            for element in list {
                write(murmur, element)?;
            }
        }
        Value::Whole => return None,
    }
    Some(())
}

fn json(murmur: &mut Murmur, value: &Json, depth: usize) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    match value {
        Json::Null => murmur.write(&[0xf6]),
        Json::Bool(truth) => murmur.write(&[0xf4 + u8::from(*truth)]),
        Json::Number(value) => match (value.as_u64(), value.as_i64()) {
            (Some(whole), _) => head(murmur, UNSIGNED, whole),
            (None, Some(whole)) => head(murmur, NEGATIVE, whole.unsigned_abs() - 1),
            (None, None) => number(murmur, value.as_f64()?),
        },
        Json::String(value) => text(murmur, value),
        Json::Array(list) => {
            head(murmur, ARRAY, list.len() as u64);
            for element in list {
                json(murmur, element, depth)?;
            }
        }
        Json::Object(map) => object(murmur, map, depth)?,
    }
    Some(())
}

/// Shorter keys first, then by their bytes: the order of their encodings.
fn object(murmur: &mut Murmur, map: &Map<String, Json>, depth: usize) -> Option<()> {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by_key(|(key, _)| (key.len(), key.as_str()));
    head(murmur, MAP, entries.len() as u64);
    for (key, value) in entries {
        text(murmur, key);
        json(murmur, value, depth)?;
    }
    Some(())
}

fn text(murmur: &mut Murmur, value: &str) {
    head(murmur, TEXT, value.len() as u64);
    murmur.write(value.as_bytes());
}

/// The kind and the length, count or number, in the fewest bytes.
fn head(murmur: &mut Murmur, kind: u8, count: u64) {
    let kind = kind << 5;
    let bytes = count.to_be_bytes();
    match count {
        0..=23 => murmur.write(&[kind | bytes[7]]),
        24..=0xff => murmur.write(&[kind | 24, bytes[7]]),
        0x100..=0xffff => murmur.write(&[kind | 25, bytes[6], bytes[7]]),
        0x1_0000..=0xffff_ffff => {
            murmur.write(&[kind | 26]);
            murmur.write(&bytes[4..]);
        }
        _ => {
            murmur.write(&[kind | 27]);
            murmur.write(&bytes);
        }
    }
}

fn number(murmur: &mut Murmur, value: f64) {
    const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
    const TWO_TO_64: f64 = 18_446_744_073_709_551_616.0;
    if value.fract() == 0.0 && (-TWO_TO_63..TWO_TO_64).contains(&value) {
        if value < 0.0 {
            head(murmur, NEGATIVE, (-value) as u64 - 1);
        } else {
            head(murmur, UNSIGNED, value as u64);
        }
        return;
    }
    let single = value as f32;
    if value.is_nan() {
        murmur.write(&[0xf9, 0x7e, 0x00]);
    } else if let Some(half) = half(single).filter(|_| f64::from(single) == value) {
        murmur.write(&[0xf9]);
        murmur.write(&half.to_be_bytes());
    } else if f64::from(single) == value {
        murmur.write(&[0xfa]);
        murmur.write(&single.to_be_bytes());
    } else {
        murmur.write(&[0xfb]);
        murmur.write(&value.to_be_bytes());
    }
}

/// The bits of IEEE 754 binary16, where they hold the number exactly.
fn half(single: f32) -> Option<u16> {
    let bits = single.to_bits();
    let sign = (bits >> 16) & 0x8000;
    let exponent = ((bits >> 23) & 0xff).cast_signed() - 127;
    let fraction = bits & 0x007f_ffff;
    let magnitude = match exponent {
        128 if fraction == 0 => 0x7c00,
        -14..=15 if fraction.trailing_zeros() >= 13 => ((exponent + 15).cast_unsigned() << 10) | (fraction >> 13),
        -24..=-15 => {
            let shift = (-1 - exponent).cast_unsigned();
            let whole = fraction | 0x0080_0000;
            if whole.trailing_zeros() < shift {
                return None;
            }
            whole >> shift
        }
        _ => return None,
    };
    u16::try_from(sign | magnitude).ok()
}
