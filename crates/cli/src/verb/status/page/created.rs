//! Releases that were handed in and are not applied.

use std::fmt::Write as _;

use tidegate_server::api::CreatedStatus;

use super::at_ms;
use crate::paint::{Paint, Tone};

pub fn draw(page: &mut String, created: &[CreatedStatus], paint: Paint) {
    for release in created {
        let tone = if release.blocks.is_empty() {
            Tone::Faint
        } else {
            Tone::Busy
        };
        let title = paint.paint(Tone::Title, &format!("Release {}", release.version));
        let state = paint.paint(tone, &format!("· {}", release.state));
        let _ = writeln!(
            page,
            "\n{title}  {state}  handed in {} by {}",
            at_ms(release.created_ms),
            release.created_by
        );
        if let Some(plan) = &release.plan {
            let _ = writeln!(page, "  plan {}", plan.short());
        }
        for block in &release.blocks {
            let _ = writeln!(page, "  {}", paint.paint(Tone::Busy, &format!("is blocked: {block}")));
        }
    }
}
