//! Inflates a body, up to a limit: a bomb costs no more memory than an honest body.
//!
//! Knows gzip and deflate. Never knows what the bytes mean.

use std::io::{self, Read};

use flate2::bufread::GzDecoder;
use flate2::{Decompress, FlushDecompress, Status};

use crate::error::ErrorCode;
use crate::middleware::json::declared::Coding;
use crate::middleware::json::reading::Refusal;

/// Undoes the coding.
///
/// # Errors
/// [`ErrorCode::BodyTooLarge`] if more than `limit` bytes come out;
/// [`ErrorCode::MalformedBody`] if the stream is damaged, cut, or has a wrong checksum.
pub(super) fn inflate(body: Vec<u8>, coding: Coding, limit: usize) -> Result<Vec<u8>, Refusal> {
    match coding {
        Coding::Identity => Ok(body),
        Coding::Gzip => gunzip(&body, limit),
        Coding::Deflate => unwrap_zlib(&body, limit),
    }
}

/// As in node: members are joined, and what follows a member is padding if it starts with zero.
fn gunzip(mut rest: &[u8], limit: usize) -> Result<Vec<u8>, Refusal> {
    let mut inflated = Vec::new();
    loop {
        let mut member = GzDecoder::new(rest);
        let room = limit.saturating_sub(inflated.len()).saturating_add(1);
        let room = u64::try_from(room).unwrap_or(u64::MAX);
        member
            .by_ref()
            .take(room)
            .read_to_end(&mut inflated)
            .map_err(Refusal::malformed)?;
        if inflated.len() > limit {
            return Err(ErrorCode::BodyTooLarge.into());
        }
        rest = member.into_inner();
        if matches!(rest.first(), None | Some(0)) {
            return Ok(inflated);
        }
    }
}

/// As in node: the zlib wrapper is required, and what follows the stream is ignored.
fn unwrap_zlib(body: &[u8], limit: usize) -> Result<Vec<u8>, Refusal> {
    let mut stream = Decompress::new(true);
    let mut inflated = Vec::new();
    loop {
        let before = (stream.total_in(), stream.total_out());
        let read = usize::try_from(stream.total_in()).unwrap_or(usize::MAX);
        let rest = body.get(read..).unwrap_or_default();
        inflated.reserve(STEP_BYTES);
        let status = stream
            .decompress_vec(rest, &mut inflated, FlushDecompress::None)
            .map_err(|error| Refusal::malformed(error.into()))?;
        if inflated.len() > limit {
            return Err(ErrorCode::BodyTooLarge.into());
        }
        if status == Status::StreamEnd {
            return Ok(inflated);
        }
        // There is always room to write to, so no progress means that the stream was cut.
        if before == (stream.total_in(), stream.total_out()) {
            return Err(Refusal::malformed(io::ErrorKind::UnexpectedEof.into()));
        }
    }
}

/// By how much the room for inflated bytes grows at a time.
const STEP_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[track_caller]
    fn check(body: &[u8], coding: Coding, expected: Result<usize, ErrorCode>) {
        let inflated = inflate(body.to_vec(), coding, 100_000);
        let result = inflated
            .map(|bytes| bytes.len())
            .map_err(|refusal| refusal.code);
        assert_eq!(result, expected);
    }

    #[test]
    fn the_limit_is_inclusive() {
        for coding in [Coding::Gzip, Coding::Deflate] {
            let pack = if coding == Coding::Gzip { gzip } else { zlib };
            check(&pack(&vec![b' '; 100_000]), coding, Ok(100_000));
            for over in [100_001, 30_000_000] {
                check(
                    &pack(&vec![b' '; over]),
                    coding,
                    Err(ErrorCode::BodyTooLarge),
                );
            }
            check(&pack(b""), coding, Ok(0));
        }
    }

    #[test]
    fn every_cut_and_every_wrong_checksum_is_refused() {
        for (packed, coding) in [
            (gzip(b"{\"code\":1}"), Coding::Gzip),
            (zlib(b"{\"code\":1}"), Coding::Deflate),
        ] {
            for length in 0..packed.len() {
                check(&packed[..length], coding, Err(ErrorCode::MalformedBody));
            }
            let mut damaged = packed.clone();
            *damaged.last_mut().unwrap() ^= 1;
            check(&damaged, coding, Err(ErrorCode::MalformedBody));
        }
    }

    #[test]
    fn members_are_joined_and_padding_is_ignored() {
        let mut body = gzip(b"{}");
        body.extend(gzip(b"  "));
        check(&body, Coding::Gzip, Ok(4));
        body.extend([0, 0, 7]);
        check(&body, Coding::Gzip, Ok(4));
        let mut garbage = gzip(b"{}");
        garbage.extend(b"GARBAGE");
        check(&garbage, Coding::Gzip, Err(ErrorCode::MalformedBody));
    }
}
