/* Options from dicts of clean values; the names and their checks are in lamella/_options.py. */
#include "python/module.h"

bool lm__py_get_int(PyObject *dict, const char *key, int64_t *value)
{
    PyObject *item = PyDict_GetItemString(dict, key);
    if (!item || item == Py_None) return true;
    long long number = PyLong_AsLongLong(item);
    if (number == -1 && PyErr_Occurred()) return false;
    *value = number;
    return true;
}

bool lm__py_get_bool(PyObject *dict, const char *key, bool *value)
{
    PyObject *item = PyDict_GetItemString(dict, key);
    if (!item || item == Py_None) return true;
    int truth = PyObject_IsTrue(item);
    if (truth >= 0) *value = truth > 0;
    return truth >= 0;
}

bool lm__py_get_real(PyObject *dict, const char *key, double *value)
{
    PyObject *item = PyDict_GetItemString(dict, key);
    if (!item || item == Py_None) return true;
    double number = PyFloat_AsDouble(item);
    if (number == -1.0 && PyErr_Occurred()) return false;
    *value = number;
    return true;
}

/* Text without NULs, as the core takes it. */
static const char *text_of(PyObject *object)
{
    Py_ssize_t size;
    const char *text = PyUnicode_AsUTF8AndSize(object, &size);
    if (!text || strlen(text) == (size_t)size) return text;
    PyErr_SetString(PyExc_ValueError, "text with a NUL in it");
    return NULL;
}

bool lm__py_get_text(PyObject *dict, const char *key, const char **value)
{
    PyObject *item = PyDict_GetItemString(dict, key);
    if (!item || item == Py_None) return true;
    const char *text = text_of(item);
    if (text) *value = text;
    return text != NULL;
}

/* A list of (text, text), or nothing: calls `put` for each. */
static void *pairs_in(PyObject *list, size_t item_size, size_t *count,
                      bool (*put)(void *item, PyObject *first, PyObject *second))
{
    Py_ssize_t size = list && list != Py_None ? PyList_Size(list) : 0;
    if (size < 0) return NULL;
    char *items = PyMem_Calloc((size_t)size + 1, item_size);
    if (!items) return PyErr_NoMemory();
    for (Py_ssize_t i = 0; i < size; i++) {
        PyObject *first, *second, *pair = PyList_GetItem(list, i);
        if (!pair || !PyArg_ParseTuple(pair, "OO", &first, &second) ||
            !put(items + (size_t)i * item_size, first, second)) {
            PyMem_Free(items);
            return NULL;
        }
    }
    *count = (size_t)size;
    return items;
}

static void *pairs_of(PyObject *dict, const char *key, size_t item_size, size_t *count,
                      bool (*put)(void *item, PyObject *first, PyObject *second))
{
    return pairs_in(PyDict_GetItemString(dict, key), item_size, count, put);
}

static bool put_storage_pair(void *item, PyObject *first, PyObject *second)
{
    lm_storage_pair *pair = item;
    pair->key = text_of(first);
    pair->value = pair->key ? text_of(second) : NULL;
    return pair->value != NULL;
}

bool lm__py_storage_init(lm_py_storage *storage, PyObject *pairs)
{
    *storage = (lm_py_storage){0};
    storage->pairs =
        pairs_in(pairs, sizeof *storage->pairs, &storage->storage.pair_count, put_storage_pair);
    storage->storage.pairs = storage->pairs;
    return storage->pairs != NULL;
}

void lm__py_storage_deinit(lm_py_storage *storage)
{
    PyMem_Free(storage->pairs);
    *storage = (lm_py_storage){0};
}

static bool put_manifest_pair(void *item, PyObject *first, PyObject *second)
{
    lm_manifest_pair *pair = item;
    pair->key = text_of(first);
    pair->value = pair->key ? text_of(second) : NULL;
    return pair->value != NULL;
}

