//! A restored state: what differs from it, and what its confirmation will do.

use std::fmt::Write as _;

use tidegate_server::api::{RestoredStatus, SlotDiffers, TenantDiffers};

use super::at_ms;
use crate::paint::{Paint, Tone};
use crate::table::count;

/// Lines of one kind; the rest is counted. `--json` has all.
const LINES_MAX: usize = 10;

pub fn draw(page: &mut String, restored: &RestoredStatus, paint: Paint) {
    if let Some(generation) = restored.confirmed {
        let line = format!("restored and confirmed: the world is brought in line with generation {generation}");
        let _ = writeln!(page, "{}", paint.paint(Tone::Busy, &line));
        return;
    }
    let line = format!(
        "! restored from {} (generation {}, the last row of its journal is of {}): nothing is done before it is confirmed",
        restored.file,
        restored.generation,
        at_ms(restored.copied_ms)
    );
    let _ = writeln!(page, "{}", paint.paint(Tone::Bad, &line));
    for gateway in &restored.gateways {
        let holds = gateway.generation.map_or_else(
            || "no table".to_owned(),
            |generation| format!("generation {generation}"),
        );
        let routes = if gateway.tells_routes {
            ""
        } else {
            ", and does not say whom it serves"
        };
        let _ = writeln!(page, "  gateway {} holds {holds}{routes}", gateway.id);
    }
    lines(page, "tenant", &restored.tenants, tenant);
    lines(page, "slot", &restored.slots, slot);
    lines(page, "pending effect", &restored.pending, |effect| {
        let begun = if effect.begun { ", begun" } else { "" };
        let asked = at_ms(effect.asked_ms);
        format!(
            "{}: {} (asked {asked}{begun}): by default `{}`",
            effect.id, effect.text, effect.by_default
        )
    });
    for missing in &restored.missing {
        let _ = writeln!(page, "  {}", paint.paint(Tone::Busy, &format!("waits: {missing}")));
    }
    let same = restored.tenants.is_empty() && restored.slots.is_empty();
    if same && restored.missing.is_empty() {
        let _ = writeln!(page, "  gateways serve and drivers run what it says");
    }
    if restored.missing.is_empty() {
        let _ = writeln!(page, "  to let it count: tidegate restore --confirm --reason TEXT");
    }
}

fn lines<T>(page: &mut String, what: &str, all: &[T], in_words: impl Fn(&T) -> String) {
    for one in all.iter().take(LINES_MAX) {
        let _ = writeln!(page, "  {}", in_words(one));
    }
    if all.len() > LINES_MAX {
        let _ = writeln!(page, "  {} in all; `--json` lists them", count(all.len(), what));
    }
}

fn tenant(differs: &TenantDiffers) -> String {
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "no version".to_owned());
    format!(
        "{}: gateway {} serves {}, restored is {}",
        differs.tenant,
        differs.gateway,
        or_none(&differs.served),
        or_none(&differs.restored)
    )
}

fn slot(differs: &SlotDiffers) -> String {
    let SlotDiffers {
        cell, id, instances, ..
    } = differs;
    match &differs.restored {
        Some(_) => format!("slot {id} in {cell} does not run; it is started"),
        None => format!(
            "slot {id} in {cell} runs ({}) and is not known; it is stopped when no gateway leads to it any more",
            count(*instances, "instance")
        ),
    }
}
