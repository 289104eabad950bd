/*
 * Tables from Python: descriptors, registries, appends, manifests. All but descriptors run on a
 * thread of their own, so that an interrupt ends them.
 */
#include <lamella/table.h>
#include <string.h>

#include "base/error.h"
#include "python/module.h"

#define DESCRIPTOR "lamella.table_descriptor"
#define REGISTRY "lamella.table_registry"

/* ---- descriptors and registries ---- */

static void descriptor_release(PyObject *capsule)
{
    lm_table_descriptor_free(PyCapsule_GetPointer(capsule, DESCRIPTOR));
}

static void registry_release(PyObject *capsule)
{
    lm_registry_free(PyCapsule_GetPointer(capsule, REGISTRY));
}

/* Takes the descriptor. */
static PyObject *descriptor_capsule(lm_table_descriptor *descriptor)
{
    PyObject *capsule = PyCapsule_New(descriptor, DESCRIPTOR, descriptor_release);
    if (!capsule) lm_table_descriptor_free(descriptor);
    return capsule;
}

/* descriptor_parse(json, name in messages) -> capsule */
static PyObject *descriptor_parse(PyObject *module, PyObject *args)
{
    const char *text, *file;
    Py_ssize_t size;
    lm_table_descriptor *descriptor;
    lm_error error = {0};
    if (!PyArg_ParseTuple(args, "s#s", &text, &size, &file)) return NULL;
    lm_status status =
        lm_table_descriptor_parse(NULL, text, (size_t)size, file, &descriptor, &error);
    if (status != LM_OK) return lm__py_raise(lm__py_state(module), status, &error);
    return descriptor_capsule(descriptor);
}

/* descriptor_json(descriptor) -> str */
static PyObject *descriptor_json(PyObject *module, PyObject *capsule)
{
    const lm_table_descriptor *descriptor = PyCapsule_GetPointer(capsule, DESCRIPTOR);
    (void)module;
    return descriptor ? PyUnicode_FromString(lm_table_descriptor_json(descriptor)) : NULL;
}

/* descriptor_schema(descriptor, as stored) -> capsule */
static PyObject *descriptor_schema(PyObject *module, PyObject *args)
{
    PyObject *capsule;
    int stored;
    if (!PyArg_ParseTuple(args, "Op", &capsule, &stored)) return NULL;
    const lm_table_descriptor *descriptor = PyCapsule_GetPointer(capsule, DESCRIPTOR);
    if (!descriptor) return NULL;
    return lm__py_schema_capsule(lm__py_state(module),
                                 stored ? lm_table_descriptor_stored(descriptor)
                                        : lm_table_descriptor_schema(descriptor));
}

/* descriptor_compare(from, to) -> (0 same, 1 minor, 2 major; why) */
static PyObject *descriptor_compare(PyObject *module, PyObject *args)
{
    PyObject *one, *other;
    char why[LM_ERROR_MESSAGE_MAX];
    (void)module;
    if (!PyArg_ParseTuple(args, "OO", &one, &other)) return NULL;
    const lm_table_descriptor *from = PyCapsule_GetPointer(one, DESCRIPTOR);
    const lm_table_descriptor *to = from ? PyCapsule_GetPointer(other, DESCRIPTOR) : NULL;
    if (!to) return NULL;
    lm_table_evolution evolution = lm_table_descriptor_compare(from, to, why);
    return Py_BuildValue("(is)", (int)evolution, why);
}

/* registry_of(list of descriptors) -> capsule */
static PyObject *registry_of(PyObject *module, PyObject *list)
{
    lm_registry *registry;
    lm_error error = {0};
    lm_status status = lm_registry_new(NULL, &registry, &error);
    if (status != LM_OK) return lm__py_raise(lm__py_state(module), status, &error);
    Py_ssize_t count = PyList_Size(list);
    for (Py_ssize_t i = 0; i < count; i++) {
        lm_table_descriptor *one = PyCapsule_GetPointer(PyList_GetItem(list, i), DESCRIPTOR);
        if (one) status = lm_registry_add(registry, one, &error);
        if (one && status == LM_OK) continue;
        if (one) (void)lm__py_raise(lm__py_state(module), status, &error);
        count = -1;
    }
    PyObject *capsule = count < 0 ? NULL : PyCapsule_New(registry, REGISTRY, registry_release);
    if (!capsule) lm_registry_free(registry);
    return capsule;
}

typedef struct registry_work {
    const char *path;
    const lm_storage *storage;
    lm_registry *registry;
} registry_work;

static lm_status registry_run(void *context, lm_error *error)
{
    registry_work *work = context;
    return lm_registry_read(NULL, work->storage, work->path, &work->registry, error);
}

