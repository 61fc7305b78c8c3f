//! Decompresses a body, up to a limit: a decompression bomb takes no more memory than an ordinary body.

use std::io::{self, Read};

use actix_web::web::Bytes;
use brotli_decompressor::{BrotliDecoderParameter, Decompressor};
use flate2::bufread::GzDecoder;
use flate2::{Decompress, FlushDecompress, Status};

use crate::error::BodyError;

/// The `Content-Encoding` of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContentEncoding {
    Identity,
    Gzip,
    Deflate,
    Brotli,
}

impl ContentEncoding {
    /// Returns the encoding of this name, which is case-insensitive; identity for an empty one.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Some(Self::Identity),
            "gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            "br" => Some(Self::Brotli),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
        }
    }

    /// Returns the maximum number of bytes on the wire for a body of at most `limit` bytes. Data that does not compress grows
    /// a little. Express has no such limit: it counts decompressed bytes only.
    pub(crate) fn wire_limit(self, limit: usize) -> usize {
        match self {
            Self::Identity => limit,
            Self::Gzip | Self::Deflate | Self::Brotli => {
                limit.saturating_add(limit / 64).saturating_add(1024)
            }
        }
    }
}

/// Amount by which the buffer for decompressed bytes grows at a time.
const STEP_BYTES: usize = 16 * 1024;

/// Decompresses a body.
///
/// # Errors
/// [`BodyError::TooLarge`] if the result is larger than `limit` bytes; [`BodyError::Decompression`] if the stream is damaged
/// or cut off, or its checksum is wrong.
pub(crate) fn inflate(
    body: Bytes,
    encoding: ContentEncoding,
    limit: usize,
) -> Result<Bytes, BodyError> {
    let inflated = match encoding {
        ContentEncoding::Identity => return Ok(body),
        ContentEncoding::Gzip => gunzip(&body, limit),
        ContentEncoding::Deflate => inflate_zlib(&body, limit),
        ContentEncoding::Brotli => inflate_brotli(&body, limit),
    };
    inflated.map(Bytes::from)
}

/// As in Node: several gzip streams in a row are joined, and data after a stream is ignored if it starts with a zero byte.
fn gunzip(mut rest: &[u8], limit: usize) -> Result<Vec<u8>, BodyError> {
    let mut inflated = Vec::new();
    loop {
        let mut stream = GzDecoder::new(rest);
        let max_bytes = limit.saturating_sub(inflated.len()).saturating_add(1);
        let max_bytes = u64::try_from(max_bytes).unwrap_or(u64::MAX);
        stream
            .by_ref()
            .take(max_bytes)
            .read_to_end(&mut inflated)
            .map_err(BodyError::Decompression)?;
        if inflated.len() > limit {
            return Err(BodyError::TooLarge);
        }
        rest = stream.into_inner();
        if matches!(rest.first(), None | Some(0)) {
            return Ok(inflated);
        }
    }
}

/// As in Node: the zlib header is required, and data after the stream is ignored.
fn inflate_zlib(body: &[u8], limit: usize) -> Result<Vec<u8>, BodyError> {
    let mut stream = Decompress::new(true);
    let mut inflated = Vec::new();
    loop {
        let before = (stream.total_in(), stream.total_out());
        let read = usize::try_from(stream.total_in()).unwrap_or(usize::MAX);
        let rest = body.get(read..).unwrap_or_default();
        inflated.reserve(STEP_BYTES);
        let status = stream
            .decompress_vec(rest, &mut inflated, FlushDecompress::None)
            .map_err(|error| BodyError::Decompression(error.into()))?;
        if inflated.len() > limit {
            return Err(BodyError::TooLarge);
        }
        if status == Status::StreamEnd {
            return Ok(inflated);
        }
        // There is always room for output, so no progress means that the stream is cut off.
        if before == (stream.total_in(), stream.total_out()) {
            return Err(BodyError::Decompression(
                io::ErrorKind::UnexpectedEof.into(),
            ));
        }
    }
}

