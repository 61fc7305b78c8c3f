//! Copies all rows of one database to another one, of any backend.
//!
//! The rows of a table are copied in the order of their keys, a batch in each transaction. What an interrupted copy leaves is
//! therefore a beginning of each table, and the next run goes on after it.

pub(super) mod rows;
#[cfg(test)]
pub(super) mod tests;

use futures_util::future::try_join;

use crate::store::interface::{Error, OpenError};

use rows::{BATCH, CONTENTS, Rows, Summary, Table, Tables, Value, size};

/// Progress of a copy.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// The rows that are copied, such as `users`.
    pub contents: &'static str,
    /// Number of rows that the copy has.
    pub done: u64,
    /// Number of rows of the table.
    pub total: u64,
}

/// The rows of one table of a complete copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// The kind of rows, such as `users`.
    pub contents: &'static str,
    /// Their number, including those of an earlier run.
    pub rows: u64,
}

/// The reason why there is no complete copy.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// One of the databases cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Both URLs are the same.
    #[error("`{0}` cannot be copied to itself\n  hint: name another database with --to")]
    Same(String),
    /// The target has rows that are not a beginning of the copy.
    #[error(
        "`{to}` has {contents} that `{from}` does not have, and was left unchanged\n  \
         hint: copy to an empty database. If an earlier copy was interrupted and a server has used one of the two since then, \
         empty `{to}` and copy again"
    )]
    OtherRows {
        /// URL of the database that is copied.
        from: String,
        /// URL of the copy.
        to: String,
        /// The kind of rows.
        contents: &'static str,
    },
    /// The databases differ after the copy.
    #[error(
        "the copy is not complete: `{from}` has {expected} {contents}, `{to}` has {found}, and their contents differ, because \
         one of the two was changed in the meantime\n  \
         hint: stop the servers that use them, empty `{to}` and copy again"
    )]
    Changed {
        /// URL of the database that is copied.
        from: String,
        /// URL of the copy.
        to: String,
        /// The kind of rows.
        contents: &'static str,
        /// Number of rows that should have been copied.
        expected: u64,
        /// Number of rows of the copy.
        found: u64,
    },
    /// A statement failed. The rows that were copied stay, and the next run goes on after them.
    #[error("the copy was interrupted, and continues if it is started again")]
    Failed(#[from] Error),
}

/// Copies the rows of a database to another one, each with its URL. See [`copy`](crate::store::copy()).
pub(super) async fn copy(
    (from, source): (&str, Box<dyn Rows>),
    (to, target): (&str, Box<dyn Rows>),
    on_progress: &mut dyn FnMut(Progress),
) -> Result<[Copied; CONTENTS.len()], CopyError> {
    let copy = Copy {
        source,
        target,
        from,
        to,
    };
    let mut positions = Vec::new();
    for step in copy.steps() {
        positions.push(copy.position(&step).await?);
    }
    for (step, position) in copy.steps().zip(positions) {
        copy.continue_after(&step, position, on_progress).await?;
    }
    let mut copied = CONTENTS.map(|contents| Copied { contents, rows: 0 });
    for (step, copied) in copy.steps().zip(&mut copied) {
        copied.rows = copy.verify(&step).await?;
    }
    Ok(copied)
}

struct Copy<'a> {
    source: Box<dyn Rows>,
    target: Box<dyn Rows>,
    from: &'a str,
    to: &'a str,
}

/// A table of each database with the same contents.
struct Step {
    contents: &'static str,
    source: &'static Table,
    target: &'static Table,
}

/// The end of what an earlier run has copied.
struct Position {
    /// Empty if there are no rows.
    key: Vec<Value>,
    rows: u64,
}

impl Copy<'_> {
    fn steps(&self) -> impl Iterator<Item = Step> + use<> {
        let (sources, targets): (&'static Tables, &'static Tables) =
            (self.source.tables(), self.target.tables());
        let tables = sources.iter().zip(targets);
        CONTENTS
            .iter()
            .zip(tables)
            .map(|(contents, (source, target))| Step {
                contents,
                source,
                target,
            })
    }

    /// Returns the end of the target's rows, which must be the first ones of the source.
    async fn position(&self, step: &Step) -> Result<Position, CopyError> {
        let mut position = Position {
            key: Vec::new(),
            rows: 0,
        };
        loop {
            let (expected, found) = try_join(
                self.source.read(step.source, &position.key),
                self.target.read(step.target, &position.key),
            )
            .await?;
            if !expected.starts_with(&found) {
                return Err(CopyError::OtherRows {
                    from: self.from.to_owned(),
                    to: self.to.to_owned(),
                    contents: step.contents,
                });
            }
            position.rows += size(&found);
            if !found.is_empty() {
                position.key = step.target.last_key(&found);
            }
            if found.len() < BATCH {
                return Ok(position);
            }
        }
    }

    async fn continue_after(
        &self,
        step: &Step,
        mut position: Position,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<(), Error> {
        let total = self.source.count(step.source).await?;
        loop {
            on_progress(Progress {
                contents: step.contents,
                done: position.rows,
                total,
            });
            let rows = self.source.read(step.source, &position.key).await?;
            if rows.is_empty() {
                return Ok(());
            }
            self.target.insert(step.target, &rows).await?;
            position.rows += size(&rows);
            position.key = step.source.last_key(&rows);
        }
    }

    /// Reads both tables again. Returns the number of rows.
    async fn verify(&self, step: &Step) -> Result<u64, CopyError> {
        let (expected, found) = try_join(
            Summary::of(&*self.source, step.source),
            Summary::of(&*self.target, step.target),
        )
        .await?;
        if expected != found {
            return Err(CopyError::Changed {
                from: self.from.to_owned(),
                to: self.to.to_owned(),
                contents: step.contents,
                expected: expected.rows,
                found: found.rows,
            });
        }
        Ok(found.rows)
    }
}
