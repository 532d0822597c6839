use tidegate_domain::event::Verdict;
use tidegate_domain::id::TenantName;
use tidegate_domain::release::Stage;
use tidegate_domain::time::Duration;

use super::{Deed, What, When};

#[test]
fn a_failure_is_a_wave_and_a_time_or_a_stage() {
    let hours = |hours| When::AfterSwitch(Duration::from_hours(hours));
    let deed = Deed::failure("first@2h").unwrap();
    assert_eq!((deed.wave.as_str(), deed.when), ("first", hours(2)));
    let deed = Deed::failure("first/acme@1h30m").unwrap();
    assert_eq!(deed.when, When::AfterSwitch(Duration::from_secs(5_400)));
    let hurt = vec![TenantName::new("acme").unwrap()];
    let verdict = Verdict::Fail;
    assert_eq!(deed.what, What::Health { verdict, hurt });
    assert_eq!(Deed::failure("rest@verify").unwrap().what, What::Gates);
    assert_eq!(Deed::failure("rest@switch").unwrap().when, When::Stage(Stage::Switch));
}

#[test]
fn a_hold_may_have_a_length() {
    assert_eq!(Deed::hold("first@2h").unwrap().what, What::Hold(None));
    let deed = Deed::hold("first@2h+30m").unwrap();
    assert_eq!(deed.what, What::Hold(Some(Duration::from_secs(1_800))));
}

#[test]
fn what_cannot_be_read_says_what_can() {
    let refused = |text: &str| Deed::failure(text).unwrap_err().to_string();
    assert_eq!(
        refused("first"),
        "`first` does not say when: write WAVE@WHEN, such as `wave1@2h`"
    );
    assert_eq!(
        refused("first@soon"),
        "`soon` is no time since the wave's switch and none of its stages: write a duration such as `2h` or `1h30m`, or `prepare`, `verify`, `canary`, `switch` or `bake`"
    );
    assert!(refused("@2h").contains("names no wave"));
    assert!(refused("first/A B@2h").contains("not the name of a tenant"));
}
