/* Names of every kind, and listings of many: what is put under a name is found under that name and
 * no other, by every store (stores.h). */
#define _GNU_SOURCE
#include "stores.h"

/* What URLs, shells, globs, escapes and Java's paths give a meaning to. */
static const char *const names[] = {
    "plain",
    "two words",
    " leads with a space",
    "ends with one ",
    "100%",
    "%20",
    "%2F",
    "%25%",
    "%zz",
    "a+b",
    "a b+c%20d",
    "#",
    "a#b",
    "?",
    "a?b=c&d=e",
    "a&b",
    "a=b",
    "a;b",
    "a,b",
    "'",
    "\"",
    "`",
    "*",
    "[a-z]",
    "{a,b}",
    "!",
    "$HOME",
    "(a)",
    "<a>",
    "a|b",
    "a\\b",
    "\\",
    "^",
    "~",
    "@",
    ".hidden",
    "..two",
    "...",
    "-",
    "--help",
    "_underscore",
    "tab\there",
    "line\nbreak",
    "\x01\x7f",
    "grün",
    "日本語",
    "🙂",
    "é",         /* one code point */
    "e\xcc\x81", /* two */
    "user_id=%2F",
    "part-00000-8d3c.c000.csv",
};
enum { NAMES = sizeof names / sizeof *names };

typedef struct found {
    const char *const *names;
    int count, wrong, twice;
    bool seen[NAMES];
} found;

static lm_status found_add(void *context, const lm_store_entry *entry, lm_error *error)
{
    (void)error;
    found *f = context;
    f->count++;
    for (int i = 0; i < NAMES; i++)
        if (strcmp(entry->name, names[i]) == 0) {
            f->twice += f->seen[i];
            f->seen[i] = true;
            if (entry->stat.kind != LM_STORE_FILE || entry->stat.size != strlen(names[i]))
                f->wrong++;
            return LM_OK;
        }
    printf("# listed, and never put: \"%s\"\n", entry->name);
    f->wrong++;
    return LM_OK;
}

static int find(bench *b, const char *after)
{
    found f = {0};
    lm_error error;
    lm_list_options options = {.after = after, .with_stat = true};
    CHECK_OK(lm__store_list(b->store, b->scratch, &options, found_add, &f, &error), error);
    CHECK_INT(f.wrong, 0);
    CHECK_INT(f.twice, 0);
    for (int i = 0; i < NAMES; i++)
        if (f.seen[i] != (!after || strcmp(names[i], after) > 0))
            check_fail(__FILE__, __LINE__, "after \"%s\", \"%s\" is %s", after ? after : "",
                       names[i], f.seen[i] ? "there" : "missing");
    return f.count;
}

/* The bytes of each are its name. */
ON_EACH(each_name_is_its_own)
{
    lm_store_stat stat;
    for (int i = 0; i < NAMES; i++)
        if (put(b, names[i], names[i], (lm_stage_options){0}) != LM_OK)
            check_fail(__FILE__, __LINE__, "\"%s\" cannot be put", names[i]);
    CHECK_INT(find(b, NULL), NAMES);
    for (int i = 0; i < NAMES; i++) {
        if (!is(b, names[i], names[i]))
            check_fail(__FILE__, __LINE__, "\"%s\" is not what was put", names[i]);
        CHECK_STATUS(lm__store_stat(b->store, at(b, names[i]), false, &stat, NULL), LM_OK);
        CHECK_INT(stat.size, strlen(names[i]));
        CHECK_STATUS(lm__store_put_if_absent(b->store, at(b, names[i]), "x", 1, NULL), LM_EXISTS);
    }
    for (int i = 0; i < NAMES; i++) (void)find(b, names[i]);
    for (int i = 0; i < NAMES; i++) {
        CHECK_STATUS(lm__store_remove(b->store, at(b, names[i]), LM_DURABILITY_FULL, NULL), LM_OK);
        if (i % 7) continue;
        for (int k = i + 1; k < NAMES; k++)
            if (!is(b, names[k], names[k]))
                check_fail(__FILE__, __LINE__, "\"%s\" went with \"%s\"", names[k], names[i]);
    }
    CHECK_INT(list(b, NULL).count, 0);
}

/* As directories too, and as the destination of a rename where a stage is renamed. */
ON_EACH(each_name_is_a_directory)
{
    char path[2][600];
    for (int i = 0; i < NAMES; i++) {
        snprintf(path[0], sizeof path[0], "%s/%s", names[i], names[NAMES - 1 - i]);
        CHECK_STATUS(put(b, path[0], names[i], (lm_stage_options){0}), LM_OK);
        CHECK_STATUS(put(b, path[0], path[0], (lm_stage_options){0}), LM_OK);
        CHECK(is(b, path[0], path[0]));
    }
    listing all = list(b, NULL);
    CHECK_INT(all.count, NAMES);
    CHECK_INT(all.directories, NAMES);
    for (int i = 0; i < NAMES; i++) {
        listing one = {0};
        snprintf(path[1], sizeof path[1], "%s/%s", b->scratch, names[i]);
        CHECK_STATUS(lm__store_list(b->store, path[1], NULL, listing_add, &one, NULL), LM_OK);
        CHECK_INT(one.count, 1);
        CHECK(strncmp(one.names, names[NAMES - 1 - i], strlen(names[NAMES - 1 - i])) == 0);
    }
}

