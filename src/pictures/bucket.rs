//! The client of an S3-compatible bucket.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::client::{HttpClient, HttpConnector};
use object_store::{ClientOptions, ObjectStore, RetryConfig};

use crate::platforms;
use crate::settings;

/// Maximum time to connect. Our choice.
const CONNECT: Duration = Duration::from_secs(2);
/// Number of retries after an error of the bucket, within the time limit of the operation. Our choice.
const RETRIES: usize = 2;

/// Builds the client. It does not connect yet.
pub(super) fn connect(
    settings: &settings::Avatar,
    bucket: &str,
) -> Result<Arc<dyn ObjectStore>, Box<dyn std::error::Error + Send + Sync>> {
    let endpoint = &settings.s3_endpoint;
    let is_tls = endpoint.starts_with("https://");
    let http = platforms::plain_client(is_tls, CONNECT)?;
    let endpoint = match endpoint.split_once("://") {
        Some((scheme, host)) if !settings.s3_path_style => format!("{scheme}://{bucket}.{host}"),
        _ => endpoint.clone(),
    };
    let retry = RetryConfig {
        max_retries: RETRIES,
        ..RetryConfig::default()
    };
    let store = AmazonS3Builder::new()
        .with_http_connector(Connector(http))
        .with_bucket_name(bucket)
        .with_endpoint(endpoint)
        .with_virtual_hosted_style_request(!settings.s3_path_style)
        .with_allow_http(!is_tls)
        .with_region(&settings.s3_region)
        .with_access_key_id(&settings.s3_access_key_id)
        .with_secret_access_key(settings.s3_secret_access_key.expose())
        // Not all buckets can delete several objects with one request.
        .with_disable_bulk_delete(true)
        .with_retry(retry)
        .build()?;
    Ok(Arc::new(store))
}

/// Passes on our HTTP client, which has its TLS with ring and the system's root certificates.
#[derive(Debug)]
struct Connector(reqwest::Client);

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.0.clone()))
    }
}
