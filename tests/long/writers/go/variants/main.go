// variants ROWS PLACE writes the JSON values of the lines of ROWS as VARIANT by parquet-go, a file in PLACE for each of
// some ways to shred them.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/parquet-go/parquet-go"
)

type row struct {
	Data any `parquet:"data"`
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

// Whole numbers are such, not floats.
func numbers(value any) any {
	switch v := value.(type) {
	case json.Number:
		if whole, err := v.Int64(); err == nil {
			return whole
		}
		return must(v.Float64())
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = numbers(v[key])
		}
	}
	return value
}

func main() {
	rows := []row{}
	for _, line := range bytes.Split(bytes.TrimSpace(must(os.ReadFile(os.Args[1]))), []byte("\n")) {
		reader := json.NewDecoder(bytes.NewReader(line))
		reader.UseNumber()
		var value any
		must(0, reader.Decode(&value))
		rows = append(rows, row{numbers(value)})
	}
	whole, real, text := parquet.Int(64), parquet.Leaf(parquet.DoubleType), parquet.String()
	shapes := map[string]parquet.Node{
		"none": parquet.Variant(), "whole": must(parquet.ShreddedVariant(whole)), "real": must(parquet.ShreddedVariant(real)),
		"text": must(parquet.ShreddedVariant(text)), "truth": must(parquet.ShreddedVariant(parquet.Leaf(parquet.BooleanType))),
	}
	for name, try := range map[string]parquet.Node{
		"object": parquet.Group{"a": whole, "b": text, "c": real}, "list": parquet.List(whole), "texts": parquet.List(text),
		"deep": parquet.Group{"o": parquet.Group{"x": whole, "y": text}, "l": parquet.List(text)},
	} {
		node, err := parquet.ShreddedVariant(try)
		if err != nil {
			fmt.Fprintln(os.Stderr, name, err)
			continue
		}
		shapes[name] = node
	}
	for name, node := range shapes {
		schema := parquet.NewSchema("rows", parquet.Group{"data": parquet.Optional(node)})
		out := must(os.Create(filepath.Join(os.Args[2], name+".parquet")))
		writer := parquet.NewGenericWriter[row](out, schema)
		must(writer.Write(rows))
		must(0, writer.Close())
		must(0, out.Close())
	}
}
