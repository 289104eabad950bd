//! `writers_rust MODE IN OUT [KEY=VALUE]...` writes IN again by the crate `parquet`, with the properties that the
//! words ask for. Modes: `raw` takes a Parquet file's levels and stored values as they are, under its schema;
//! `arrow` takes an Arrow IPC file.

use std::fs::File;
use std::sync::Arc;

use parquet::arrow::ArrowWriter;
use parquet::basic::{BrotliLevel, Compression, Encoding, GzipLevel, ZstdLevel};
use parquet::column::reader::ColumnReader;
use parquet::column::writer::ColumnWriter;
use parquet::file::properties::{
    BloomFilterPosition, CdcOptions, EnabledStatistics, WriterProperties, WriterVersion,
};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;

type Failure = Box<dyn std::error::Error>;

fn codec(name: &str) -> Compression {
    match name {
        "none" => Compression::UNCOMPRESSED,
        "snappy" => Compression::SNAPPY,
        "gzip" => Compression::GZIP(GzipLevel::default()),
        "brotli" => Compression::BROTLI(BrotliLevel::default()),
        "lz4" => Compression::LZ4,
        "lz4_raw" => Compression::LZ4_RAW,
        "zstd" => Compression::ZSTD(ZstdLevel::default()),
        _ => panic!("no codec {name}"),
    }
}

/// `KEY=VALUE` for all columns, `KEY.PATH=VALUE` for one of them.
fn properties(words: &[String]) -> Result<WriterProperties, Failure> {
    let mut made = WriterProperties::builder();
    for word in words {
        let (key, value) = word.split_once('=').ok_or("KEY=VALUE")?;
        if let Some((key, path)) = key.split_once('.') {
            let path = ColumnPath::from(path.split('.').map(String::from).collect::<Vec<_>>());
            made = match key {
                "encoding" => made.set_column_encoding(path, value.parse::<Encoding>()?),
                "dictionary" => made.set_column_dictionary_enabled(path, value == "1"),
                "codec" => made.set_column_compression(path, codec(value)),
                _ => panic!("no property {key} of a column"),
            };
            continue;
        }
        let length = || {
            if value == "none" {
                None
            } else {
                Some(value.parse::<usize>().unwrap())
            }
        };
        made = match key {
            "version" if value == "1" => made.set_writer_version(WriterVersion::PARQUET_1_0),
            "version" => made.set_writer_version(WriterVersion::PARQUET_2_0),
            "codec" => made.set_compression(codec(value)),
            "encoding" => made.set_encoding(value.parse::<Encoding>()?),
            "dictionary" => made.set_dictionary_enabled(value == "1"),
            "dictionary_bytes" => made.set_dictionary_page_size_limit(value.parse()?),
            "page_rows" => made.set_data_page_row_count_limit(value.parse()?),
            "page_bytes" => made.set_data_page_size_limit(value.parse()?),
            "batch" => made.set_write_batch_size(value.parse()?),
            "group_rows" => made.set_max_row_group_row_count(length()),
            "statistics" => made.set_statistics_enabled(match value {
                "none" => EnabledStatistics::None,
                "chunk" => EnabledStatistics::Chunk,
                _ => EnabledStatistics::Page,
            }),
            "header_statistics" => made.set_write_page_header_statistics(value == "1"),
            "index_truncate" => made.set_column_index_truncate_length(length()),
            "truncate" => made.set_statistics_truncate_length(length()),
            "bloom" => made.set_bloom_filter_enabled(value == "1"),
            "bloom_end" => made.set_bloom_filter_position(BloomFilterPosition::End),
            "offset_index" => made.set_offset_index_disabled(value == "0"),
            "distinct" => made.set_write_row_group_number_distinct_values(value == "1"),
            "paths" => made.set_write_path_in_schema(value == "1"),
            "coerce" => made.set_coerce_types(value == "1"),
            "v2_ratio" => made.set_data_page_v2_compression_ratio_threshold(value.parse()?),
            "chunking" => made.set_content_defined_chunking(Some(CdcOptions {
                min_chunk_size: 256,
                max_chunk_size: 1024,
                norm_level: 0,
            })),
            _ => panic!("no property {key}"),
        };
    }
    Ok(made.build())
}

fn raw(from: &str, to: &str, properties: WriterProperties) -> Result<(), Failure> {
    let reader = SerializedFileReader::new(File::open(from)?)?;
    let metadata = reader.metadata();
    let schema = metadata.file_metadata().schema_descr().root_schema_ptr();
    let mut writer = SerializedFileWriter::new(File::create(to)?, schema, Arc::new(properties))?;
    for group in 0..metadata.num_row_groups() {
        let rows = reader.get_row_group(group)?;
        let mut written = writer.next_row_group()?;
        let mut at = 0;
        while let Some(mut column) = written.next_column()? {
            let count = rows.metadata().column(at).num_values() as usize;
            let mut read = rows.get_column_reader(at)?;
            macro_rules! copy {
                ($($from:ident $to:ident,)*) => { match (&mut read, column.untyped()) {
                    $((ColumnReader::$from(r), ColumnWriter::$to(w)) => {
                        let (mut levels, mut repeats, mut values) = (vec![], vec![], vec![]);
                        let all = count.max(1);
                        r.read_records(all, Some(&mut levels), Some(&mut repeats), &mut values)?;
                        let described = w.get_descriptor().clone();
                        w.write_batch(
                            &values,
                            (described.max_def_level() > 0).then_some(&levels[..]),
                            (described.max_rep_level() > 0).then_some(&repeats[..]),
                        )?;
                    })*
                    _ => unreachable!(),
                } };
            }
            copy!(
                BoolColumnReader BoolColumnWriter,
                Int32ColumnReader Int32ColumnWriter,
                Int64ColumnReader Int64ColumnWriter,
                Int96ColumnReader Int96ColumnWriter,
                FloatColumnReader FloatColumnWriter,
                DoubleColumnReader DoubleColumnWriter,
                ByteArrayColumnReader ByteArrayColumnWriter,
                FixedLenByteArrayColumnReader FixedLenByteArrayColumnWriter,
            );
            column.close()?;
            at += 1;
        }
        written.close()?;
    }
    writer.close()?;
    Ok(())
}

fn arrow(from: &str, to: &str, properties: WriterProperties) -> Result<(), Failure> {
    let reader = arrow_ipc::reader::FileReader::try_new(File::open(from)?, None)?;
    let schema = reader.schema();
    let mut writer = None;
    let mut properties = Some(properties);
    for batch in reader {
        let batch = batch?;
        if writer.is_none() {
            writer = Some(ArrowWriter::try_new(
                File::create(to)?,
                batch.schema(),
                properties.take(),
            )?);
        }
        writer.as_mut().unwrap().write(&batch)?;
    }
    match writer {
        Some(writer) => writer.close()?,
        None => ArrowWriter::try_new(File::create(to)?, schema, properties.take())?.close()?,
    };
    Ok(())
}

fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let properties = properties(&words[3..])?;
    match words[0].as_str() {
        "raw" => raw(&words[1], &words[2], properties),
        _ => arrow(&words[1], &words[2], properties),
    }
}
