//! Compresses JSON of 100 KB to 5 MB with each codec, and prints compressed size and speed as a
//! Markdown table.
//!
//! Built for WASM with one codec or none, its size shows how many bytes a codec adds to a component.

use std::hint::black_box;
use std::time::Instant;

type Convert = fn(&[u8]) -> Vec<u8>;

/// A codec by name: compress and decompress.
fn codecs() -> Vec<(&'static str, Convert, Convert)> {
    vec![
        #[cfg(feature = "lz4")]
        ("LZ4 frame (lz4_flex)", lz4::compress, lz4::expand),
        #[cfg(feature = "snappy")]
        ("Snappy frame (snap)", snappy::compress, snappy::expand),
        #[cfg(feature = "deflate")]
        (
            "Deflate, level 1 (miniz_oxide)",
            deflate::compress_fast,
            deflate::expand,
        ),
        #[cfg(feature = "deflate")]
        (
            "Deflate, level 6 (miniz_oxide)",
            deflate::compress,
            deflate::expand,
        ),
        #[cfg(feature = "zstd")]
        ("Zstandard, fastest (ruzstd)", zstd::compress, zstd::expand),
        #[cfg(feature = "brotli")]
        (
            "Brotli, quality 4 (brotli)",
            brotli_codec::compress,
            brotli_codec::expand,
        ),
    ]
}

#[cfg(feature = "lz4")]
mod lz4 {
    use std::io::{Read, Write};

    pub fn compress(json: &[u8]) -> Vec<u8> {
        let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
        encoder.write_all(json).unwrap();
        encoder.finish().unwrap()
    }

    pub fn expand(frame: &[u8]) -> Vec<u8> {
        let mut json = Vec::new();
        lz4_flex::frame::FrameDecoder::new(frame)
            .read_to_end(&mut json)
            .unwrap();
        json
    }
}

#[cfg(feature = "snappy")]
mod snappy {
    use std::io::{Read, Write};

    pub fn compress(json: &[u8]) -> Vec<u8> {
        let mut encoder = snap::write::FrameEncoder::new(Vec::new());
        encoder.write_all(json).unwrap();
        encoder.into_inner().unwrap()
    }

    pub fn expand(frame: &[u8]) -> Vec<u8> {
        let mut json = Vec::new();
        snap::read::FrameDecoder::new(frame)
            .read_to_end(&mut json)
            .unwrap();
        json
    }
}

#[cfg(feature = "deflate")]
mod deflate {
    pub fn compress_fast(json: &[u8]) -> Vec<u8> {
        miniz_oxide::deflate::compress_to_vec(json, 1)
    }

    pub fn compress(json: &[u8]) -> Vec<u8> {
        miniz_oxide::deflate::compress_to_vec(json, 6)
    }

    pub fn expand(stream: &[u8]) -> Vec<u8> {
        miniz_oxide::inflate::decompress_to_vec(stream).unwrap()
    }
}

#[cfg(feature = "zstd")]
mod zstd {
    use std::io::Read;

    pub fn compress(json: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(json, ruzstd::encoding::CompressionLevel::Fastest)
    }

    pub fn expand(frame: &[u8]) -> Vec<u8> {
        let mut json = Vec::new();
        ruzstd::decoding::StreamingDecoder::new(frame)
            .unwrap()
            .read_to_end(&mut json)
            .unwrap();
        json
    }
}

#[cfg(feature = "brotli")]
mod brotli_codec {
    use std::io::{Read, Write};

    pub fn compress(json: &[u8]) -> Vec<u8> {
        let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 4, 22);
        encoder.write_all(json).unwrap();
        encoder.into_inner()
    }

    pub fn expand(stream: &[u8]) -> Vec<u8> {
        let mut json = Vec::new();
        brotli::Decompressor::new(stream, 4096)
            .read_to_end(&mut json)
            .unwrap();
        json
    }
}

/// A list of products as a catalogue has them, the same at every run.
fn products(bytes: usize) -> Vec<u8> {
    const WORDS: [&str; 24] = [
        "brake",
        "pad",
        "front",
        "rear",
        "ceramic",
        "filter",
        "oil",
        "air",
        "cabin",
        "pump",
        "water",
        "belt",
        "timing",
        "kit",
        "sensor",
        "lambda",
        "clutch",
        "disc",
        "vented",
        "coated",
        "premium",
        "value",
        "genuine",
        "reinforced",
    ];

    let mut state = 42_u64;
    let mut next = |most: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % most
    };

    let mut json = String::from("[");
    while json.len() < bytes {
        let name: Vec<&str> = (0..4 + next(4)).map(|_| WORDS[next(24) as usize]).collect();
        if json.len() > 1 {
            json.push(',');
        }
        json.push_str(&format!(
            r#"{{"id":{},"sku":"{:08x}","name":"{}","priceCents":{},"stock":{},"salesCount":{},"categorySlug":"{}-{}"}}"#,
            next(1_000_000),
            next(1 << 32),
            name.join(" "),
            next(50_000),
            next(500),
            next(10_000),
            WORDS[next(24) as usize],
            WORDS[next(24) as usize]
        ));
    }

    json.push(']');
    json.into_bytes()
}

/// Milliseconds a call takes: the median of as many as fit into half a second, at least five.
fn time(mut call: impl FnMut()) -> f64 {
    let (begun, mut taken) = (Instant::now(), Vec::new());
    while taken.len() < 5 || begun.elapsed().as_millis() < 500 {
        let started = Instant::now();
        call();
        taken.push(started.elapsed().as_secs_f64() * 1e3);
    }
    taken.sort_by(f64::total_cmp);
    taken[taken.len() / 2]
}

fn main() {
    println!("| JSON | codec | share of the size | compress, MB/s | expand, MB/s |");
    println!("| --- | --- | --- | --- | --- |");

    for bytes in [100_000, 1_000_000, 5_000_000] {
        let json = products(bytes);
        for (name, compress, expand) in codecs() {
            let small = compress(&json);
            assert!(
                expand(&small) == json,
                "{name} must give back what it was given"
            );
            let rate = |ms: f64| json.len() as f64 / 1e3 / ms;
            let (there, back) = (
                time(|| drop(black_box(compress(&json)))),
                time(|| drop(black_box(expand(&small)))),
            );
            let share = small.len() as f64 * 100.0 / json.len() as f64;
            println!(
                "| {} KB | {name} | {share:.1} % | {:.0} | {:.0} |",
                bytes / 1000,
                rate(there),
                rate(back)
            );
        }
    }
}
