//! Tokens: facts that name a principal. The secret itself is shown once and kept as its SHA-256 alone: it has 256 random
//! bits, so nothing slower is needed.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tidegate_domain::id::{Actor, ServiceName};
use tidegate_domain::time::{Duration, Timestamp};
use tidegate_store::{Fact, FactChange, JournalEntry, Record, Store, StoreError};

use super::{Principal, Role, Scope};
use crate::secret::Secret;

const KIND: &str = "token";

/// A fact of its own, so that a use never races with the token's removal.
const USED_KIND: &str = "token-used";

/// Uses within this time of the last one noted are not noted again.
const USED_EVERY: Duration = Duration::from_secs(60);

/// No token lasts longer.
pub const LIFE_MAX: Duration = Duration::from_hours(366 * 24);

/// In front of every token, so that scanners for secrets find those that leaked.
const PREFIX: &str = "tg_";

/// Hexadecimal digits of a token's id, which is no secret.
const ID_DIGITS: usize = 12;

/// The longest principal name, in bytes.
const NAME_BYTES_MAX: usize = 63;

/// The principal of the token made at the first start.
const FIRST: &str = "admin";

/// A token without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// The principal.
    pub name: String,
    pub roles: BTreeSet<Role>,
    pub scope: Scope,
    pub expires: Timestamp,
    pub made: Timestamp,
    pub made_by: Actor,
    /// SHA-256 of the whole token, hexadecimal.
    hash: String,
}

/// What a token is made for.
#[derive(Debug, Clone)]
pub struct Wish {
    pub name: String,
    pub roles: BTreeSet<Role>,
    pub scope: Scope,
    pub expires: Timestamp,
}

/// A token with its secret, at the one moment it is known.
#[derive(Debug)]
pub struct Made {
    pub id: String,
    pub secret: Secret,
}

/// What the text of a token comes to.
#[derive(Debug)]
pub enum Known {
    Valid(Principal),
    Expired { id: String, at: Timestamp },
    Unknown,
}

#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("`{name}` is not a principal: write 1 to 63 letters, digits, `.`, `_`, `-`, `+` and `@`")]
    Name { name: String },
    #[error("a token needs at least one role")]
    NoRole,
    #[error("a token for cells needs at least one cell")]
    NoCell,
    #[error("`expires_ms` must lie between now and 366 days from now")]
    Expiry,
    #[error("there is no token `{id}`; `tidegate token list` shows them")]
    NoSuchToken { id: String },
    #[error("cannot draw a secret")]
    Random(#[source] io::Error),
    #[error("cannot write the token to `{path}`")]
    File {
        path: String,
        #[source]
        source: io::Error,
    },
    #[error("cannot read or write tokens")]
    Store(#[from] StoreError),
}

impl Token {
    fn read(fact: &Fact) -> Option<Self> {
        let token = serde_json::from_str(&fact.body);
        token
            .inspect_err(
                |error| tracing::error!(token = fact.key, %error, "a token cannot be understood and does not count"),
            )
            .ok()
    }

    fn principal(&self) -> Principal {
        Principal {
            actor: Actor::principal(&self.name),
            roles: self.roles.clone(),
            scope: self.scope.clone(),
        }
    }
}

impl Wish {
    fn check(&self, now: Timestamp) -> Result<(), TokenError> {
        let is_name = |b: u8| b.is_ascii_alphanumeric() || b"._-+@".contains(&b);
        if self.name.is_empty() || self.name.len() > NAME_BYTES_MAX || !self.name.bytes().all(is_name) {
            return Err(TokenError::Name {
                name: self.name.clone(),
            });
        }
        if self.roles.is_empty() {
            return Err(TokenError::NoRole);
        }
        if matches!(&self.scope, Scope::Cells(cells) if cells.is_empty()) {
            return Err(TokenError::NoCell);
        }
        if self.expires <= now || self.expires > now + LIFE_MAX {
            return Err(TokenError::Expiry);
        }
        Ok(())
    }
}

/// What `text` stands for at `now`. Its use is noted, at most once a minute.
pub async fn find(store: &Store, service: &ServiceName, text: &str, now: Timestamp) -> Result<Known, StoreError> {
    let Some(id) = text
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.split_once('_'))
        .map(|(id, _)| id)
    else {
        return Ok(Known::Unknown);
    };
    let Some(body) = store.fact(service.as_str(), KIND, id).await? else {
        return Ok(Known::Unknown);
    };
    let fact = Fact {
        kind: KIND.to_owned(),
        key: id.to_owned(),
        body,
    };
    let Some(token) = Token::read(&fact) else {
        return Ok(Known::Unknown);
    };
    let same: bool = hash(text).as_bytes().ct_eq(token.hash.as_bytes()).into();
    if !same {
        return Ok(Known::Unknown);
    }
    if token.expires <= now {
        return Ok(Known::Expired {
            id: id.to_owned(),
            at: token.expires,
        });
    }
    if let Err(error) = note_use(store, service, id, now).await {
        // A full disk must not keep anybody from rolling back.
        tracing::warn!(token = id, %error, "the use of a token could not be noted");
    }
    Ok(Known::Valid(token.principal()))
}

async fn note_use(store: &Store, service: &ServiceName, id: &str, now: Timestamp) -> Result<(), StoreError> {
    let last = store.fact(service.as_str(), USED_KIND, id).await?;
    let last = last.and_then(|text| text.parse().ok()).map(Timestamp);
    if last.is_some_and(|last| now - last < USED_EVERY) {
        return Ok(());
    }
    let fact = Fact {
        kind: USED_KIND.to_owned(),
        key: id.to_owned(),
        body: now.0.to_string(),
    };
    store.change_facts(service.as_str(), &[FactChange::Put(fact)]).await
}

