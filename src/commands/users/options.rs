//! The options of the commands about conflicts.

use clap::Args;
use weapp_login::identity::UserId;

use crate::commands::sessions::parse_user_id;

#[derive(Args)]
pub(crate) struct Conflicts {
    /// Only conflicts without a decision.
    #[arg(long)]
    pub(super) open: bool,
    /// Only conflicts of this user.
    #[arg(long, value_name = "ID", value_parser = parse_user_id)]
    pub(super) user: Option<UserId>,
    /// Maximum number of conflicts.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    pub(super) limit: usize,
    /// Prints one JSON object per line.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
pub(crate) struct Pair {
    /// User id of the first user, as printed by `users conflicts`.
    #[arg(value_name = "KEPT", value_parser = parse_user_id)]
    pub(super) kept: UserId,
    /// User id of the second user.
    #[arg(value_name = "OTHER", value_parser = parse_user_id)]
    pub(super) other: UserId,
}