static bool manifest_init(lm_py_file_options *file, PyObject *dict)
{
    lm_manifest *manifest = &file->manifest;
    int64_t rows = -1;
    if (!lm__py_get_text(dict, "run_id", &manifest->run_id) ||
        !lm__py_get_text(dict, "source_snapshot", &manifest->source_snapshot) ||
        !lm__py_get_text(dict, "schema_hash", &manifest->schema_hash) ||
        !lm__py_get_int(dict, "rows", &rows))
        return false;
    file->pairs =
        pairs_of(dict, "pairs", sizeof *file->pairs, &manifest->pair_count, put_manifest_pair);
    if (!file->pairs) return false;
    manifest->pairs = file->pairs;
    manifest->has_rows = rows >= 0;
    manifest->rows = rows >= 0 ? (uint64_t)rows : 0;
    file->options.manifest = manifest;
    return true;
}

bool lm__py_file_options_init(lm_py_file_options *file, PyObject *dict)
{
    lm_file_options *options = &file->options;
    int64_t durability = 0, mode = 0, direct = 0, keep = 0, expected = 0;
    *file = (lm_py_file_options){.dict = dict};
    Py_INCREF(dict);
    options->cancel = &file->cancel;
    PyObject *manifest = PyDict_GetItemString(dict, "manifest");
    bool fine = lm__py_get_int(dict, "durability", &durability) &&
                lm__py_get_int(dict, "mode", &mode) && lm__py_get_int(dict, "direct", &direct) &&
                lm__py_get_int(dict, "keep", &keep) &&
                lm__py_get_int(dict, "size_expected", &expected) &&
                lm__py_get_text(dict, "match", &options->match) &&
                lm__py_get_text(dict, "checksum", &options->checksum) &&
                lm__py_get_bool(dict, "no_follow", &options->no_follow) &&
                lm__py_get_bool(dict, "keep_xattrs", &options->keep_xattrs) &&
                lm__py_storage_init(&file->storage, PyDict_GetItemString(dict, "storage")) &&
                (!manifest || manifest == Py_None || manifest_init(file, manifest));
    options->storage = &file->storage.storage;
    file->storage.storage.cancel = &file->cancel;
    options->durability = (lm_durability)durability;
    options->mode = (lm_commit_mode)mode;
    options->direct = (lm_direct)direct;
    options->keep = (unsigned)keep;
    options->size_expected = (uint64_t)expected;
    if (!fine) lm__py_file_options_deinit(file);
    return fine;
}

void lm__py_file_options_deinit(lm_py_file_options *file)
{
    PyMem_Free(file->pairs);
    lm__py_storage_deinit(&file->storage);
    Py_CLEAR(file->dict);
    file->pairs = NULL;
}

static bool put_key_value(void *item, PyObject *first, PyObject *second)
{
    lm_parquet_key_value *pair = item;
    pair->key = text_of(first);
    pair->value = pair->key ? text_of(second) : NULL;
    return pair->value != NULL;
}

static bool put_sorting(void *item, PyObject *first, PyObject *second)
{
    lm_parquet_sorting *sorting = item;
    long bits = PyLong_AsLong(second);
    sorting->path = text_of(first);
    sorting->descending = bits & 1;
    sorting->nulls_first = bits & 2;
    return sorting->path && !(bits == -1 && PyErr_Occurred());
}

static bool put_column(void *item, PyObject *first, PyObject *second)
{
    lm_parquet_column_options *column = item;
    int64_t encoding = LM_ENCODING_AUTO, codec = -1, level = LM_CODEC_LEVEL_DEFAULT, distinct = 0;
    int64_t dictionary = 0, statistics = 0, bloom = 0, field_id = -1;
    column->path = text_of(first);
    if (!column->path || !lm__py_get_int(second, "encoding", &encoding) ||
        !lm__py_get_int(second, "codec", &codec) || !lm__py_get_int(second, "level", &level) ||
        !lm__py_get_int(second, "dictionary", &dictionary) ||
        !lm__py_get_int(second, "statistics", &statistics) ||
        !lm__py_get_int(second, "bloom", &bloom) ||
        !lm__py_get_real(second, "bloom_false_share", &column->bloom_false_share) ||
        !lm__py_get_int(second, "bloom_distinct", &distinct) ||
        !lm__py_get_int(second, "field_id", &field_id))
        return false;
    column->encoding = (lm_encoding)encoding;
    column->codec_set = codec >= 0;
    column->codec = codec >= 0 ? (lm_codec)codec : LM_CODEC_UNCOMPRESSED;
    column->level = (int32_t)level;
    column->dictionary = (lm_choice)dictionary;
    column->statistics = (lm_choice)statistics;
    column->bloom = (lm_choice)bloom;
    column->bloom_distinct = distinct;
    column->field_id = (int32_t)field_id;
    return true;
}

