//! The words of a playbook in those of the evidence.

use tidegate_domain::policy::HealthPolicy;
use tidegate_evidence::{Assignment, HealthRule};

use super::{AGE_MAX_MS, INTERVAL_MIN};

const DAY_MS: u128 = 86_400_000;

/// How a server judges by this policy whom a wave has moved.
#[must_use]
pub fn rule(policy: &HealthPolicy) -> HealthRule {
    rule_of(policy, Assignment::Tenants)
}

/// How it judges a canary: by the other requests at the same time.
#[must_use]
pub fn canary_rule(policy: &HealthPolicy) -> HealthRule {
    rule_of(policy, Assignment::Requests)
}

fn rule_of(policy: &HealthPolicy, assignment: Assignment) -> HealthRule {
    let HealthPolicy {
        alpha,
        false_alarms_per_day,
        margin,
        error_margin_percent,
        error_ceiling_percent,
        latency_quantile,
        latency_ratio,
        latency_slack,
        interval,
    } = *policy;
    let every = interval.to_std().max(INTERVAL_MIN).as_millis();
    HealthRule {
        assignment,
        alpha,
        alarms_per_day: false_alarms_per_day,
        looks_per_day: u32::try_from(DAY_MS / every).unwrap_or(u32::MAX).max(1),
        margin,
        error_margin_percent,
        error_ceiling_percent,
        latency_quantile,
        latency_ratio,
        latency_slack_micros: latency_slack.as_millis().unsigned_abs() * 1000,
        age_max_ms: AGE_MAX_MS,
    }
}