/* registry_read(path, storage) -> list of descriptors */
static PyObject *registry_read(PyObject *module, PyObject *args)
{
    registry_work work = {0};
    PyObject *pairs;
    lm_py_storage storage;
    lm_cancel cancel = {0};
    lm_error error = {0};
    lm_status status;
    if (!PyArg_ParseTuple(args, "yO", &work.path, &pairs)) return NULL;
    if (!lm__py_storage_init(&storage, pairs)) return NULL;
    storage.storage.cancel = &cancel;
    work.storage = &storage.storage;
    Py_BEGIN_ALLOW_THREADS status = lm__py_watch(&cancel, registry_run, &work, &error);
    Py_END_ALLOW_THREADS lm__py_storage_deinit(&storage);
    if (status != LM_OK) return lm__py_raise(lm__py_state(module), status, &error);
    lm_registry *registry = work.registry;
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && i < lm_registry_count(registry); i++) {
        PyObject *one = descriptor_capsule(lm_table_descriptor_ref(lm_registry_at(registry, i)));
        if (!one || PyList_Append(list, one) < 0) Py_CLEAR(list);
        Py_XDECREF(one);
    }
    lm_registry_free(registry);
    return list;
}

/* ---- appending ---- */

typedef struct append_work {
    const char *table, *run_id;
    lm_table_options options;
    lm_table_summary *summary;
} append_work;

static lm_status append_run(void *context, struct ArrowArrayStream *stream, lm_error *error)
{
    append_work *work = context;
    return lm_table_append_take(&work->options, work->table, work->run_id, stream, &work->summary,
                                error);
}

static bool take_options(lm_table_options *options, PyObject *dict)
{
    int64_t batch = 0, check = 0, durability = 0, memory = 0, parts = 0, bytes = 0, threads = 0;
    if (!lm__py_get_int(dict, "tick_bucket_size", &options->tick_bucket_size) ||
        !lm__py_get_bool(dict, "has_batch", &options->has_batch) ||
        !lm__py_get_int(dict, "batch", &batch) ||
        !lm__py_get_bool(dict, "any_order", &options->any_order) ||
        !lm__py_get_int(dict, "check", &check) ||
        !lm__py_get_bool(dict, "replace", &options->replace) ||
        !lm__py_get_bool(dict, "drop_extra", &options->drop_extra) ||
        !lm__py_get_bool(dict, "validate_rows", &options->validate_rows) ||
        !lm__py_get_int(dict, "durability", &durability) ||
        !lm__py_get_text(dict, "checksum", &options->checksum) ||
        !lm__py_get_text(dict, "metadata_prefix", &options->metadata_prefix) ||
        !lm__py_get_int(dict, "memory_bytes_max", &memory) ||
        !lm__py_get_int(dict, "open_parts_max", &parts) ||
        !lm__py_get_int(dict, "part_bytes_max", &bytes) ||
        !lm__py_get_int(dict, "threads", &threads))
        return false;
    options->batch = batch;
    options->check = (lm_table_check)check;
    options->durability = (lm_durability)durability;
    options->memory_bytes_max = (size_t)memory;
    options->open_parts_max = (uint32_t)parts;
    options->part_bytes_max = (uint64_t)bytes;
    options->threads = (int)threads;
    return true;
}

/* The value, or None where it is not known. */
static PyObject *known(bool is_known, int64_t value)
{
    return Py_BuildValue(is_known ? "L" : "", (long long)value);
}

static PyObject *tell_part(const lm_table_part *part)
{
    return Py_BuildValue(
        "{s:N,s:N,s:K,s:K,s:N,s:N}", "bucket_id", known(part->has_bucket, part->bucket_id), "path",
        PyUnicode_DecodeFSDefault(part->path), "rows", (unsigned long long)part->rows, "bytes",
        (unsigned long long)part->bytes, "tick_min", known(part->has_ticks, part->tick_min),
        "tick_max", known(part->has_ticks, part->tick_max));
}

/* (parts, rows, buckets, version, whether it is a repetition, whether the manifest is behind,
 * parts removed) */
static PyObject *tell_summary(const lm_table_summary *summary)
{
    PyObject *parts = PyList_New(0), *buckets = PyList_New(0);
    for (size_t i = 0; parts && i < summary->part_count; i++) {
        PyObject *part = tell_part(&summary->parts[i]);
        if (!part || PyList_Append(parts, part) < 0) Py_CLEAR(parts);
        Py_XDECREF(part);
    }
    for (size_t i = 0; buckets && i < summary->bucket_count; i++) {
        PyObject *bucket = PyLong_FromLongLong(summary->buckets[i]);
        if (!bucket || PyList_Append(buckets, bucket) < 0) Py_CLEAR(buckets);
        Py_XDECREF(bucket);
    }
    PyObject *told = NULL;
    if (parts && buckets)
        told = Py_BuildValue("(OKOLOOK)", parts, (unsigned long long)summary->rows, buckets,
                             (long long)summary->version, summary->repeated ? Py_True : Py_False,
                             summary->manifest_is_behind ? Py_True : Py_False,
                             (unsigned long long)summary->parts_removed);
    Py_XDECREF(parts);
    Py_XDECREF(buckets);
    return told;
}

