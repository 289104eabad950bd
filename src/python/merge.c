/* Many parts into one, from Python: plan and run on a thread of their own, so that an interrupt
 * ends them. */
#include <lamella/merge.h>
#include <stdlib.h>

#include "base/error.h"
#include "python/module.h"

typedef struct merge_work {
    const char **sources;
    size_t source_count;
    const char *destination;
    lm_merge_options options;
    bool dry_run;
    lm_merge_plan *plan;
    lm_merge_result result;
} merge_work;

static lm_status merge_run(void *context, struct ArrowArrayStream *stream, lm_error *error)
{
    merge_work *work = context;
    (void)stream;
    LM_TRY(lm_merge_plan_open(work->sources, work->source_count, work->destination, &work->options,
                              &work->plan, error));
    return work->dry_run ? LM_OK : lm_merge_run(work->plan, &work->result, error);
}

/* Paths are borrowed from the list. False with an exception. */
static bool take_sources(merge_work *work, PyObject *list)
{
    Py_ssize_t count = PyList_Size(list);
    work->sources = calloc((size_t)count + 1, sizeof *work->sources);
    if (!work->sources) {
        (void)PyErr_NoMemory();
        return false;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        work->sources[i] = PyBytes_AsString(PyList_GetItem(list, i));
        if (!work->sources[i]) return false;
    }
    work->source_count = (size_t)count;
    return true;
}

static bool take_options(lm_merge_options *options, PyObject *dict)
{
    int64_t format = 0, order = 0, header = 0, compression = 0, level = 0, threads = 0;
    int64_t small_bytes = 0, kv_conflict = 0;
    bool good = lm__py_get_int(dict, "format", &format) && lm__py_get_int(dict, "order", &order) &&
                lm__py_get_int(dict, "header", &header) &&
                lm__py_get_int(dict, "compression", &compression) &&
                lm__py_get_int(dict, "level", &level) &&
                lm__py_get_int(dict, "threads", &threads) &&
                lm__py_get_text(dict, "header_text", &options->header_text) &&
                lm__py_get_bool(dict, "level_set", &options->level_set) &&
                lm__py_get_bool(dict, "require_success", &options->require_success) &&
                lm__py_get_bool(dict, "allow_unfinished", &options->allow_unfinished) &&
                lm__py_get_bool(dict, "trust_parts", &options->trust_parts) &&
                lm__py_get_bool(dict, "count_rows", &options->count_rows) &&
                lm__py_get_bool(dict, "delete_sources", &options->delete_sources) &&
                lm__py_get_bool(dict, "resume", &options->resume) &&
                lm__py_get_bool(dict, "rewrite", &options->rewrite) &&
                lm__py_get_int(dict, "small_rows", &options->small_rows) &&
                lm__py_get_int(dict, "small_bytes", &small_bytes) &&
                lm__py_get_int(dict, "kv_conflict", &kv_conflict);
    options->small_bytes = (uint64_t)small_bytes;
    options->pairs = (lm_parquet_merge_pairs)kv_conflict;
    options->format = (lm_merge_format)format;
    options->order = (lm_merge_order)order;
    options->header = (lm_merge_header)header;
    options->compression = (lm_merge_compression)compression;
    options->level = (int)level;
    options->threads = (int)threads;
    return good;
}

/* Adds `more` (taken, may be NULL) to `dict` (taken). */
static PyObject *joined(PyObject *dict, PyObject *more)
{
    if (!dict || !more || PyDict_Update(dict, more) < 0) Py_CLEAR(dict);
    Py_XDECREF(more);
    return dict;
}

static PyObject *tell_result(const lm_merge_result *r)
{
    PyObject *told = joined(
        lm__py_file_result(&r->file),
        Py_BuildValue("{s:s,s:K,s:K,s:K,s:K,s:K,s:K}", "strategy",
                      lm_merge_strategy_word(r->strategy), "parts", (unsigned long long)r->parts,
                      "blank_parts", (unsigned long long)r->blank_parts, "source_bytes",
                      (unsigned long long)r->source_bytes, "client_bytes",
                      (unsigned long long)r->client_bytes, "deleted",
                      (unsigned long long)r->deleted, "left", (unsigned long long)r->left));
    if (!told || !r->has_rows) return told;
    return joined(told, Py_BuildValue("{s:K}", "rows", (unsigned long long)r->rows));
}

