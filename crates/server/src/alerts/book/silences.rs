//! What people do not want to be told of for a while.

use tidegate_domain::files::AlertKind;
use tidegate_domain::id::{Actor, CellName, CustomerName};
use tidegate_domain::time::Timestamp;

use super::grouping::customer;
use super::rows::Row;
use super::{Book, BookError, SILENCE_MOST, Situation, watcher};
use crate::alerts::alert::{Alert, Matcher, Silence, State, Subject};

impl Book {
    /// Keeps what fits from being told; alerts that are open and fit wholly fall silent, too.
    pub fn silence(
        &mut self,
        id: &str,
        (of, until): (Matcher, Timestamp),
        by: &Actor,
        reason: &str,
        situation: Situation<'_>,
        now: Timestamp,
    ) -> Result<(), BookError> {
        if until <= now || until - now > SILENCE_MOST {
            return Err(BookError::SilenceEnd);
        }
        let silence = Silence {
            of,
            by: by.clone(),
            reason: reason.to_owned(),
            from: now,
            until,
        };
        let words = format!("{} until {until}: {reason}", silence.of.in_words());
        let fits = |alert: &&Alert| {
            let lasting = |(subject, kind, _): (&Subject, AlertKind, _)| {
                let cell = alert.cells.first().filter(|_| alert.cells.len() == 1);
                silence.of.matches(subject, kind, cell, customer(subject, situation))
            };
            alert.is_open() && alert.silenced.is_none() && alert.lasting().all(lasting)
        };
        let silent: Vec<String> = self
            .alerts
            .values()
            .filter(fits)
            .map(|alert| alert.id.clone())
            .collect();
        for alert in silent {
            self.fall_silent(&alert, id);
        }
        self.silences.insert(id.to_owned(), silence);
        self.touched.insert(Row::Silence(id.to_owned()));
        self.note("alerts_silenced", id, by, &words, now);
        Ok(())
    }

    /// Ends a silence before its time.
    pub fn lift(&mut self, id: &str, by: &Actor, reason: &str, now: Timestamp) -> Result<(), BookError> {
        if !self.silences.contains_key(id) {
            return Err(BookError::NoSuchSilence { id: id.to_owned() });
        }
        self.end_silence(id, by, reason, now);
        Ok(())
    }

    pub(super) fn end_silences(&mut self, now: Timestamp) {
        let over = self.silences.iter().filter(|(_, silence)| silence.until <= now);
        let over: Vec<String> = over.map(|(id, _)| id.clone()).collect();
        for id in over {
            self.end_silence(&id, &watcher(), "its time is over", now);
        }
    }

    /// The silence that an alarm falls under.
    pub(super) fn silence_of(
        &self,
        subject: &Subject,
        kind: AlertKind,
        cell: Option<&CellName>,
        customer: Option<&CustomerName>,
        now: Timestamp,
    ) -> Option<String> {
        let mut silences = self.silences.iter();
        let found =
            silences.find(|(_, silence)| silence.is_on(now) && silence.of.matches(subject, kind, cell, customer));
        found.map(|(id, _)| id.clone())
    }

    fn fall_silent(&mut self, alert: &str, silence: &str) {
        let on_their_way = self.letters.iter().filter(|(_, letter)| letter.alert == alert);
        let on_their_way: Vec<String> = on_their_way.map(|(key, _)| key.clone()).collect();
        for key in on_their_way {
            self.letters.remove(&key);
            self.touched.insert(Row::Letter(key));
        }
        if let Some(alert) = self.alerts.get_mut(alert) {
            alert.silenced = Some(silence.to_owned());
            self.touched.insert(Row::Alert(alert.id.clone()));
        }
    }

    /// Whoever was not told of what still lasts is told now.
    fn end_silence(&mut self, id: &str, by: &Actor, reason: &str, now: Timestamp) {
        self.silences.remove(id);
        self.touched.insert(Row::Silence(id.to_owned()));
        self.note("alerts_silence_ended", id, by, reason, now);
        let silenced = self
            .alerts
            .values()
            .filter(|alert| alert.silenced.as_deref() == Some(id));
        let silenced: Vec<String> = silenced.map(|alert| alert.id.clone()).collect();
        for id in silenced {
            let Some(alert) = self.alerts.get_mut(&id) else {
                continue;
            };
            alert.silenced = None;
            self.touched.insert(Row::Alert(id.clone()));
            let waits = match alert.state {
                State::Raised | State::Escalated => alert.told.is_empty(),
                State::Acknowledged | State::Resolved => false,
            };
            if waits {
                alert.raised = now;
                self.tell_raised(&id, now);
            }
        }
    }
}
