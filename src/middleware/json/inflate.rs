//! Inflates a body, up to a limit: a bomb costs no more memory than an honest body.
//!
//! Knows gzip, deflate and Brotli. Never knows what the bytes mean.

use std::io::{self, Read};

use brotli_decompressor::{BrotliDecoderParameter, Decompressor};
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
        Coding::Brotli => unbrotli(&body, limit),
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

/// As in node: what follows the stream is ignored. The decoder's window grows with what comes out, so the limit bounds it.
fn unbrotli(body: &[u8], limit: usize) -> Result<Vec<u8>, Refusal> {
    let mut stream = Decompressor::new(body, STEP_BYTES);
    stream.set_parameter(BrotliDecoderParameter::BROTLI_DECODER_PARAM_LARGE_WINDOW, 0);
    let mut inflated = Vec::new();
    let room = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    stream
        .take(room)
        .read_to_end(&mut inflated)
        .map_err(Refusal::malformed)?;
    if inflated.len() > limit {
        Err(ErrorCode::BodyTooLarge.into())
    } else {
        Ok(inflated)
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

    /// Made by node 20's zlib, in hexadecimal: there is no encoder here.
    fn brotli(hexadecimal: &str) -> Vec<u8> {
        let digit = |byte: u8| u8::try_from(char::from(byte).to_digit(16).unwrap()).unwrap();
        let pairs = hexadecimal.as_bytes().chunks(2);
        pairs
            .map(|pair| digit(pair[0]) * 16 + digit(pair[1]))
            .collect()
    }

    #[test]
    fn brotli_is_read_within_the_limit() {
        let code = brotli("8b04807b22636f6465223a317d03");
        assert_eq!(
            inflate(code.clone(), Coding::Brotli, 10).unwrap(),
            b"{\"code\":1}"
        );
        check(&brotli("3b"), Coding::Brotli, Ok(0));
        check(
            &brotli("5b9f86815f02241e0b04b2fc0200"),
            Coding::Brotli,
            Ok(100_000),
        );
        let over = brotli("5ba086815f02241e0b04b4fc0200");
        check(&over, Coding::Brotli, Err(ErrorCode::BodyTooLarge));
        for length in 0..code.len() {
            check(
                &code[..length],
                Coding::Brotli,
                Err(ErrorCode::MalformedBody),
            );
        }
        check(
            b"{\"code\":1}",
            Coding::Brotli,
            Err(ErrorCode::MalformedBody),
        );
    }

    #[test]
    fn a_brotli_bomb_is_refused_and_a_large_window_is_no_brotli() {
        // 64 MiB of spaces, with the largest window of the standard.
        let bomb = concat!(
            "cfffff7ff82540e2b14020f7fe9ffffffff04b00c4610180eefd",
            "3fffffffe1970088c32200ddfbfffcffffc72f0110870500baf7ff"
        );
        check(&brotli(bomb), Coding::Brotli, Err(ErrorCode::BodyTooLarge));
        let large = brotli(
            "111effffffe1970089c70201b9f7fffcffff875f02200e0b00e8defff3ffff1f7e0980382c00a07b",
        );
        check(&large, Coding::Brotli, Err(ErrorCode::MalformedBody));
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
