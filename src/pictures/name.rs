//! The name of a picture.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::identity::UserId;

/// Number of bytes of each half of a name.
const HALF: usize = 16;
/// The ending of each name. All pictures have the same format.
const ENDING: &str = ".jpg";

/// The name of a picture: a digest of the user who uploaded it, and a random part. No two uploads have the same name, so a
/// picture never changes, and no other user's upload replaces or removes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureName {
    owner: [u8; HALF],
    random: [u8; HALF],
}

impl PictureName {
    /// Generates a new name for a picture of this user.
    ///
    /// # Errors
    /// The operating system's, if it has no random numbers.
    pub fn generate(user: UserId) -> Result<Self, getrandom::Error> {
        let mut random = [0; HALF];
        getrandom::fill(&mut random)?;
        let owner = owner(user);
        Ok(Self { owner, random })
    }

    /// Parses a name: 64 hexadecimal digits in lower case and the ending. So it is never a path.
    pub fn parse(text: &str) -> Option<Self> {
        let (owner, random) = text.strip_suffix(ENDING)?.split_at_checked(2 * HALF)?;
        let mut name = Self {
            owner: [0; HALF],
            random: [0; HALF],
        };
        for (digits, half) in [(owner, &mut name.owner), (random, &mut name.random)] {
            let decoded = base16ct::lower::decode(digits, half).ok()?;
            (decoded.len() == HALF).then_some(())?;
        }
        Some(name)
    }

    /// Returns the name in the URL of a picture, if the picture is one that this user uploaded.
    pub fn of_url(url: &str, user: UserId) -> Option<Self> {
        let name = Self::parse(url.rsplit('/').next()?)?;
        (name.owner == owner(user)).then_some(name)
    }

    /// Returns the folder of all pictures of the user, and the file in it.
    pub(super) fn path(&self) -> [String; 2] {
        let file = base16ct::lower::encode_string(&self.random) + ENDING;
        [base16ct::lower::encode_string(&self.owner), file]
    }
}

/// Returns the folder of a user's pictures.
pub(super) fn folder(user: UserId) -> String {
    base16ct::lower::encode_string(&owner(user))
}

/// A digest, because a public URL must not have the user's id.
fn owner(user: UserId) -> [u8; HALF] {
    let digest = Sha256::new()
        .chain_update(b"weapp-login pictures v1")
        .chain_update(user.0)
        .finalize();
    // A digest has twice as many bytes.
    digest.first_chunk().copied().unwrap_or_default()
}

impl fmt::Display for PictureName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path().iter().try_for_each(|part| f.write_str(part))
    }
}
