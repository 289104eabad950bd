// arrowgo IN OUT [KEY=VALUE]... writes the Parquet file IN again by arrow-go, its levels and stored values as they
// are, under its schema, with the properties that the words ask for.
package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
)

var codecs = map[string]compress.Compression{
	"none": compress.Codecs.Uncompressed, "snappy": compress.Codecs.Snappy, "gzip": compress.Codecs.Gzip,
	"brotli": compress.Codecs.Brotli, "zstd": compress.Codecs.Zstd, "lz4_raw": compress.Codecs.Lz4Raw,
}

var encodings = map[string]parquet.Encoding{
	"PLAIN": parquet.Encodings.Plain, "RLE": parquet.Encodings.RLE,
	"DELTA_BINARY_PACKED":     parquet.Encodings.DeltaBinaryPacked,
	"DELTA_LENGTH_BYTE_ARRAY": parquet.Encodings.DeltaLengthByteArray,
	"DELTA_BYTE_ARRAY":        parquet.Encodings.DeltaByteArray,
	"BYTE_STREAM_SPLIT":       parquet.Encodings.ByteStreamSplit,
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func properties(words []string) *parquet.WriterProperties {
	made := []parquet.WriterProperty{parquet.WithBatchSize(64)}
	for _, word := range words {
		key, value, _ := strings.Cut(word, "=")
		key, path, _ := strings.Cut(key, ".")
		number, _ := strconv.ParseInt(value, 10, 64)
		yes := value == "1"
		switch key {
		case "version":
			if yes {
				made = append(made, parquet.WithVersion(parquet.V1_0), parquet.WithDataPageVersion(parquet.DataPageV1))
			} else {
				made = append(made, parquet.WithVersion(parquet.V2_LATEST), parquet.WithDataPageVersion(parquet.DataPageV2))
			}
		case "codec":
			made = append(made, parquet.WithCompression(codecs[value]))
		case "encoding":
			if path == "" {
				made = append(made, parquet.WithEncoding(encodings[value]))
			} else {
				made = append(made, parquet.WithEncodingFor(path, encodings[value]))
			}
		case "dictionary":
			made = append(made, parquet.WithDictionaryDefault(yes))
		case "dictionary_bytes":
			made = append(made, parquet.WithDictionaryPageSizeLimit(number))
		case "page_bytes":
			made = append(made, parquet.WithDataPageSize(number))
		case "statistics":
			made = append(made, parquet.WithStats(yes))
		case "index":
			made = append(made, parquet.WithPageIndexEnabled(yes))
		case "bloom":
			made = append(made, parquet.WithBloomFilterEnabled(yes))
		default:
			panic("no property " + key)
		}
	}
	return parquet.NewWriterProperties(made...)
}

type reader[T any] interface {
	ReadBatch(int64, []T, []int16, []int16) (int64, int, error)
}

type writer[T any] interface {
	WriteBatch([]T, []int16, []int16) (int64, error)
}

// What is read of byte arrays lies in the page: they are copied before the next one is read.
func copyColumn[T any](from reader[T], to writer[T], count int64, keep func(T) T, defined, repeated bool) {
	var values []T
	var levels, repeats []int16
	for int64(len(levels)) < count {
		v, d, r := make([]T, 100), make([]int16, 100), make([]int16, 100)
		total, read, err := from.ReadBatch(100, v, d, r)
		must(0, err)
		if total == 0 {
			break
		}
		if !defined {
			read = int(total)
		}
		for _, value := range v[:read] {
			values = append(values, keep(value))
		}
		levels, repeats = append(levels, d[:total]...), append(repeats, r[:total]...)
	}
	if !defined {
		levels = nil
	}
	if !repeated {
		repeats = nil
	}
	must(to.WriteBatch(values, levels, repeats))
}

func same[T any](value T) T { return value }

func copyAny(r file.ColumnChunkReader, w file.ColumnChunkWriter, count int64) {
	defined, repeated := r.Descriptor().MaxDefinitionLevel() > 0, r.Descriptor().MaxRepetitionLevel() > 0
	switch from := r.(type) {
	case *file.BooleanColumnChunkReader:
		copyColumn(from, w.(*file.BooleanColumnChunkWriter), count, same, defined, repeated)
	case *file.Int32ColumnChunkReader:
		copyColumn(from, w.(*file.Int32ColumnChunkWriter), count, same, defined, repeated)
	case *file.Int64ColumnChunkReader:
		copyColumn(from, w.(*file.Int64ColumnChunkWriter), count, same, defined, repeated)
	case *file.Int96ColumnChunkReader:
		copyColumn(from, w.(*file.Int96ColumnChunkWriter), count, same, defined, repeated)
	case *file.Float32ColumnChunkReader:
		copyColumn(from, w.(*file.Float32ColumnChunkWriter), count, same, defined, repeated)
	case *file.Float64ColumnChunkReader:
		copyColumn(from, w.(*file.Float64ColumnChunkWriter), count, same, defined, repeated)
	case *file.ByteArrayColumnChunkReader:
		keep := func(v parquet.ByteArray) parquet.ByteArray { return append(parquet.ByteArray{}, v...) }
		copyColumn(from, w.(*file.ByteArrayColumnChunkWriter), count, keep, defined, repeated)
	case *file.FixedLenByteArrayColumnChunkReader:
		keep := func(v parquet.FixedLenByteArray) parquet.FixedLenByteArray {
			return append(parquet.FixedLenByteArray{}, v...)
		}
		copyColumn(from, w.(*file.FixedLenByteArrayColumnChunkWriter), count, keep, defined, repeated)
	}
}

func main() {
	from := must(file.OpenParquetFile(os.Args[1], false))
	defer from.Close()
	to := must(os.Create(os.Args[2]))
	written := file.NewParquetWriter(to, from.MetaData().Schema.Root(), file.WithWriterProps(properties(os.Args[3:])))
	for i := 0; i < from.NumRowGroups(); i++ {
		group, into := from.RowGroup(i), written.AppendRowGroup()
		for j := 0; j < group.NumColumns(); j++ {
			column := must(into.NextColumn())
			copyAny(must(group.Column(j)), column, must(group.MetaData().ColumnChunk(j)).NumValues())
			must(0, column.Close())
		}
		must(0, into.Close())
	}
	must(0, written.Close())
}
