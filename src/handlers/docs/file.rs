//! A file that lies compressed in memory, and the reply that gives it.
//!
//! Knows content codings and what a browser may keep. Never knows what the file is for.

use std::io::{self, Read as _, Write as _};

use actix_web::http::header::{
    AcceptEncoding, CACHE_CONTROL, CONTENT_ENCODING, ETAG, Encoding, EntityTag, Header as _,
    IfNoneMatch, VARY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

use crate::error::{ApiError, ErrorCode};

/// How long a browser may keep a file without asking.
#[derive(Debug, Clone, Copy)]
pub(super) enum Freshness {
    /// Not at all; it asks whether the file is still the same.
    AskEachTime,
    /// A year: the address changes with the file.
    ForEver,
}

/// A file.
#[derive(Debug)]
pub(super) struct File {
    content_type: &'static str,
    gzipped: Bytes,
    digest: String,
}

impl File {
    /// Takes a file that is compressed already.
    pub(super) fn gzipped(content_type: &'static str, bytes: &'static [u8]) -> Self {
        Self::new(content_type, Bytes::from_static(bytes))
    }

    /// Takes a text and compresses it.
    pub(super) fn of(content_type: &'static str, text: &str) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        // Writing into memory does not fail.
        let written = encoder.write_all(text.as_bytes());
        let gzipped = written.and_then(|()| encoder.finish()).unwrap_or_default();
        Self::new(content_type, gzipped.into())
    }

    fn new(content_type: &'static str, gzipped: Bytes) -> Self {
        let digest = Sha256::digest(&gzipped);
        let digest = digest.iter().take(8).map(|byte| format!("{byte:02x}"));
        Self {
            content_type,
            digest: digest.collect(),
            gzipped,
        }
    }

    /// What tells this file from its other versions.
    pub(super) fn digest(&self) -> &str {
        &self.digest
    }

    /// The reply to a request for the file: compressed if the client takes that, and 304 if it has the file already.
    ///
    /// # Errors
    /// `internal` if the file is no gzip.
    pub(super) fn reply(
        &self,
        request: &HttpRequest,
        freshness: Freshness,
    ) -> Result<HttpResponse, ApiError> {
        let compressed = takes_gzip(request);
        let coding = if compressed { "gzip" } else { "identity" };
        let tag = EntityTag::new_strong(format!("{}-{coding}", self.digest));
        let unchanged = has_already(request, &tag);
        let mut reply = if unchanged {
            HttpResponse::NotModified()
        } else {
            HttpResponse::Ok()
        };
        reply
            .insert_header((ETAG, tag.to_string()))
            .insert_header((VARY, "accept-encoding"))
            .insert_header((CACHE_CONTROL, cache_control(freshness)))
            .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"));
        if unchanged {
            return Ok(reply.finish());
        }
        reply.content_type(self.content_type);
        if compressed {
            reply.insert_header((CONTENT_ENCODING, coding));
            return Ok(reply.body(self.gzipped.clone()));
        }
        let bytes = self.inflated();
        let bytes = bytes.map_err(|error| ApiError::from(ErrorCode::Internal).because(error))?;
        Ok(reply.body(bytes))
    }

    fn inflated(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        GzDecoder::new(self.gzipped.as_ref()).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// A client that says nothing of codings gets none.
fn takes_gzip(request: &HttpRequest) -> bool {
    let offered = [Encoding::identity(), Encoding::gzip()];
    AcceptEncoding::parse(request)
        .is_ok_and(|accepted| accepted.negotiate(offered.iter()) == Some(Encoding::gzip()))
}

fn has_already(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(tag)),
        Err(_) => false,
    }
}

fn cache_control(freshness: Freshness) -> &'static str {
    match freshness {
        Freshness::AskEachTime => "no-cache",
        Freshness::ForEver => "public, max-age=31536000, immutable",
    }
}
