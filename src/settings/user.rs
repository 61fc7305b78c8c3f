//! The settings of what is kept with users. Each field declares one key, as in `data`.

use serde::Deserialize;

use crate::identity::{BucketSecret, DataKey};
use crate::settings::rules;

/// Maximum size of an uploaded file that the settings accept, in bytes. Our choice.
const MAX_UPLOAD: i64 = 16 * 1024 * 1024;

/// Personal data that is kept with users.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// If `true`, the phone number of each successful exchange is kept with its user.
    pub keep_phone_number: bool,
    /// Keys that encrypt kept phone numbers and compute the digests of phone numbers and unionids. The first one encrypts.
    #[serde(deserialize_with = "rules::data_keys")]
    pub data_keys: Vec<DataKey>,
}

/// Uploaded avatars.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Avatar {
    /// A folder, or `s3://` with a bucket and a prefix. Empty means that uploads are off. See [`Avatar::kept_in`].
    #[serde(deserialize_with = "rules::avatar_store")]
    pub store: String,
    /// URL below which clients find the pictures. Empty means that of the upload.
    #[serde(deserialize_with = "rules::public_url")]
    pub public_url: String,
    /// Maximum size of an uploaded file in bytes.
    #[serde(deserialize_with = "rules::within::<1, MAX_UPLOAD, _, _>")]
    pub max_bytes: usize,
    /// URL of the bucket's service.
    #[serde(deserialize_with = "rules::public_url")]
    pub s3_endpoint: String,
    /// Region of the bucket.
    pub s3_region: String,
    /// If `true`, the bucket is part of the path and not of the host name.
    pub s3_path_style: bool,
    /// Id of the access key.
    pub s3_access_key_id: String,
    /// Secret of the access key.
    #[serde(deserialize_with = "rules::bucket_secret")]
    pub s3_secret_access_key: BucketSecret,
}
