use super::*;
use proptest::prelude::*;
use serde_json::Value as Json;

fn murmur(bytes: &[u8]) -> u32 {
    let mut murmur = Murmur::default();
    murmur.write(bytes);
    murmur.finish()
}

#[test]
fn the_hash_is_murmur3() {
    assert_eq!(murmur(b""), 0);
    assert_eq!(murmur(b"hello"), 0x248b_fa47);
    assert_eq!(murmur(b"hello, world"), 0x149b_bb7f);
    assert_eq!(murmur(b"The quick brown fox jumps over the lazy dog"), 0x2e4f_f723);
}

#[test]
fn the_two_versions_hash_the_keys_differently() {
    assert_eq!(HashVersion::Two.of_keys("flag", "user-1"), 0xb4e1_381d);
    assert_eq!(HashVersion::Three.of_keys("flag", "user-1"), 0x47cf_a3cb);
}

/// Hashes of the canonical CBOR of a value, by Python's `cbor2` and `mmh3`.
const ENCODED: &[(&str, u32)] = &[
    (r#""""#, 0x276e_becf),
    (r#""tenant-7""#, 0x14d2_571d),
    (r#""müller""#, 0x2712_99da),
    ("true", 0x31d7_a60b),
    ("false", 0x06f1_5207),
    ("0", 0x514e_28b7),
    ("23", 0xd5d8_1e52),
    ("24", 0x6e4e_3460),
    ("255", 0x7d56_d34d),
    ("256", 0x7aee_ffc9),
    ("65536", 0x6dee_ad09),
    ("4294967296", 0xbaa9_a467),
    ("-1", 0x7ef4_9b98),
    ("-25", 0xa303_d021),
    ("-300", 0x2f86_062d),
    ("1.5", 0x14ad_e9b6),
    ("0.1", 0x0680_c93c),
    ("3.0", 0x5e2a_8076),
    ("1e300", 0xb136_baf5),
    ("65504.5", 0xa384_cf3e),
    ("100000.5", 0x6cdc_081b),
    ("-2.5", 0x92e2_71fc),
    ("1e-10", 0xdcd2_e124),
    (r#"["a", 1, null]"#, 0x480a_113c),
    (r#"{"b": 1, "aa": 2, "a": [1.5, {}]}"#, 0x784a_f5f9),
    ("-9223372036854775808", 0x1494_852d),
];

#[test]
fn version_3_hashes_canonical_cbor() {
    for (text, hash) in ENCODED {
        let json: Json = serde_json::from_str(text).unwrap();
        assert_eq!(HashVersion::Three.of_value(&Value::from(&json)), Some(*hash), "{text}");
    }
    assert_eq!(HashVersion::Three.of_value(&Value::Null), None);
}

#[test]
fn version_2_buckets_texts_only() {
    assert_eq!(HashVersion::Two.of_value(&Value::Number(1.0)), None);
    assert!(HashVersion::Two.of_value(&Value::text("1".to_owned())).is_some());
}

fn shares(weights: &[u32]) -> Shares {
    Shares::new(weights.iter().map(|weight| Weight::Number(f64::from(*weight)))).unwrap()
}

#[test]
fn weights_that_cannot_be_used() {
    assert_eq!(Shares::new([Weight::Number(0.5)]), None);
    assert_eq!(Shares::new([Weight::Other]), None);
    assert_eq!(Shares::new([Weight::Number(2_147_483_647.0), Weight::Absent]), None);
    assert_eq!(Shares::new([Weight::Number(f64::NAN)]), None);
    assert_eq!(shares(&[0, 0]).pick(7), None);
    assert_eq!(
        Shares::new([Weight::Number(-5.0), Weight::Absent]).unwrap().pick(7),
        Some(1)
    );
}

/// Pearson's statistic of 20,000 members over five shares stays below the 99.99 % quantile of chi-square with four degrees of
/// freedom: 23.51. The members are fixed, so this either holds or it does not.
#[test]
fn members_fall_into_buckets_by_their_shares() {
    let weights = [5, 10, 15, 30, 40];
    let shares = shares(&weights);
    for version in [HashVersion::Two, HashVersion::Three] {
        let mut counts = [0_u32; 5];
        for member in 0..20_000 {
            counts[shares
                .pick(version.of_keys("new-checkout", &format!("tenant-{member}")))
                .unwrap()] += 1;
        }
        let expected = weights.map(|weight| 200.0 * f64::from(weight));
        let statistic: f64 = counts
            .iter()
            .zip(expected)
            .map(|(count, expected)| (f64::from(*count) - expected).powi(2) / expected)
            .sum();
        assert!(statistic < 23.51, "{version:?}: {counts:?}, {statistic}");
    }
}

proptest! {
    #[test]
    fn nobody_loses_what_a_growing_share_gave(hash in any::<u32>(), share in 0_u32..100, more in 0_u32..100) {
        let larger = (share + more).min(100);
        let has = |share: u32| shares(&[share, 100 - share]).pick(hash) == Some(0);
        prop_assert!(!has(share) || has(larger));
    }

    #[test]
    fn everybody_falls_into_a_bucket_with_a_weight(hash in any::<u32>(), weights in proptest::collection::vec(0_u32..1000, 1..8)) {
        let place = shares(&weights).pick(hash);
        prop_assert_eq!(place.is_some(), weights.iter().any(|weight| *weight > 0));
        if let Some(place) = place {
            prop_assert!(weights[place] > 0);
        }
    }
}
