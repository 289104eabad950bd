/* Lamella: tables published all or nothing. This header brings in all the others. */
#ifndef LAMELLA_H
#define LAMELLA_H

#include <lamella/arrow.h>
#include <lamella/base.h>
#include <lamella/codec.h>
#include <lamella/commit.h>
#include <lamella/contents.h>
#include <lamella/csv.h>
#include <lamella/diff.h>
#include <lamella/directory.h>
#include <lamella/expr.h>
#include <lamella/io.h>
#include <lamella/ipc.h>
#include <lamella/jsonl.h>
#include <lamella/manifest.h>
#include <lamella/merge.h>
#include <lamella/parquet.h>
#include <lamella/parquet_inspect.h>
#include <lamella/parquet_merge.h>
#include <lamella/parquet_read.h>
#include <lamella/parquet_verify.h>
#include <lamella/path.h>
#include <lamella/publish.h>
#include <lamella/scan.h>
#include <lamella/sink.h>
#include <lamella/source.h>
#include <lamella/storage.h>
#include <lamella/table.h>
#include <lamella/table_convert.h>
#include <lamella/table_ops.h>
#include <lamella/upkeep.h>
#include <lamella/versions.h>
#include <lamella/xlsx.h>

#endif