static bool parquet_numbers(lm_parquet_options *options, PyObject *dict)
{
    int64_t codec = options->codec, level = options->level, page = options->data_page_version;
    int64_t group_bytes = (int64_t)options->row_group_bytes_max;
    int64_t page_bytes = (int64_t)options->page_bytes_max, threads = 0;
    int64_t dictionary_bytes = (int64_t)options->dictionary_bytes_max;
    if (!lm__py_get_int(dict, "codec", &codec) || !lm__py_get_int(dict, "level", &level) ||
        !lm__py_get_int(dict, "data_page_version", &page) ||
        !lm__py_get_int(dict, "row_group_rows_max", &options->row_group_rows_max) ||
        !lm__py_get_int(dict, "row_group_bytes_max", &group_bytes) ||
        !lm__py_get_int(dict, "page_bytes_max", &page_bytes) ||
        !lm__py_get_int(dict, "page_rows_max", &options->page_rows_max) ||
        !lm__py_get_int(dict, "dictionary_bytes_max", &dictionary_bytes) ||
        !lm__py_get_int(dict, "threads", &threads))
        return false;
    options->codec = (lm_codec)codec;
    options->level = (int32_t)level;
    options->data_page_version = (int)page;
    options->row_group_bytes_max = (size_t)group_bytes;
    options->page_bytes_max = (size_t)page_bytes;
    options->dictionary_bytes_max = (size_t)dictionary_bytes;
    options->threads = (int)threads;
    return true;
}

bool lm__py_parquet_options_init(lm_py_parquet_options *parquet, PyObject *dict)
{
    *parquet = (lm_py_parquet_options){.options = lm_parquet_options_default(), .dict = dict};
    lm_parquet_options *options = &parquet->options;
    Py_INCREF(dict);
    bool fine = parquet_numbers(options, dict) &&
                lm__py_get_bool(dict, "dictionary", &options->dictionary) &&
                lm__py_get_bool(dict, "statistics", &options->statistics) &&
                lm__py_get_bool(dict, "page_index", &options->page_index) &&
                lm__py_get_bool(dict, "page_crc", &options->page_crc) &&
                lm__py_get_bool(dict, "arrow_schema", &options->arrow_schema) &&
                lm__py_get_text(dict, "created_by", &options->created_by);
    if (fine)
        parquet->columns =
            pairs_of(dict, "columns", sizeof *parquet->columns, &options->column_count, put_column);
    if (fine && parquet->columns)
        parquet->sorting = pairs_of(dict, "sorting", sizeof *parquet->sorting,
                                    &options->sorting_count, put_sorting);
    if (fine && parquet->sorting)
        parquet->metadata = pairs_of(dict, "metadata", sizeof *parquet->metadata,
                                     &options->metadata_count, put_key_value);
    options->columns = parquet->columns;
    options->sorting = parquet->sorting;
    options->metadata = parquet->metadata;
    if (!parquet->metadata) lm__py_parquet_options_deinit(parquet);
    return parquet->metadata != NULL;
}

void lm__py_parquet_options_deinit(lm_py_parquet_options *parquet)
{
    PyMem_Free(parquet->columns);
    PyMem_Free(parquet->sorting);
    PyMem_Free(parquet->metadata);
    Py_CLEAR(parquet->dict);
    parquet->columns = NULL;
    parquet->sorting = NULL;
    parquet->metadata = NULL;
}

static bool csv_char(PyObject *dict, const char *key, char *value)
{
    const char *text = NULL;
    if (!lm__py_get_text(dict, key, &text)) return false;
    if (!text) return true;
    if (strlen(text) != 1 || (unsigned char)text[0] > 127) {
        PyErr_Format(PyExc_ValueError, "%s is one ASCII character, not '%s'", key, text);
        return false;
    }
    *value = text[0];
    return true;
}

