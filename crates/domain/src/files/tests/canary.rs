//! What a wave says of its canary.

use crate::files::{Source, read_project};

fn told(canary: &str) -> Vec<String> {
    let source = |path: &str, text: &str| Source {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    let sources = [
        source(
            "tidegate.yaml",
            "service: shop\nplaybook: quiet\ncells: [{name: eu}]\n\
             gateway: {tenant_from: [{header: x-tenant}], client_from: {cookie: session}}\n\
             components: [{name: api, command: ['{artifact}'], ready: {path: /ready}}]\n",
        ),
        source("tenants.yaml", "tenants: [{id: acme, cell: eu}]\n"),
        source(
            "playbooks/quiet.yaml",
            &format!("name: quiet\nwaves:\n  - name: all\n    select: {{rest: true}}\n    canary: {canary}\n"),
        ),
    ];
    let (_, mistakes) = read_project(&sources);
    let words = mistakes.iter().map(|mistake| {
        let line = mistake.place.as_ref().map_or(0, |place| place.line);
        format!(
            "{line}: {} [{}]",
            mistake.message,
            mistake.help.clone().unwrap_or_default()
        )
    });
    words.collect()
}

#[test]
fn its_times_fit_together() {
    assert_eq!(told("{}"), Vec::<String>::new());
    assert_eq!(
        told("{share: 50, least: 1h, longest: 1h, warm_up: 0s, on_inconclusive: pass}"),
        Vec::<String>::new()
    );
    assert_eq!(
        told("{least: 2h}"),
        ["5: the canary lasts at least 2h and at most 1h [make `longest` the longer of the two; left out, it is 1h]"]
    );
    assert_eq!(
        told("{warm_up: 1h, longest: 30m}"),
        [
            "5: the canary judges nothing before 1h and lasts at most 30m [make `longest` the longer of the two; left out, it is 1h]"
        ]
    );
}

#[test]
fn its_share_is_a_part() {
    for share in ["0", "51", "5.5"] {
        assert_eq!(told(&format!("{{share: {share}}}")).len(), 1, "{share}");
    }
}