/// As in Node: data after the stream is ignored. The decoder's window grows with its output, so the limit bounds it.
fn inflate_brotli(body: &[u8], limit: usize) -> Result<Vec<u8>, BodyError> {
    let mut stream = Decompressor::new(body, STEP_BYTES);
    stream.set_parameter(BrotliDecoderParameter::BROTLI_DECODER_PARAM_LARGE_WINDOW, 0);
    let mut inflated = Vec::new();
    let max_bytes = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    stream
        .take(max_bytes)
        .read_to_end(&mut inflated)
        .map_err(BodyError::Decompression)?;
    if inflated.len() > limit {
        Err(BodyError::TooLarge)
    } else {
        Ok(inflated)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};

    use super::*;

    const TOO_LARGE: &str = "request entity too large";
    const DAMAGED: &str = "the body could not be decompressed";

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
    fn check(body: &[u8], encoding: ContentEncoding, expected: Result<usize, &str>) {
        let inflated = inflate(Bytes::copy_from_slice(body), encoding, 100_000);
        let length = inflated.map(|bytes| bytes.len());
        assert_eq!(
            length.map_err(|error| error.to_string()),
            expected.map_err(str::to_owned)
        );
    }

    #[test]
    fn the_limit_is_inclusive() {
        for encoding in [ContentEncoding::Gzip, ContentEncoding::Deflate] {
            let pack = if encoding == ContentEncoding::Gzip {
                gzip
            } else {
                zlib
            };
            check(&pack(&vec![b' '; 100_000]), encoding, Ok(100_000));
            for over in [100_001, 30_000_000] {
                check(&pack(&vec![b' '; over]), encoding, Err(TOO_LARGE));
            }
            check(&pack(b""), encoding, Ok(0));
        }
    }

    /// Decodes the hexadecimal output of Node 20's zlib: the crate has no Brotli encoder.
    fn brotli(hexadecimal: &str) -> Vec<u8> {
        let digit = |byte: u8| u8::try_from(char::from(byte).to_digit(16).unwrap()).unwrap();
        let pairs = hexadecimal.as_bytes().chunks(2);
        pairs
            .map(|pair| digit(pair[0]) * 16 + digit(pair[1]))
            .collect()
    }

    #[test]
    fn brotli_is_decompressed_within_the_limit() {
        let code = brotli("8b04807b22636f6465223a317d03");
        assert_eq!(
            inflate(code.clone().into(), ContentEncoding::Brotli, 10).unwrap(),
            b"{\"code\":1}"[..]
        );
        check(&brotli("3b"), ContentEncoding::Brotli, Ok(0));
        check(
            &brotli("5b9f86815f02241e0b04b2fc0200"),
            ContentEncoding::Brotli,
            Ok(100_000),
        );
        let over = brotli("5ba086815f02241e0b04b4fc0200");
        check(&over, ContentEncoding::Brotli, Err(TOO_LARGE));
        for length in 0..code.len() {
            check(&code[..length], ContentEncoding::Brotli, Err(DAMAGED));
        }
        check(b"{\"code\":1}", ContentEncoding::Brotli, Err(DAMAGED));
    }

    #[test]
    fn a_brotli_bomb_and_a_large_window_are_rejected() {
        // 64 MiB of spaces, with the largest window of the standard.
        let bomb = concat!(
            "cfffff7ff82540e2b14020f7fe9ffffffff04b00c4610180eefd",
            "3fffffffe1970088c32200ddfbfffcffffc72f0110870500baf7ff"
        );
        check(&brotli(bomb), ContentEncoding::Brotli, Err(TOO_LARGE));
        let large = brotli(
            "111effffffe1970089c70201b9f7fffcffff875f02200e0b00e8defff3ffff1f7e0980382c00a07b",
        );
        check(&large, ContentEncoding::Brotli, Err(DAMAGED));
    }

    #[test]
    fn a_stream_that_is_cut_off_or_has_a_wrong_checksum_is_rejected() {
        for (packed, encoding) in [
            (gzip(b"{\"code\":1}"), ContentEncoding::Gzip),
            (zlib(b"{\"code\":1}"), ContentEncoding::Deflate),
        ] {
            for length in 0..packed.len() {
                check(&packed[..length], encoding, Err(DAMAGED));
            }
            let mut damaged = packed.clone();
            *damaged.last_mut().unwrap() ^= 1;
            check(&damaged, encoding, Err(DAMAGED));
        }
    }

    #[test]
    fn gzip_streams_are_joined_and_padding_is_ignored() {
        let mut body = gzip(b"{}");
        body.extend(gzip(b"  "));
        check(&body, ContentEncoding::Gzip, Ok(4));
        body.extend([0, 0, 7]);
        check(&body, ContentEncoding::Gzip, Ok(4));
        let mut garbage = gzip(b"{}");
        garbage.extend(b"GARBAGE");
        check(&garbage, ContentEncoding::Gzip, Err(DAMAGED));
    }
}
