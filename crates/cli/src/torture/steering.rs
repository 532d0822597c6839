//! The conductor's handle on the publisher: gives orders, waits until the gateways have confirmed, kills it and starts it again.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tidegate_gateway::table::Table;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin};
use tokio::sync::watch;

use super::TortureError;
use super::order::{Edit, Order, Status};
use super::process::{Processes, lines, spawn, within};
use super::publisher::Written;

const WHO: &str = "the publisher";
const CONFIRM_LIMIT: Duration = Duration::from_secs(15);

#[derive(Debug)]
pub struct Steering {
    processes: Processes,
    ledger: PathBuf,
    address: SocketAddr,
    running: Running,
    number: u64,
}

#[derive(Debug)]
struct Running {
    child: Child,
    orders: ChildStdin,
    status: watch::Receiver<Status>,
}

/// A table that every gateway has confirmed. Instants are microseconds of the monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct Confirmation {
    pub generation: u64,
    pub published_micros: u64,
    pub confirmed_micros: u64,
    pub persist_micros: u64,
}

impl Steering {
    pub async fn start(processes: &Processes, table: Table, address: SocketAddr) -> Result<Self, TortureError> {
        let ledger = processes.folder().join("publisher.json");
        let written = Written {
            number: 0,
            table,
            gateways: std::collections::BTreeSet::new(),
        };
        written.write(&ledger)?;
        let running = Running::start(processes, &ledger, address).await?;
        Ok(Self {
            processes: processes.clone(),
            ledger,
            address,
            running,
            number: 0,
        })
    }

    /// Publishes a change and waits until every gateway has confirmed it.
    pub async fn publish(&mut self, edit: Edit) -> Result<Confirmation, TortureError> {
        let order = self.next(edit);
        self.running.give(&order).await?;
        self.confirmed().await
    }

    /// The same, while the publisher is killed that long after it got the order, and started again.
    pub async fn publish_through_kill(&mut self, edit: Edit, after: Duration) -> Result<Confirmation, TortureError> {
        let order = self.next(edit);
        self.running.give(&order).await?;
        tokio::time::sleep(after).await;
        let killed = self.running.child.kill().await;
        killed.map_err(TortureError::io("cannot kill the publisher"))?;
        self.running = Running::start(&self.processes, &self.ledger, self.address).await?;
        if self.running.status.borrow().number < self.number {
            self.running.give(&order).await?;
        }
        self.confirmed().await
    }

    /// Tells that a gateway process has ended.
    pub async fn ended(&mut self, pid: u32) -> Result<(), TortureError> {
        self.running.give(&Order::Ended { pid }).await
    }

    pub fn status(&self) -> Status {
        self.running.status.borrow().clone()
    }

    fn next(&mut self, edit: Edit) -> Order {
        self.number += 1;
        Order::Publish {
            number: self.number,
            edit,
        }
    }

    /// Waits for the gateways to confirm what was ordered last.
    pub async fn confirmed(&mut self) -> Result<Confirmation, TortureError> {
        let number = self.number;
        let is_settled = |status: &Status| {
            let is_confirmed = status.number >= number && status.confirmed >= status.generation;
            is_confirmed || status.refused.is_some()
        };
        let status = self.running.status.wait_for(is_settled);
        let status = within(CONFIRM_LIMIT, "the confirmation of a table", status).await?;
        let status = status.map_err(|_| TortureError::Ended { who: WHO })?.clone();
        if let Some(reason) = status.refused {
            return Err(TortureError::Refused { reason });
        }
        Ok(Confirmation {
            generation: status.generation,
            published_micros: status.published_micros,
            confirmed_micros: status.confirmed_micros,
            persist_micros: status.persist_micros,
        })
    }
}

impl Running {
    async fn start(processes: &Processes, ledger: &PathBuf, address: SocketAddr) -> Result<Self, TortureError> {
        let mut command = processes.command("publisher")?;
        command.args(["torture", "publisher", "--ledger"]).arg(ledger);
        command.args(["--listen", &address.to_string()]);
        let mut child = spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()))?;
        let orders = child.stdin.take().expect("its stdin was asked for as a pipe");
        let (told, mut status) = watch::channel(Status::default());
        let mut lines = lines(&mut child);
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                // A line that the kill cut short is the last one.
                let Ok(status) = serde_json::from_str(&line) else {
                    return;
                };
                told.send_replace(status);
            }
        });
        let listening = status.wait_for(|status| status.listening.is_some());
        let listening = within(CONFIRM_LIMIT, "the start of the publisher", listening).await?;
        listening.map_err(|_| TortureError::Ended { who: WHO })?;
        Ok(Self { child, orders, status })
    }

    async fn give(&mut self, order: &Order) -> Result<(), TortureError> {
        let mut line = serde_json::to_vec(order).map_err(TortureError::said("the conductor"))?;
        line.push(b'\n');
        let given = self.orders.write_all(&line).await;
        given.map_err(TortureError::io("cannot give the publisher an order"))
    }
}
