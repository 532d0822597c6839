use super::*;

#[tokio::test]
async fn tenants_of_one_cell_that_fail_together_are_one_alert_that_names_them() {
    let mut town = Town::learnt().await;
    town.goes_on(2, |n| if n == 2 || n == 4 { (20, 9) } else { (20, 0) })
        .await;
    let [alert] = &town.all().await[..] else {
        panic!("{:#?}", town.all().await);
    };
    assert_eq!(of(alert), ["tenant/t2", "tenant/t4"]);
    assert_eq!(words::title(alert), "t2, t4 in eu: requests fail");
    assert_eq!(alert.receiver.owner.as_deref(), Some("platform"));
    assert_eq!(town.letters().await, ["pager: raised"]);
}

#[tokio::test]
async fn an_outage_of_everything_is_one_page_for_each_who_is_told() {
    let mut town = Town::learnt().await;
    town.goes_on(2, |_| (20, 20)).await;
    let [alert] = &town.all().await[..] else {
        panic!("{:#?}", town.all().await);
    };
    assert_eq!(alert.symptoms.len(), TENANTS, "{:?}", of(alert));
    assert_eq!(words::title(alert), "10 tenants in eu, us: requests fail");
    assert_eq!(town.letters().await, ["pager: raised"]);
    // Nobody comes any more: that is another matter for support, and still one page.
    town.goes_on(4, |_| (0, 0)).await;
    assert_eq!(town.all().await.len(), 2);
    let mut letters = town.letters().await;
    letters.retain(|letter| letter != "lead: escalated");
    assert_eq!(letters, ["pager: raised", "desk: raised"]);
}

#[tokio::test]
async fn what_begins_hours_later_tells_people_again() {
    let mut town = Town::learnt().await;
    town.goes_on(14, |n| if n == 2 { (20, 9) } else { (20, 0) }).await;
    town.goes_on(3, |n| if n == 2 || n == 4 { (20, 9) } else { (20, 0) })
        .await;
    let all = town.all().await;
    let whom: Vec<Vec<String>> = all.iter().map(of).collect();
    assert_eq!(whom.len(), 2, "{whom:?}");
}

#[tokio::test]
async fn routes_go_by_customer_and_cell_and_the_first_that_fits_counts() {
    let routes = "routes:\n  - {customer: globex, role: support, owner: globex team}\n  - {cell: us, role: support}\n";
    let mut town = Town::learnt_with(&ALERTS.replace("routes:\n", routes)).await;
    town.goes_on(3, |n| if n == 4 || n == 2 || n == 5 { (20, 9) } else { (20, 0) })
        .await;
    let mut told: Vec<(Vec<String>, AlertRole, Option<String>)> = Vec::new();
    for alert in town.all().await {
        let receiver = alert.receiver.clone();
        told.push((of(&alert), receiver.role, receiver.owner));
    }
    told.sort();
    let owner = |name: &str| Some(name.to_owned());
    let expected = [
        (vec!["tenant/t2".to_owned()], AlertRole::Developers, owner("platform")),
        (vec!["tenant/t4".to_owned()], AlertRole::Support, owner("globex team")),
        (vec!["tenant/t5".to_owned()], AlertRole::Support, owner("customer care")),
    ];
    assert_eq!(told, expected);
}