/// Every token with its id and when it was used last.
pub async fn list(store: &Store, service: &ServiceName) -> Result<Vec<(String, Token, Option<Timestamp>)>, StoreError> {
    let used = store.facts(service.as_str(), USED_KIND).await?;
    let used_at = |id: &str| {
        let fact = used.iter().find(|fact| fact.key == id)?;
        fact.body.parse().ok().map(Timestamp)
    };
    let facts = store.facts(service.as_str(), KIND).await?;
    let tokens = facts
        .iter()
        .filter_map(|fact| Some((fact.key.clone(), Token::read(fact)?, used_at(&fact.key))));
    Ok(tokens.collect())
}

/// Makes a token and writes down who did.
pub async fn make(
    store: &Store,
    service: &ServiceName,
    wish: &Wish,
    by: &Actor,
    reason: &str,
    now: Timestamp,
) -> Result<Made, TokenError> {
    wish.check(now)?;
    let made = draw()?;
    put(store, service, wish, &made, by, reason, now).await?;
    Ok(made)
}

/// Withdraws a token; it does not count from here on.
pub async fn remove(
    store: &Store,
    service: &ServiceName,
    id: &str,
    by: &Actor,
    reason: &str,
    now: Timestamp,
) -> Result<(), TokenError> {
    let no_such = || TokenError::NoSuchToken { id: id.to_owned() };
    let body = store.fact(service.as_str(), KIND, id).await?.ok_or_else(no_such)?;
    let name = serde_json::from_str::<Token>(&body).map_or_else(|_| "-".to_owned(), |token| token.name);
    let delete = |kind: &str| FactChange::Delete {
        kind: kind.to_owned(),
        key: id.to_owned(),
    };
    let record = Record {
        service: service.to_string(),
        facts: vec![delete(KIND), delete(USED_KIND)],
        journal: vec![row(
            "token_removed",
            id,
            &serde_json::json!({ "token": id, "name": name }),
            by,
            reason,
            now,
        )],
        ..Record::default()
    };
    store.record(&record).await?;
    Ok(())
}

/// Sees that somebody can administer: where no admin token is in force, one is made and written to `file`, which only its
/// owner can read. Returns whether it was.
pub async fn first(store: &Store, service: &ServiceName, file: &Path, now: Timestamp) -> Result<bool, TokenError> {
    let is_admin =
        |token: &Token| token.roles.contains(&Role::Admin) && token.scope == Scope::Service && token.expires > now;
    if list(store, service).await?.iter().any(|(_, token, _)| is_admin(token)) {
        return Ok(false);
    }
    make_first(store, service, file, "no admin token was in force", now).await?;
    Ok(true)
}

/// The same for a state that was restored, where the file of the first token is gone, or holds one that the backup does not
/// know: nobody there could administer although a token is in force.
pub async fn after_restore(
    store: &Store,
    service: &ServiceName,
    file: &Path,
    now: Timestamp,
) -> Result<bool, TokenError> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    if let Known::Valid(_) = find(store, service, text.trim(), now).await? {
        return Ok(false);
    }
    make_first(
        store,
        service,
        file,
        "the first token is not known to the restored state",
        now,
    )
    .await?;
    Ok(true)
}

async fn make_first(
    store: &Store,
    service: &ServiceName,
    file: &Path,
    reason: &str,
    now: Timestamp,
) -> Result<(), TokenError> {
    let wish = Wish {
        name: FIRST.to_owned(),
        roles: BTreeSet::from([Role::Admin]),
        scope: Scope::Service,
        expires: now + LIFE_MAX,
    };
    let made = draw()?;
    // The file first: after a crash in between the token is unknown, and the next start makes another.
    made.secret.write(file).map_err(|source| TokenError::File {
        path: file.display().to_string(),
        source,
    })?;
    let by = Actor::system("server");
    put(store, service, &wish, &made, &by, reason, now).await?;
    Ok(())
}

fn draw() -> Result<Made, TokenError> {
    let random = Secret::make("").map_err(TokenError::Random)?;
    let id: String = random.reveal().chars().take(ID_DIGITS).collect();
    let secret = Secret::make(&format!("{PREFIX}{id}_")).map_err(TokenError::Random)?;
    Ok(Made { id, secret })
}

async fn put(
    store: &Store,
    service: &ServiceName,
    wish: &Wish,
    made: &Made,
    by: &Actor,
    reason: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let token = Token {
        name: wish.name.clone(),
        roles: wish.roles.clone(),
        scope: wish.scope.clone(),
        expires: wish.expires,
        made: now,
        made_by: by.clone(),
        hash: hash(made.secret.reveal()),
    };
    let fact = Fact {
        kind: KIND.to_owned(),
        key: made.id.clone(),
        body: serde_json::to_string(&token).expect("a token has text keys only"),
    };
    let told = serde_json::json!({
        "token": made.id, "name": wish.name, "roles": wish.roles, "scope": wish.scope, "expires_ms": wish.expires.0,
    });
    let record = Record {
        service: service.to_string(),
        facts: vec![FactChange::Put(fact)],
        journal: vec![row("token_made", &made.id, &told, by, reason, now)],
        ..Record::default()
    };
    store.record(&record).await?;
    Ok(())
}

fn row(kind: &str, id: &str, body: &serde_json::Value, by: &Actor, reason: &str, now: Timestamp) -> JournalEntry {
    JournalEntry {
        at_ms: now.0,
        actor: by.to_string(),
        reason: reason.to_owned(),
        kind: kind.to_owned(),
        release: None,
        subject: Some(id.to_owned()),
        about: Vec::new(),
        body: body.to_string(),
    }
}

fn hash(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