/* What a store has no such name for it refuses, and puts nothing under another. */
ON_EACH(a_name_that_cannot_be_is_refused)
{
    static const char *const odd[] = {"\xff\xfe", "a\x80z", "a:b", "\xed\xa0\x80", "\xc0\xaf"};
    lm_error error;
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        lm_status status = lm__store_put_if_absent(b->store, at(b, odd[i]), "odd", 3, &error);
        listing all = list(b, NULL);
        if (status == LM_OK) {
            CHECK(is(b, odd[i], "odd"));
            CHECK_INT(all.count, 1);
            CHECK(strncmp(all.names, odd[i], strlen(odd[i])) == 0);
            CHECK_STATUS(lm__store_remove(b->store, at(b, odd[i]), LM_DURABILITY_FULL, NULL),
                         LM_OK);
        } else {
            CHECK(b->is_remote);
            CHECK_INT(status, LM_INVALID);
            CHECK_INT(all.count, 0);
        }
    }
    CHECK(lm__store_put_if_absent(b->store, "", "x", 1, &error) != LM_OK);
}

ON_EACH(a_long_name_is_kept_or_refused)
{
    char name[3000];
    memset(name, 'n', sizeof name);
    name[255] = '\0';
    CHECK_STATUS(put(b, name, "long", (lm_stage_options){0}), LM_OK);
    CHECK(is(b, name, "long"));
    CHECK_STATUS(lm__store_remove(b->store, at(b, name), LM_DURABILITY_FULL, NULL), LM_OK);
    name[255] = 'n';
    name[256] = '\0';
    lm_status status = put(b, name, "longer", (lm_stage_options){0});
    CHECK(status != LM_OK || is(b, name, "longer"));
    CHECK_INT(list(b, NULL).count, status == LM_OK);
}

ON_EACH(deep_paths_are_made_and_found)
{
    char path[900] = "";
    for (int i = 0; i < 40; i++) strcat(path, "level of many/");
    strcat(path, "file");
    CHECK_STATUS(put(b, path, "deep", (lm_stage_options){0}), LM_OK);
    CHECK(is(b, path, "deep"));
    CHECK_INT(list(b, NULL).directories, 1);
    if (IS_FLAT(b)) return;
    lm_stage_options options = {.no_parents = true};
    CHECK_STATUS(put(b, "no/such", "x", options), LM_NOT_FOUND);
    CHECK_INT(list(b, NULL).count, 1);
}

typedef struct marks {
    int count, first, last, twice;
    bool seen[64];
} marks;

static lm_status marks_add(void *context, const lm_store_entry *entry, lm_error *error)
{
    (void)error;
    marks *m = context;
    int number = atoi(entry->name + strcspn(entry->name, "0123456789"));
    m->count++;
    m->twice += m->seen[number % 64];
    m->seen[number % 64] = true;
    return LM_OK;
}

/* More than a page of them, in an order that is not that of their bytes as signed numbers. */
ON_EACH(a_listing_goes_past_its_pages)
{
    enum { FILES = 37 };
    char name[64], after[64];
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof name, i % 3 ? "part-%05d" : "größe-%05d", i);
        CHECK_STATUS(put(b, name, "x", (lm_stage_options){0}), LM_OK);
    }
    for (int i = -1; i < FILES; i++) {
        int want = 0;
        snprintf(after, sizeof after, i % 3 ? "part-%05d" : "größe-%05d", i);
        for (int k = 0; k < FILES; k++) {
            snprintf(name, sizeof name, k % 3 ? "part-%05d" : "größe-%05d", k);
            want += i < 0 || strcmp(name, after) > 0;
        }
        marks m = {0};
        lm_list_options options = {.after = i < 0 ? NULL : after};
        CHECK_STATUS(lm__store_list(b->store, b->scratch, &options, marks_add, &m, NULL), LM_OK);
        CHECK_INT(m.count, want);
        CHECK_INT(m.twice, 0);
    }
}

/* A name between two that are there, and one that is the beginning of others. */
ON_EACH(after_need_not_be_there)
{
    for (const char *name = "a\0ab\0b\0"; *name; name += strlen(name) + 1)
        CHECK_STATUS(put(b, name, "x", (lm_stage_options){0}), LM_OK);
    CHECK_INT(list(b, "").count, 3);
    CHECK_INT(list(b, "a").count, 2);
    CHECK_INT(list(b, "aa").count, 2);
    CHECK_INT(list(b, "ab\x01").count, 1);
    CHECK_INT(list(b, "b").count, 0);
    CHECK_INT(list(b, "\xff").count, 0);
    CHECK_INT(list(b, "A").count, 3);
}

int main(void)
{
    RUN(each_name_is_its_own);
    RUN(each_name_is_a_directory);
    RUN(a_name_that_cannot_be_is_refused);
    RUN(a_long_name_is_kept_or_refused);
    RUN(deep_paths_are_made_and_found);
    RUN(a_listing_goes_past_its_pages);
    RUN(after_need_not_be_there);
    return DONE();
}