/* The condition of an overwrite. False with an exception. */
static bool take_condition(const lm_py_state *state, PyObject *dict, lm_expr **where)
{
    const char *text = NULL;
    lm_error error = {0};
    if (!lm__py_get_text(dict, "replace_where", &text)) return false;
    if (!text) return true;
    lm_status status = lm_expr_parse(NULL, text, strlen(text), where, &error);
    if (status != LM_OK) (void)lm__py_raise(state, status, &error);
    return status == LM_OK;
}

/* table_append(root, table, run id, stream, registry or None, options, parquet options) -> tuple */
static PyObject *table_append(PyObject *module, PyObject *args)
{
    const lm_py_state *state = lm__py_state(module);
    append_work work = {0};
    PyObject *stream, *registry, *dict, *parquet_dict, *told = NULL;
    lm_py_parquet_options parquet;
    lm_py_storage storage;
    lm_expr *where = NULL;
    lm_cancel cancel = {0};
    lm_error error;
    lm_status status;
    if (!PyArg_ParseTuple(args, "yssOOO!O!", &work.options.root, &work.table, &work.run_id, &stream,
                          &registry, &PyDict_Type, &dict, &PyDict_Type, &parquet_dict))
        return NULL;
    if (registry != Py_None) {
        work.options.registry = PyCapsule_GetPointer(registry, REGISTRY);
        if (!work.options.registry) return NULL;
    }
    if (!lm__py_parquet_options_init(&parquet, parquet_dict)) return NULL;
    if (!lm__py_storage_init(&storage, PyDict_GetItemString(dict, "storage"))) {
        lm__py_parquet_options_deinit(&parquet);
        return NULL;
    }
    storage.storage.cancel = &cancel;
    work.options.storage = &storage.storage;
    work.options.cancel = &cancel;
    work.options.parquet = &parquet.options;
    const lm_py_run_options run = {.state = state,
                                   .cancel = &cancel,
                                   .work = append_run,
                                   .context = &work,
                                   .source = stream,
                                   .validate = LM_VALIDATE_TEXT};
    if (take_options(&work.options, dict) && take_condition(state, dict, &where)) {
        work.options.replace_where = where;
        if (lm__py_run(&run, &status, &error)) {
            if (status != LM_OK)
                (void)lm__py_raise(state, status, &error);
            else
                told = tell_summary(work.summary);
        }
    }
    lm_table_summary_free(work.summary);
    lm_expr_free(where);
    lm__py_storage_deinit(&storage);
    lm__py_parquet_options_deinit(&parquet);
    return told;
}

/* ---- manifests ---- */

typedef struct manifest_work {
    const char *path;
    lm_table_options options;
    lm_table_manifest *manifest;
} manifest_work;

static lm_status manifest_run(void *context, struct ArrowArrayStream *stream, lm_error *error)
{
    manifest_work *work = context;
    (void)stream;
    return lm_table_manifest_load(work->path, &work->options, &work->manifest, error);
}

/* table_manifest(path, storage) -> its JSON */
static PyObject *table_manifest(PyObject *module, PyObject *args)
{
    manifest_work work = {0};
    PyObject *pairs, *text = NULL;
    lm_py_storage storage;
    lm_cancel cancel = {0};
    lm_error error;
    lm_status status;
    if (!PyArg_ParseTuple(args, "yO", &work.path, &pairs)) return NULL;
    if (!lm__py_storage_init(&storage, pairs)) return NULL;
    storage.storage.cancel = &cancel;
    work.options.storage = &storage.storage;
    work.options.cancel = &cancel;
    const lm_py_run_options run = {
        .state = lm__py_state(module), .cancel = &cancel, .work = manifest_run, .context = &work};
    if (lm__py_run(&run, &status, &error)) {
        if (status != LM_OK)
            (void)lm__py_raise(run.state, status, &error);
        else
            text = PyUnicode_FromString(lm_table_manifest_text(work.manifest, NULL));
    }
    lm_table_manifest_free(work.manifest);
    lm__py_storage_deinit(&storage);
    return text;
}

PyMethodDef lm__py_tables_methods[] = {
    {"descriptor_parse", descriptor_parse, METH_VARARGS, NULL},
    {"descriptor_json", descriptor_json, METH_O, NULL},
    {"descriptor_schema", descriptor_schema, METH_VARARGS, NULL},
    {"descriptor_compare", descriptor_compare, METH_VARARGS, NULL},
    {"registry_of", registry_of, METH_O, NULL},
    {"registry_read", registry_read, METH_VARARGS, NULL},
    {"table_append", table_append, METH_VARARGS, NULL},
    {"table_manifest", table_manifest, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
