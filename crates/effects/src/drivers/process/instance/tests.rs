use std::time::Duration;

use super::Trouble;

fn in_a_row(lives: u32) -> Trouble {
    (0..lives).fold(Trouble::default(), |before, _| {
        Trouble::of("died".to_owned()).after(&before)
    })
}

#[test]
fn pauses_double_up_to_the_longest() {
    let pause = |lives| in_a_row(lives).pause(&Duration::from_millis(500), &Duration::from_secs(30));
    assert_eq!(pause(0), None);
    assert_eq!(pause(1), Some(Duration::from_millis(500)));
    assert_eq!(pause(3), Some(Duration::from_secs(2)));
    assert_eq!(pause(7), Some(Duration::from_secs(30)));
    assert_eq!(pause(u32::from(u16::MAX)), Some(Duration::from_secs(30)));
}

#[test]
fn what_is_certain_stays_so_until_a_stable_life() {
    let trouble = Trouble::of("died".to_owned()).after(&Trouble::certain("changed".to_owned()));
    assert!(trouble.certain);
    assert_eq!((trouble.lives, trouble.reason.as_str()), (2, "died"));
}
