use std::sync::Arc;

use super::{Store, Wish, WriteRequest, Written};
use crate::tenant::Tenant;

fn acme() -> Tenant {
    "acme".parse().unwrap()
}

fn earn(id: &str, points: i64) -> WriteRequest {
    WriteRequest {
        id: id.to_owned(),
        member: "ada".to_owned(),
        wish: Wish::Earn { points },
    }
}

fn redeem(id: &str, coupon: &str) -> WriteRequest {
    WriteRequest {
        id: id.to_owned(),
        member: "ada".to_owned(),
        wish: Wish::Redeem {
            coupon: coupon.to_owned(),
        },
    }
}

/// Two stores on one directory stand for two processes: they share nothing but the files, and `flock` tells their descriptors apart.
#[tokio::test(flavor = "multi_thread")]
async fn two_writers_apply_each_id_once() {
    let data = tempfile::tempdir().unwrap();
    let stores = [Store::new(data.path()), Store::new(data.path())];
    let mut writing = Vec::new();
    for number in 0..200 {
        for store in &stores {
            let tenant = store.tenant(&acme());
            let request = earn(&format!("id-{number}"), 1);
            writing.push(tokio::spawn(async move { tenant.write(request).await.unwrap() }));
        }
    }
    let mut applied = 0;
    for written in writing {
        match written.await.unwrap() {
            Written::Applied { .. } => applied += 1,
            Written::Repeated { .. } | Written::CouponSpent => {}
        }
    }
    assert_eq!(applied, 200);
    for store in &stores {
        let told = store
            .tenant(&acme())
            .read(|a| (a.points("ada"), a.events(), a.repeated()))
            .await;
        assert_eq!(told.unwrap(), (200, 400, 200));
    }
}

#[tokio::test]
async fn a_coupon_is_spent_once_whoever_asks() {
    let data = tempfile::tempdir().unwrap();
    let [one, two] = [(); 2].map(|()| Store::new(data.path()).tenant(&acme()));
    let first = one.write(redeem("a", "summer")).await.unwrap();
    assert_eq!(first, Written::Applied { number: 1, points: 50 });
    let again = two.write(redeem("a", "summer")).await.unwrap();
    assert_eq!(again, Written::Repeated { number: 1, points: 50 });
    assert_eq!(two.write(redeem("b", "summer")).await.unwrap(), Written::CouponSpent);
}

#[tokio::test]
async fn a_torn_record_is_cut_off_and_written_again() {
    let data = tempfile::tempdir().unwrap();
    let tenant = Store::new(data.path()).tenant(&acme());
    tenant.write(earn("a", 1)).await.unwrap();
    let path = data.path().join("acme/events.log");
    let whole = std::fs::read(&path).unwrap();
    let torn = &whole[..whole.len() / 2];
    std::fs::write(&path, [&whole, torn].concat()).unwrap();

    let other = Store::new(data.path()).tenant(&acme());
    assert_eq!(other.read(|accounts| accounts.points("ada")).await.unwrap(), 1);
    let written = other.write(earn("b", 2)).await.unwrap();
    assert_eq!(written, Written::Applied { number: 2, points: 3 });
    assert_eq!(tenant.read(|accounts| accounts.points("ada")).await.unwrap(), 3);
}

#[tokio::test]
async fn a_damaged_record_is_told_and_not_passed_over() {
    let data = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(data.path().join("acme")).unwrap();
    std::fs::write(data.path().join("acme/events.log"), "nonsense\n").unwrap();
    let tenant = Store::new(data.path()).tenant(&acme());
    let error = tenant.read(crate::store::Accounts::events).await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("cannot be read at byte 0"), "{cause}");
}

#[test]
fn data_that_cannot_be_written_is_not_ready() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert!(Store::new(&file).probe().is_err());
    assert!(Arc::new(Store::new(data.path())).probe().is_ok());
}
