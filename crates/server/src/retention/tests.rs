use std::future::Future as _;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tempfile::TempDir;
use tidegate_domain::event::EventKind;
use tidegate_domain::id::Digest;
use tidegate_domain::release::ReleaseKind;
use tidegate_domain::service::{Run, RunPhase};
use tidegate_effects::drivers::Driver;
use tidegate_store::{EventEntry, JournalCheck, JournalFilter, JournalRow, Outcome, PlanEntry, Settlement, Store};

use super::*;
use crate::fixture::{World, event, planned, service, shows, version};
use crate::intake::Progress;
use crate::restored::{self, Mark};
use crate::webhooks::Reach;

const DECLARED: &str = "retention: {journal: 400d, export_to: archive}\n";

/// Long after everything that a test does.
fn much_later() -> Timestamp {
    clock::now() + Duration::from_days(500)
}

/// A project with a store, each in a folder of its own.
struct Project {
    folder: TempDir,
}

impl Project {
    fn new(retention: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["playbooks", "archive", "state"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let project = Self { folder };
        project.declare(retention);
        project.write("tenants.yaml", "tenants: [{id: acme, cell: eu}]\n");
        project.write(
            "playbooks/quick.yaml",
            "name: quick\nwaves: [{name: all, select: {rest: true}}]\n",
        );
        project
    }

    fn declare(&self, retention: &str) {
        let service = "service: shop\nplaybook: quick\ncells: [{name: eu}]\ngateway: {tenant_from: [{header: x-tenant}]}\n\
                       components: [{name: api, command: ['{artifact}'], ready: {path: /}}]\n";
        self.write("tidegate.yaml", &format!("{service}{retention}"));
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// The store, with three rows of a time before everything else.
    async fn store(&self) -> Store {
        let store = Store::open(&self.path("state/tidegate.db")).await.unwrap();
        if store.journal_head("shop").await.unwrap() == 0 {
            let before = clock::now().0 - 1_000;
            let old = (0..3).map(|n| JournalEntry {
                at_ms: before + n,
                actor: "ada".to_owned(),
                reason: "because".to_owned(),
                kind: "noted".to_owned(),
                release: None,
                subject: None,
                about: Vec::new(),
                body: "{}".to_owned(),
            });
            let record = Record {
                service: "shop".to_owned(),
                journal: old.collect(),
                ..Record::default()
            };
            store.record(&record).await.unwrap();
        }
        store
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    fn keeper(&self, world: &World) -> Keeper {
        Keeper::new(AppState::new(
            world.control.clone(),
            world.gateways.clone(),
            self.path("state"),
            Arc::clone(&world.driver) as Arc<dyn Driver>,
            Reach::Public,
            self.path(""),
        ))
    }

    /// What lies in the archive, by name: the rows of each file.
    fn archive(&self) -> Vec<(String, Vec<JournalRow>)> {
        let entries = std::fs::read_dir(self.path("archive")).unwrap();
        let mut files: Vec<_> = entries
            .map(|entry| {
                let entry = entry.unwrap();
                let text = std::fs::read_to_string(entry.path()).unwrap();
                let rows = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
                (entry.file_name().into_string().unwrap(), rows)
            })
            .collect();
        files.sort_by(|(a, _): &(String, _), (b, _)| a.cmp(b));
        files
    }
}

async fn rows(store: &Store) -> Vec<JournalRow> {
    store.journal("shop", JournalFilter::All, 0, 1_000).await.unwrap()
}

async fn is_whole(store: &Store) -> bool {
    matches!(store.journal_verify("shop").await.unwrap(), JournalCheck::Whole { .. })
}

/// Applies a plan that is kept, as the API does, and waits until it is as far as `is_there` says.
async fn apply(world: &World, release: &str, bake: &str, is_there: impl Fn(&Run) -> bool) -> Digest {
    let plan = planned(&world.control.view().state, release, 2, bake);
    let digest = plan.digest();
    let kept = PlanEntry {
        digest: digest.to_string(),
        body: "{}".to_owned(),
        at_ms: clock::now().0,
    };
    world.control.store().put_plan("shop", &kept).await.unwrap();
    let apply = event(EventKind::Apply {
        plan: Box::new(plan),
        author: None,
    });
    world.control.submit(&apply, release).await.unwrap();
    let wanted = version(release);
    shows(&world.control, |view| view.state.run(&wanted).is_some_and(&is_there)).await;
    digest
}

async fn started(store: &Store) -> World {
    let mut world = World::start(store).await;
    world.follow();
    world
}

async fn complete(world: &World, release: &str) -> Digest {
    apply(world, release, "{longest: 0s, least: 0s}", |run| {
        matches!(run.phase, RunPhase::Completed { .. })
    })
    .await
}

/// A command that is refused, and taken all the same.
async fn ask(world: &World, key: &str, release: &str) -> String {
    let abort = event(EventKind::Abort {
        version: version(release),
    });
    world.control.submit(&abort, key).await.unwrap_err().to_string()
}

#[tokio::test]
async fn old_rows_are_exported_and_dropped_but_those_of_a_release_in_flight_stay() {
    let project = Project::new(DECLARED);
    let store = project.store().await;
    let world = started(&store).await;
    complete(&world, "1.0.0").await;
    ask(&world, "before", "0.9.0").await;
    apply(&world, "1.1.0", "{longest: 2h, least: 1h}", |run| {
        run.waves[0].moved.is_some()
    })
    .await;
    for key in ["since", "newest"] {
        ask(&world, key, "0.9.0").await;
    }
    project.keeper(&world).look(much_later()).await.unwrap();

    let kept = rows(&store).await;
    assert_eq!((&*kept[0].kind, kept[0].release.as_deref()), ("applied", Some("1.1.0")));
    let [(name, exported)] = &project.archive()[..] else {
        panic!("{:?}", project.archive())
    };
    assert_eq!(name, "shop-journal-0000000001.ndjson");
    let seqs: Vec<i64> = exported.iter().map(|row| row.seq).collect();
    assert_eq!(seqs, (1..kept[0].seq).collect::<Vec<_>>());
    assert!(exported.iter().all(|row| row.release.as_deref() != Some("1.1.0")));
    let told = kept.last().unwrap();
    assert_eq!((&*told.kind, &*told.actor), ("journal_compacted", "tidegate/retention"));
    assert_eq!(
        told.reason,
        "older than `retention.journal: 400d` in tidegate.yaml says"
    );
    assert!(is_whole(&store).await);
    // What was taken since is known when it comes again, what was taken before is new.
    let used = ask(&world, "since", "0.8.0").await;
    assert_eq!(used, "the key `since` was used before for another command");
    let new = ask(&world, "before", "0.8.0").await;
    assert!(new.contains("0.8.0"), "{new}");
}

#[tokio::test]
async fn a_second_look_finds_nothing_and_a_later_one_goes_on() {
    let project = Project::new(DECLARED);
    let store = project.store().await;
    let mut world = started(&store).await;
    complete(&world, "1.0.0").await;
    world.loops.shutdown().await;
    let later = much_later();
    let keeper = project.keeper(&world);
    keeper.look(later).await.unwrap();
    let (kept, archive) = (rows(&store).await, project.archive());
    assert_eq!(
        kept.iter().map(|row| &*row.kind).collect::<Vec<_>>(),
        ["rows_dropped", "journal_compacted"]
    );
    keeper.look(later).await.unwrap();
    assert_eq!((rows(&store).await, project.archive()), (kept, archive));
    keeper.look(later + Duration::from_days(500)).await.unwrap();
    let archive = project.archive();
    let [(_, first), (_, second)] = &archive[..] else {
        panic!("{archive:?}")
    };
    assert_eq!(second[0].seq, first.last().unwrap().seq + 1);
    assert!(is_whole(&store).await);
}

#[tokio::test]
async fn killed_between_export_and_drop_the_next_server_drops_what_is_in_the_file() {
    let project = Project::new(DECLARED);
    let store = project.store().await;
    let mut world = started(&store).await;
    complete(&world, "1.0.0").await;
    world.loops.shutdown().await;
    let head = store.journal_head("shop").await.unwrap();
    let file = project.path("archive/shop-journal-0000000001.ndjson");
    store
        .export_journal("shop", much_later().0, &file)
        .await
        .unwrap()
        .unwrap();
    drop((world, store));

    let store = project.store().await;
    assert_eq!(rows(&store).await.len() as i64, head, "nothing is lost");
    let world = started(&store).await;
    let archive = project.archive();
    // More rows are old by now than when the file was written.
    project.keeper(&world).look(much_later()).await.unwrap();
    assert_eq!(project.archive(), archive, "it is not written again");
    assert_eq!(rows(&store).await[0].seq, head + 1);
    assert!(is_whole(&store).await);
}

#[tokio::test]
async fn what_was_exported_under_a_shorter_time_waits_for_the_longer_one() {
    let project = Project::new(DECLARED);
    let store = project.store().await;
    let world = started(&store).await;
    let file = project.path("archive/shop-journal-0000000001.ndjson");
    let all = store.export_journal("shop", much_later().0, &file).await.unwrap();
    assert!(all.is_some());
    let head = store.journal_head("shop").await.unwrap();
    project.declare("retention: {journal: 600d, export_to: archive}\n");
    project.keeper(&world).look(much_later()).await.unwrap();
    assert_eq!(rows(&store).await.len() as i64, head);
}

#[tokio::test]
async fn nothing_is_dropped_where_it_cannot_be_exported() {
    let project = Project::new(DECLARED);
    let store = project.store().await;
    let world = started(&store).await;
    let head = store.journal_head("shop").await.unwrap();
    project.write("archive/shop-journal-0000000001.ndjson", "a letter\n");
    let keeper = project.keeper(&world);
    for (declared, told, help) in [
        (
            DECLARED,
            "there is a file of that name, and from row 1 on it is not what the journal has",
            "move that file away",
        ),
        (
            "retention: {journal: 400d, export_to: nowhere}\n",
            "nowhere`: No such file or directory",
            "make the folder that `retention.export_to` in tidegate.yaml names, or name another one",
        ),
        (
            "retention: {journal: 400d, export_to: state}\n",
            "lies in the state directory, and would be lost with it",
            "name a file elsewhere, best on another disk",
        ),
        (
            "retention: {journal: 400d, export_to: archive, plan: 1d}\n",
            "the files of the project have mistakes",
            "correct the files of the project that the server was started in",
        ),
    ] {
        project.declare(declared);
        let problem = keeper.look(much_later()).await.unwrap_err();
        assert!(problem.detail.contains(told), "{problem:?}");
        assert_eq!(problem.help.as_deref(), Some(help));
    }
    project.declare("");
    keeper.look(much_later()).await.unwrap();
    assert_eq!(
        rows(&store).await.len() as i64,
        head,
        "without a word it is kept for ever"
    );
}

/// The effects of a lane are done by somebody.
async fn perform(store: &Store, lane: &str) -> Vec<String> {
    let leased = store.lease(lane, "w", i64::MAX, i64::MAX, 100).await.unwrap();
    let outcomes = leased.iter().map(|row| Outcome {
        id: row.id.clone(),
        settlement: Settlement::Done,
        outcome: "said".to_owned(),
        event: EventEntry {
            key: format!("performed/{}", row.id),
            actor: "tidegate/announce".to_owned(),
            body: serde_json::to_string(&event(EventKind::Abort {
                version: version("0.9.0"),
            }))
            .unwrap(),
            at_ms: clock::now().0,
        },
    });
    store.finish("w", &outcomes.collect::<Vec<_>>()).await.unwrap();
    leased.into_iter().map(|row| row.id).collect()
}

fn waiting(plan: &str) -> Progress {
    Progress {
        number: 1,
        version: version("3.0.0"),
        kind: ReleaseKind::Scheduled,
        summary: None,
        patches: None,
        artifacts: std::collections::BTreeMap::new(),
        by: Actor::principal("ada"),
        at: clock::now(),
        plan: Some(Digest::of(plan.as_bytes())),
        planned: None,
        blocks: Vec::new(),
        refusals: 0,
        ended: None,
    }
}

#[tokio::test]
async fn plans_that_nobody_applied_taken_events_and_ended_effects_go_and_what_is_needed_stays() {
    let project = Project::new("");
    let store = project.store().await;
    let world = started(&store).await;
    let applied = complete(&world, "1.0.0").await;
    let done = perform(&store, "announce").await;
    assert!(!done.is_empty());
    world.control.wake();
    for plan in ["waits", "forgotten"] {
        let entry = PlanEntry {
            digest: Digest::of(plan.as_bytes()).to_string(),
            body: "{}".to_owned(),
            at_ms: clock::now().0,
        };
        store.put_plan("shop", &entry).await.unwrap();
    }
    intake::note(&world.control, &waiting("waits"), None).await.unwrap();
    // Taken after what was performed: by then nothing waits.
    ask(&world, "newest", "0.9.0").await;
    let keeper = project.keeper(&world);
    keeper.look(clock::now() + Duration::from_days(29)).await.unwrap();
    assert!(store.effect(&done[0]).await.unwrap().is_some(), "not old enough");

    keeper.look(much_later()).await.unwrap();
    for id in &done {
        assert_eq!(store.effect(id).await.unwrap(), None);
    }
    assert!(
        store.plan(&applied.to_string()).await.unwrap().is_some(),
        "it was applied"
    );
    let plan = async |name: &str| store.plan(&Digest::of(name.as_bytes()).to_string()).await.unwrap();
    assert!(
        plan("waits").await.is_some(),
        "a release that was handed in waits with it"
    );
    assert!(plan("forgotten").await.is_none());
    let told = rows(&store).await.pop().unwrap();
    assert_eq!((&*told.kind, &*told.actor), ("rows_dropped", "tidegate/retention"));
    assert!(told.reason.contains(": 1 plans, "), "{}", told.reason);
    assert!(
        told.reason
            .starts_with("older than `retention` says, plans 90d, events 30d, effects 30d: ")
    );
    let new = ask(&world, "1.0.0", "0.8.0").await;
    assert!(new.contains("0.8.0"), "its key is free again: {new}");
}

#[test]
fn a_restored_state_is_left_alone_until_it_is_confirmed() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let project = Project::new("");
        let store = Store::memory();
        let old = PlanEntry {
            digest: Digest::of(b"old").to_string(),
            body: "{}".to_owned(),
            at_ms: 0,
        };
        store.put_plan("shop", &old).await.unwrap();
        let mut mark = Mark {
            file: "/backups/monday".to_owned(),
            digest: "00".to_owned(),
            restored: clock::now(),
            copied: clock::now(),
            generation: 0,
            confirmed: None,
        };
        store
            .record(&restored::record(service().as_str(), &mark))
            .await
            .unwrap();
        let world = World::start(&store).await;
        let mut running = pin!(project.keeper(&world).run());
        let mut poll = || running.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert_eq!(poll(), Poll::Pending);
        assert!(store.plan(&old.digest).await.unwrap().is_some());
        mark.confirmed = Some(1);
        world.control.remark(Some(mark));
        // A memory store never makes anybody wait: one look is one poll.
        assert_eq!(poll(), Poll::Pending);
        assert!(store.plan(&old.digest).await.unwrap().is_none());
    });
}
