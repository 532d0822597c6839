//! One request on an instance, from the moment it is counted in to the end of its answer.

use std::sync::Arc;

use http::StatusCode;

use super::upload::Upload;
use crate::clock;
use crate::counters::Series;
use crate::protocol::ErrorReason;
use crate::upstream::{Busy, Class, Connection, Cut, Engaged, Instance};

/// Counts a tenant's request until it is dropped.
#[derive(Debug)]
pub(crate) struct Account {
    series: Arc<Series>,
    client: u64,
    began_micros: u64,
}

/// Keeps the slot from being seen as empty and the instance as idle until it is dropped.
#[derive(Debug)]
pub(crate) struct Exchange {
    busy: Busy,
    instance: Engaged,
    connection: Connection,
    upload: Option<Upload>,
}

impl Account {
    pub(crate) fn open(series: Arc<Series>, client: u64, began_micros: u64) -> Self {
        series.begin();
        Self {
            series,
            client,
            began_micros,
        }
    }

    pub(crate) fn answered(&self, status: StatusCode) {
        self.series
            .answered(status, clock::micros().saturating_sub(self.began_micros), self.client);
    }

    pub(crate) fn failed(&self, reason: ErrorReason) {
        self.series.failed(reason, self.client);
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.series.end();
    }
}

impl Exchange {
    pub(crate) fn new(busy: Busy, instance: Arc<Instance>, connection: Connection, upload: Option<Upload>) -> Self {
        Self {
            busy,
            instance: Engaged::new(instance),
            connection,
            upload,
        }
    }

    /// From now on it is a stream, with a stream's drain deadline.
    pub(crate) fn becomes_stream(&mut self) {
        self.connection.cut().set_class(Class::Stream);
    }

    /// Ends when the drain of the slot is over.
    pub(crate) fn cut(&self) -> &Arc<Cut> {
        self.connection.cut()
    }

    pub(crate) fn connection_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Ends the attempt; the request stays counted on the slot.
    pub(crate) fn give_up(self) -> Busy {
        self.busy
    }

    /// The answer is complete: the connection may carry another request, unless it still carries this one's body.
    pub(crate) fn complete(self) {
        if self.upload.as_ref().is_none_or(Upload::is_complete) {
            self.instance.instance().checkin(self.connection);
        }
    }
}
