use crate::generate::generate;
use crate::script::{Action, Command};

#[test]
fn some_days_have_moves_between_cells_and_some_have_suspensions() {
    let days = |what: fn(&Command) -> bool| {
        let has = |seed: &u64| {
            let script = generate(*seed);
            let mut actions = script.actions.iter();
            actions.any(|(_, action)| matches!(action, Action::Person(command) if what(command)))
        };
        (0..100).filter(has).count()
    };
    let moved = days(|command| matches!(command, Command::MoveTo(..)));
    let suspended = days(|command| matches!(command, Command::Suspend(_)));
    assert!((15..60).contains(&moved), "{moved}");
    assert!((20..60).contains(&suspended), "{suspended}");
}
