/*
 * Appends to tables: small ones, durable, against what their own syncs cost, as the log grows; a
 * large one over fifty buckets against the bare Parquet writer. Both sides of a ratio are measured
 * in one run, and take turns.
 *
 *     bench_append DIRECTORY [APPENDS] [LARGE_ROWS]
 */
#define _GNU_SOURCE
#include <lamella/lamella.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "arrow/build.h"

static const char descriptor[] =
    "{\"name\": \"ticks\", \"schema_version\": \"1.0@2026-01-01\", \"columns\": ["
    "{\"name\": \"tick\", \"type\": \"int64\", \"nullable\": false},"
    "{\"name\": \"price\", \"type\": \"float64\"}, {\"name\": \"size\", \"type\": \"int32\"},"
    "{\"name\": \"venue\", \"type\": \"utf8\"}], \"partitioning\": [\"bucket\"]}";

static void must(lm_status status, const lm_error *error)
{
    if (status == LM_OK) return;
    fprintf(stderr, "%s\n", error->message);
    exit(1);
}

static double now(clockid_t clock)
{
    struct timespec at;
    clock_gettime(clock, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* Rows of ticks between 0 and `ticks`, in no order, or (0) one more in each row; in batches. */
typedef struct made {
    lm_stream stream;
    int64_t left, batch_rows;
    uint64_t state, ticks, next;
} made;

static uint64_t random_of(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static lm_status made_next(lm_stream *stream, lm_batch **batch, lm_error *error)
{
    static const char *const venues[] = {"oslo", "bergen", "trondheim", "stavanger"};
    made *m = (made *)stream;
    lm_builder root;
    *batch = NULL;
    int64_t rows = m->left < m->batch_rows ? m->left : m->batch_rows;
    if (rows == 0) return LM_OK;
    m->left -= rows;
    must(lm__builder_init(&root, lm_allocator_default(), &stream->schema->root, error), error);
    for (int i = 0; i < 3; i++) must(lm__builder_reserve(&root.children[i], rows), error);
    for (int64_t i = 0; i < rows; i++) {
        uint64_t r = random_of(&m->state);
        const char *venue = venues[r & 3];
        lm__build_i64(&root.children[0], (int64_t)(m->ticks ? (r >> 8) % m->ticks : m->next++));
        lm__build_f64(&root.children[1], (double)(r >> 40) / 100);
        lm__build_i32(&root.children[2], (int32_t)(r & 0xffff));
        must(lm__build_bytes(&root.children[3], venue, strlen(venue)), error);
    }
    lm_status status = lm__builder_finish(&root, stream->schema, batch, error);
    lm__builder_deinit(&root);
    return status;
}

static void made_close(lm_stream *stream) { (void)stream; }

static struct ArrowArrayStream rows_of(made *m, int64_t rows, int64_t batch_rows, uint64_t ticks)
{
    static const lm_stream_ops ops = {made_next, made_close};
    static const char text[] = "tick: int64 not null, price: float64, size: int32, venue: utf8";
    struct ArrowArrayStream out;
    lm_schema *schema;
    lm_error error;
    must(lm_schema_parse(NULL, text, strlen(text), &schema, &error), &error);
    *m = (made){.left = rows, .batch_rows = batch_rows, .state = 1, .ticks = ticks};
    lm__stream_init(&m->stream, &ops, schema);
    lm_schema_free(schema);
    must(lm__stream_export_take(lm_allocator_default(), &m->stream, &out, &error), &error);
    return out;
}

/* The syncs that a small append cannot do without: a part and its directory, an entry and its, each
 * published as files are that nobody may see half of. */
static double floor_once(const char *root, int n, size_t part_bytes)
{
    static char bytes[1 << 16];
    char path[512];
    lm_error error;
    const lm_file_options how = {.mode = LM_COMMIT_IF_ABSENT};
    double start = now(CLOCK_MONOTONIC);
    snprintf(path, sizeof path, "%s/part-%d", root, n);
    must(lm_publish_bytes(path, bytes, part_bytes, &how, NULL, &error), &error);
    snprintf(path, sizeof path, "%s/entry-%d", root, n);
    must(lm_publish_bytes(path, bytes, 900, &how, NULL, &error), &error);
    return now(CLOCK_MONOTONIC) - start;
}

static void small_appends(const lm_table_options *options, const char *floor, int appends)
{
    double spent = 0, least = 0, cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    int step = appends / 10 > 0 ? appends / 10 : 1;
    printf("small appends: 1,000 rows, one bucket, durable\n");
    printf("%8s %12s %12s %8s %12s\n", "appends", "ms each", "floor ms", "ratio", "cpu ms");
    for (int i = 1; i <= appends; i++) {
        made m;
        lm_error error;
        lm_table_summary *summary;
        struct ArrowArrayStream stream = rows_of(&m, 1000, 1000, 1000);
        double start = now(CLOCK_MONOTONIC);
        must(lm_table_append_take(options, "ticks", "small", &stream, &summary, &error), &error);
        spent += now(CLOCK_MONOTONIC) - start;
        least += floor_once(floor, i, (size_t)summary->parts[0].bytes);
        lm_table_summary_free(summary);
        if (i % step) continue;
        double used = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
        printf("%8d %12.3f %12.3f %8.2f %12.3f\n", i, 1e3 * spent / step, 1e3 * least / step,
               spent / least, 1e3 * used / step);
        spent = least = 0;
        cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    }
}

/* Seconds, of the clock and of all processors. */
typedef struct spent {
    double wall, cpu;
} spent;

static spent since(const spent *start)
{
    return (spent){now(CLOCK_MONOTONIC) - start->wall, now(CLOCK_PROCESS_CPUTIME_ID) - start->cpu};
}

static void keep_best(spent *best, spent here)
{
    if (here.wall < best->wall) best->wall = here.wall;
    if (here.cpu < best->cpu) best->cpu = here.cpu;
}

static void large_append(const lm_table_options *given, const char *root, int64_t rows,
                         bool in_order)
{
    static const spent zero;
    lm_table_options options = *given;
    char path[512], run[32];
    spent best[2] = {{1e9, 1e9}, {1e9, 1e9}};
    options.durability = LM_DURABILITY_NONE;
    for (int round = 0; round < 5; round++) {
        made m;
        lm_error error;
        lm_file_publication *file;
        const lm_file_options how = {.durability = LM_DURABILITY_NONE};
        lm_parquet_options parquet = lm_parquet_options_default();
        parquet.threads = options.threads;
        snprintf(path, sizeof path, "%s/bare.parquet", root);
        snprintf(run, sizeof run, "large-%d-%d", in_order, round);
        spent start = since(&zero);
        struct ArrowArrayStream stream = rows_of(&m, rows, 1 << 17, in_order ? 0 : 50000);
        must(lm_file_open(path, &how, &file, &error), &error);
        must(lm_parquet_write_stream(lm_file_sink(file), &stream, &parquet, NULL, &error), &error);
        must(lm_file_finish(file, NULL, &error), &error);
        lm_file_close(file);
        keep_best(&best[0], since(&start));
        options.tick_bucket_size = in_order ? rows / 50 : 1000;
        start = since(&zero);
        stream = rows_of(&m, rows, 1 << 17, in_order ? 0 : 50000);
        must(lm_table_append_take(&options, "ticks", run, &stream, NULL, &error), &error);
        keep_best(&best[1], since(&start));
    }
    printf("large append: %lld rows over 50 buckets, ticks %s, not synced\n", (long long)rows,
           in_order ? "rising" : "in no order");
    printf("bare writer %.3f s (cpu %.3f), table %.3f s (cpu %.3f): %.2f (cpu %.2f)\n",
           best[0].wall, best[0].cpu, best[1].wall, best[1].cpu, best[1].wall / best[0].wall,
           best[1].cpu / best[0].cpu);
}

int main(int argc, char **argv)
{
    char floor[512];
    if (argc < 2) return 2;
    int appends = argc > 2 ? atoi(argv[2]) : 500;
    int64_t large = argc > 3 ? atoll(argv[3]) : 5000000;
    lm_table_descriptor *ticks;
    lm_registry *registry;
    lm_error error;
    must(lm_table_descriptor_parse(NULL, descriptor, strlen(descriptor), NULL, &ticks, &error),
         &error);
    must(lm_registry_new(NULL, &registry, &error), &error);
    must(lm_registry_add(registry, ticks, &error), &error);
    snprintf(floor, sizeof floor, "%s/floor", argv[1]);
    if (mkdir(argv[1], 0755) != 0 || mkdir(floor, 0755) != 0) {
        perror(argv[1]);
        return 1;
    }
    const lm_table_options options = {.root = argv[1],
                                      .registry = registry,
                                      .tick_bucket_size = 1000,
                                      .threads = argc > 4 ? atoi(argv[4]) : 0};
    if (appends) small_appends(&options, floor, appends);
    if (large) large_append(&options, argv[1], large, true);
    if (large) large_append(&options, argv[1], large, false);
    lm_registry_free(registry);
    lm_table_descriptor_free(ticks);
    return 0;
}