static PyObject *tell_parts(const lm_merge_plan *plan, uint64_t count)
{
    PyObject *list = PyList_New(0);
    for (uint64_t i = 0; list && i < count; i++) {
        lm_merge_part p;
        lm_merge_plan_part(plan, i, &p);
        PyObject *told =
            Py_BuildValue("(yKLssOOOKs)", p.path, (unsigned long long)p.bytes,
                          (long long)p.mtime_ns, lm_merge_compression_word(p.compression),
                          lm_merge_line_end_word(p.line_end), p.blank ? Py_True : Py_False,
                          p.bom ? Py_True : Py_False, p.lacks_end ? Py_True : Py_False,
                          (unsigned long long)p.cut, lm_merge_strategy_word(p.way));
        if (!told || PyList_Append(list, told) < 0) Py_CLEAR(list);
        Py_XDECREF(told);
    }
    return list;
}

static PyObject *tell_notes(const lm_merge_summary *s)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && i < s->note_count; i++) {
        PyObject *note = PyUnicode_FromString(s->notes[i]);
        if (!note || PyList_Append(list, note) < 0) Py_CLEAR(list);
        Py_XDECREF(note);
    }
    return list;
}

static PyObject *tell_plan(const lm_merge_plan *plan)
{
    const lm_merge_summary *s = lm_merge_plan_summary(plan);
    PyObject *told = Py_BuildValue(
        "{s:s,s:s,s:s,s:s,s:y#,s:O,s:O,s:K,s:K,s:K,s:K,s:K,s:z,s:O}", "format",
        lm_merge_format_word(s->format), "order", lm_merge_order_word(s->order), "strategy",
        lm_merge_strategy_word(s->strategy), "compression",
        lm_merge_compression_word(s->compression), "header", s->header, (Py_ssize_t)s->header_bytes,
        "has_header", s->has_header ? Py_True : Py_False, "bom", s->bom ? Py_True : Py_False,
        "blank_parts", (unsigned long long)s->blank_parts, "source_bytes",
        (unsigned long long)s->source_bytes, "client_bytes", (unsigned long long)s->client_bytes,
        "line_ends", (unsigned long long)s->line_ends, "bytes", (unsigned long long)s->bytes,
        "hint", s->hint, "bytes_known", s->bytes_known ? Py_True : Py_False);
    told = joined(told, Py_BuildValue("{s:N,s:N,s:O}", "parts", tell_parts(plan, s->parts), "notes",
                                      tell_notes(s), "resumes", s->resumes ? Py_True : Py_False));
    return told;
}

/* merge(sources, path, file options, parquet options, options, dry_run) -> dict */
static PyObject *merge(PyObject *module, PyObject *args)
{
    merge_work work = {0};
    lm_py_file_options file;
    lm_py_parquet_options parquet;
    PyObject *sources, *file_dict, *parquet_dict, *dict, *told = NULL;
    int dry_run;
    lm_error error;
    lm_status status;
    if (!PyArg_ParseTuple(args, "O!yO!O!O!p", &PyList_Type, &sources, &work.destination,
                          &PyDict_Type, &file_dict, &PyDict_Type, &parquet_dict, &PyDict_Type,
                          &dict, &dry_run))
        return NULL;
    if (!lm__py_file_options_init(&file, file_dict)) return NULL;
    if (!lm__py_parquet_options_init(&parquet, parquet_dict)) {
        lm__py_file_options_deinit(&file);
        return NULL;
    }
    work.options.file = &file.options;
    work.options.parquet = &parquet.options;
    work.dry_run = dry_run;
    const lm_py_run_options run = {
        .state = lm__py_state(module), .cancel = &file.cancel, .work = merge_run, .context = &work};
    if (take_sources(&work, sources) && take_options(&work.options, dict) &&
        lm__py_run(&run, &status, &error)) {
        if (status != LM_OK)
            (void)lm__py_raise(run.state, status, &error);
        else
            told = dry_run ? tell_plan(work.plan) : tell_result(&work.result);
    }
    lm_merge_plan_close(work.plan);
    free(work.sources);
    lm__py_parquet_options_deinit(&parquet);
    lm__py_file_options_deinit(&file);
    return told;
}

PyMethodDef lm__py_merge_methods[] = {
    {"merge", merge, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
