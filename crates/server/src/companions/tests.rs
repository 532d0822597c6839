use tidegate_domain::release::Companion;
use tidegate_domain::service::CompanionPhase;

use super::{Question, ask, news};

fn one(service: &str, version: &str) -> Companion {
    Companion {
        service: service.parse().unwrap(),
        version: version.parse().unwrap(),
    }
}

fn question(known: CompanionPhase) -> Question {
    Question {
        release: "2.0.0".parse().unwrap(),
        companion: one("billing", "7.0.0"),
        together: vec![one("billing", "7.0.0"), one("shop", "2.0.0")],
        known,
    }
}

fn unclear() -> CompanionPhase {
    CompanionPhase::Unclear {
        because: "not asked".to_owned(),
    }
}

fn told(phase: &str, order: [&str; 2]) -> Result<CompanionPhase, String> {
    let version = |service: &str| if service == "shop" { "2.0.0" } else { "7.0.0" };
    let listed = order.map(|service| format!(r#"{{"service": "{service}", "version": "{}"}}"#, version(service)));
    let body = format!(
        r#"{{"phase": "{phase}", "together": [{}], "more": 1}}"#,
        listed.join(",")
    );
    ask::told(body.as_bytes(), &question(unclear()))
}

#[test]
fn another_server_is_believed_where_it_tells_of_the_same_group() {
    let order = ["billing", "shop"];
    for (word, phase) in [
        ("queued", CompanionPhase::Applied),
        ("moving", CompanionPhase::Applied),
        ("completed", CompanionPhase::Completed),
        ("rolled back", CompanionPhase::RolledBack),
        ("aborted", CompanionPhase::Stopped),
        ("superseded", CompanionPhase::Stopped),
    ] {
        assert_eq!(told(word, order), Ok(phase));
    }
    assert_eq!(
        told("on fire", order),
        Err("its server says that it is `on fire`".to_owned())
    );
    let other = Err("its own `together` lists other releases, or the same in another order".to_owned());
    assert_eq!(told("completed", ["shop", "billing"]), other);
    assert!(ask::told(b"<html>", &question(unclear())).is_err());
}

#[test]
fn what_was_clear_stays_while_a_server_cannot_be_asked() {
    let broken = || Err("its server cannot be reached".to_owned());
    assert_eq!(news(&question(CompanionPhase::Completed), broken()), None);
    let because = "its server cannot be reached".to_owned();
    assert_eq!(
        news(&question(unclear()), broken()),
        Some(CompanionPhase::Unclear { because })
    );
    assert_eq!(
        news(&question(CompanionPhase::Completed), Ok(CompanionPhase::Completed)),
        None
    );
}