bool lm__py_csv_options(lm_csv_write_options *csv, PyObject *dict)
{
    int64_t quoting = 0, places = -1, compression = 0, level = LM_CODEC_LEVEL_DEFAULT, threads = 0;
    *csv = (lm_csv_write_options){0};
    bool fine =
        lm__py_get_bool(dict, "no_header", &csv->no_header) &&
        csv_char(dict, "sep", &csv->separator) && csv_char(dict, "quotechar", &csv->quote) &&
        csv_char(dict, "escapechar", &csv->escape) && lm__py_get_int(dict, "quoting", &quoting) &&
        lm__py_get_bool(dict, "crlf", &csv->crlf) && lm__py_get_bool(dict, "bom", &csv->bom) &&
        lm__py_get_text(dict, "null_text", &csv->null_text) &&
        lm__py_get_text(dict, "true_text", &csv->true_text) &&
        lm__py_get_text(dict, "false_text", &csv->false_text) &&
        lm__py_get_text(dict, "nan_text", &csv->nan_text) &&
        lm__py_get_int(dict, "float_places", &places) &&
        lm__py_get_text(dict, "date_format", &csv->date_format) &&
        lm__py_get_text(dict, "timestamp_format", &csv->timestamp_format) &&
        lm__py_get_bool(dict, "guard_formulas", &csv->guard_formulas) &&
        lm__py_get_int(dict, "compression", &compression) &&
        lm__py_get_int(dict, "level", &level) && lm__py_get_int(dict, "threads", &threads);
    csv->quoting = (lm_csv_quoting)quoting;
    csv->float_fixed = places >= 0;
    csv->float_places = places >= 0 ? (int)places : 0;
    csv->compression = (lm_csv_compression)compression;
    csv->level_set = level != LM_CODEC_LEVEL_DEFAULT;
    csv->level = csv->level_set ? (int)level : 0;
    csv->threads = (int)threads;
    return fine;
}

/* A list of texts, copied: the pointers and then what they point to, in one piece. */
static bool null_texts(lm_csv_read_options *csv, char **nulls, PyObject *list)
{
    Py_ssize_t count = list ? PyList_Size(list) : 0, size;
    size_t bytes = ((size_t)count + 1) * sizeof(char *);
    for (Py_ssize_t i = 0; i < count; i++) {
        if (!PyUnicode_AsUTF8AndSize(PyList_GetItem(list, i), &size)) return false;
        bytes += (size_t)size + 1;
    }
    if (count <= 0) return count == 0;
    const char **texts = malloc(bytes);
    if (!texts) {
        PyErr_NoMemory();
        return false;
    }
    char *to = (char *)(texts + count + 1);
    for (Py_ssize_t i = 0; i < count; i++) {
        const char *text = PyUnicode_AsUTF8AndSize(PyList_GetItem(list, i), &size);
        texts[i] = memcpy(to, text, (size_t)size + 1);
        to += size + 1;
    }
    *nulls = (char *)texts;
    csv->null_texts = texts;
    csv->null_count = (size_t)count;
    return true;
}

bool lm__py_csv_read_options(lm_csv_read_options *csv, char **nulls, PyObject *dict)
{
    int64_t header = 0, ragged = 0, row_bytes = 0, skipped = 0;
    *csv = (lm_csv_read_options){0};
    *nulls = NULL;
    bool fine =
        csv_char(dict, "sep", &csv->separator) && csv_char(dict, "quotechar", &csv->quote) &&
        csv_char(dict, "escapechar", &csv->escape) &&
        lm__py_get_bool(dict, "no_quotes", &csv->no_quotes) &&
        lm__py_get_int(dict, "header", &header) && lm__py_get_int(dict, "ragged", &ragged) &&
        lm__py_get_bool(dict, "all_text", &csv->all_text) &&
        lm__py_get_bool(dict, "whole_sample", &csv->whole_sample) &&
        lm__py_get_bool(dict, "replace_invalid", &csv->replace_invalid) &&
        lm__py_get_int(dict, "row_bytes_max", &row_bytes) &&
        lm__py_get_int(dict, "lines_skipped", &skipped) &&
        null_texts(csv, nulls, PyDict_GetItemString(dict, "nulls"));
    csv->header = (lm_csv_header)header;
    csv->ragged = (lm_csv_ragged)ragged;
    csv->row_bytes_max = (size_t)row_bytes;
    csv->lines_skipped = (size_t)skipped;
    return fine;
}
