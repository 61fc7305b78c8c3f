//! The phases of a connection, and its decisions about its stream.

use crate::connections::Cutoff;

/// Permission to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permission {
    /// At most this number of bytes, which is not 0.
    Read(usize),
    /// Not until the reply ends or the client reads. `Connection::pause` must be called.
    Wait,
    /// Not until other requests need less memory.
    WaitForMemory,
    /// Not before the parser has seen what was read.
    Parse,
    /// The head is too large.
    TooLarge,
}

/// The action of a deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expiry {
    /// Nothing has expired; the next deadline is later.
    None,
    /// The connection was idle.
    Idle,
    /// The client was too slow. `true` if it has sent a part of a head.
    TooSlow(Cutoff, bool),
}

/// The rest of a body when the reply is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnreadBody {
    /// The body is complete, or there was none.
    None,
    /// It may be complete. Otherwise actix closes the connection.
    OfKnownLength,
    /// actix reads it to its end.
    Chunked,
}

/// Phase of a connection: the next thing that it waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// A head, of which bytes may have arrived.
    Head,
    /// The first byte of the next head.
    Idle,
    /// The rest of a body.
    Body,
    /// The reply. No deadline: the handler has its own.
    Reply,
    /// The rest of a body after its reply, or the end of the connection.
    Linger,
}
