// parquetgo IN OUT [KEY=VALUE]... writes the rows of the Parquet file IN again by parquet-go, under its schema, with the
// options that the words ask for.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/encoding"
)

var codecs = map[string]compress.Codec{
	"none": &parquet.Uncompressed, "snappy": &parquet.Snappy, "gzip": &parquet.Gzip, "brotli": &parquet.Brotli,
	"zstd": &parquet.Zstd, "lz4_raw": &parquet.Lz4Raw,
}

type kinds map[parquet.Kind]bool

var bytes = kinds{parquet.ByteArray: true, parquet.FixedLenByteArray: true}

// Encodings, and the types that are written by them where they are asked for; the others are PLAIN.
var encodings = map[string]struct {
	encoding encoding.Encoding
	kinds    kinds
}{
	"PLAIN": {&parquet.Plain, nil},
	"RLE":   {&parquet.RLE, kinds{parquet.Boolean: true}},
	"RLE_DICTIONARY": {&parquet.RLEDictionary, kinds{
		parquet.Boolean: true, parquet.Int32: true, parquet.Int64: true, parquet.Int96: true, parquet.Float: true,
		parquet.Double: true, parquet.ByteArray: true, parquet.FixedLenByteArray: true,
	}},
	"DELTA_BINARY_PACKED":     {&parquet.DeltaBinaryPacked, kinds{parquet.Int32: true, parquet.Int64: true}},
	"DELTA_LENGTH_BYTE_ARRAY": {&parquet.DeltaLengthByteArray, kinds{parquet.ByteArray: true}},
	"DELTA_BYTE_ARRAY":        {&parquet.DeltaByteArray, bytes},
	"BYTE_STREAM_SPLIT": {&parquet.ByteStreamSplit, kinds{
		parquet.Int32: true, parquet.Int64: true, parquet.Float: true, parquet.Double: true, parquet.FixedLenByteArray: true,
	}},
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

// A field of a file's schema, whose encoding is another one than that of the file.
type field struct {
	parquet.Field
	name string
}

func (f field) Compression() compress.Codec { return nil }

func (f field) Encoding() encoding.Encoding {
	if !f.Leaf() || f.name == "" {
		return nil
	}
	if asked := encodings[f.name]; asked.kinds[f.Type().Kind()] {
		return asked.encoding
	}
	return &parquet.Plain
}

func (f field) Fields() []parquet.Field {
	fields := []parquet.Field{}
	for _, child := range f.Field.Fields() {
		fields = append(fields, field{child, f.name})
	}
	return fields
}

func main() {
	in := must(os.Open(os.Args[1]))
	from := must(parquet.OpenFile(in, must(in.Stat()).Size()))
	schema, name, blooms := from.Schema(), "", false
	options := []parquet.WriterOption{parquet.PageBufferSize(4096)}
	for _, word := range os.Args[3:] {
		key, value, _ := strings.Cut(word, "=")
		number, _ := strconv.Atoi(value)
		switch key {
		case "version":
			options = append(options, parquet.DataPageVersion(number))
		case "codec":
			options = append(options, parquet.Compression(codecs[value]))
		case "encoding":
			name = value
		case "dictionary_bytes":
			options = append(options, parquet.DictionaryMaxBytes(int64(number)))
		case "page_bytes":
			options = append(options, parquet.PageBufferSize(number))
		case "group_rows":
			options = append(options, parquet.MaxRowsPerRowGroup(int64(number)))
		case "header_statistics":
			options = append(options, parquet.DataPageStatistics(value == "1"))
		case "old_statistics":
			options = append(options, parquet.DeprecatedDataPageStatistics(value == "1"))
		case "index_truncate":
			options = append(options, parquet.ColumnIndexSizeLimit(func([]string) int { return number }))
		case "bloom":
			blooms = value == "1"
		default:
			panic("no option " + key)
		}
	}
	if blooms {
		for _, path := range schema.Columns() {
			options = append(options, parquet.BloomFilters(parquet.SplitBlockFilter(10, path...)))
		}
	}
	again := parquet.NewSchema(schema.Name(), field{from.Root(), name})
	to := must(os.Create(os.Args[2]))
	written := parquet.NewWriter(to, append(options, again)...)
	for _, group := range from.RowGroups() {
		rows, buffer := group.Rows(), make([]parquet.Row, 10)
		for {
			n, err := rows.ReadRows(buffer)
			must(written.WriteRows(buffer[:n]))
			if errors.Is(err, io.EOF) {
				break
			}
			must(0, err)
		}
		must(0, rows.Close())
		must(0, written.Flush())
	}
	must(0, written.Close())
}
