use super::*;

fn failing(n: usize) -> (u64, u64) {
    if n == 4 { (20, 14) } else { (20, 0) }
}

fn of_tenant(name: &str) -> Matcher {
    Matcher {
        tenant: Some(tenant(name)),
        ..Matcher::default()
    }
}

#[tokio::test]
async fn what_is_silenced_is_seen_and_not_told_until_the_silence_ends() {
    let mut town = Town::learnt().await;
    let (ada, until) = (Actor::principal("ada"), Timestamp(town.now.0 + 3_600_000));
    let id = town
        .alerts
        .silence(of_tenant("t4"), until, &ada, "moves house", town.now)
        .await
        .unwrap();
    town.goes_on(6, failing).await;
    let [alert] = &town.all().await[..] else {
        panic!("{:#?}", town.all().await);
    };
    assert_eq!(alert.silenced.as_ref(), Some(&id));
    assert_eq!(town.letters().await, Vec::<String>::new());
    // It outlives the process, and its end is heard: who was not told is told now.
    town.restart().await;
    town.goes_on(7, failing).await;
    assert_eq!(town.alerts.silences().await.unwrap().len(), 0);
    assert_eq!(town.letters().await, ["pager: raised"]);
    let journal = town.journal().await;
    assert!(journal.contains(&"alerts_silenced by ada".to_owned()), "{journal:?}");
    assert!(
        journal.contains(&"alerts_silence_ended by tidegate/alerts".to_owned()),
        "{journal:?}"
    );
}

#[tokio::test]
async fn a_silence_is_for_what_it_names_and_can_be_lifted() {
    let mut town = Town::learnt().await;
    let (ada, until) = (Actor::principal("ada"), Timestamp(town.now.0 + 36_000_000));
    let other = Matcher {
        kinds: [AlertKind::VolumeDrop].into(),
        ..of_tenant("t4")
    };
    town.alerts
        .silence(other, until, &ada, "no requests for a while", town.now)
        .await
        .unwrap();
    town.goes_on(2, failing).await;
    assert_eq!(town.letters().await, ["pager: raised"]);
    // One that is open falls silent, and its message is held back.
    let id = town
        .alerts
        .silence(of_tenant("t4"), until, &ada, "known", town.now)
        .await
        .unwrap();
    assert_eq!(town.letters().await, Vec::<String>::new());
    town.goes_on(6, failing).await;
    assert_eq!(town.letters().await, Vec::<String>::new(), "and it is not escalated");
    town.alerts.lift(&id, &ada, "it is not", town.now).await.unwrap();
    let again = town.alerts.lift(&id, &ada, "it is not", town.now).await.unwrap_err();
    assert_eq!(again.to_string(), format!("there is no silence `{id}`"));
    town.goes_on(1, failing).await;
    assert_eq!(town.all().await[0].silenced, None);
}

#[tokio::test]
async fn a_silence_has_an_end() {
    let town = Town::new().await;
    let ada = Actor::principal("ada");
    for until in [town.now.0, town.now.0 - 1, town.now.0 + 91 * 86_400_000] {
        let refused = town
            .alerts
            .silence(Matcher::default(), Timestamp(until), &ada, "peace", town.now)
            .await
            .unwrap_err();
        assert!(refused.to_string().starts_with("a silence ends at a time to come"));
    }
}
