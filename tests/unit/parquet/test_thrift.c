/* The compact protocol on bytes worked out from its specification, on damage, and on what the
 * tables do not know. Numbers in brackets are the invariants of thrift.h. */
#include "parquet/thrift.h"

#include "base/limits.h"
#include "check.h"
#include "check_alloc.h"

static lm_error error;

typedef struct inner {
    uint32_t has;
    int32_t number;
    lm_bytes text;
} inner;

typedef struct choice {
    lm_thrift_choice choice;
    int32_t number;
} choice;

typedef struct sample {
    uint32_t has;
    bool flag;
    int8_t tiny;
    int16_t small;
    int32_t number;
    int64_t large;
    double real;
    lm_bytes text;
    inner embedded;
    const inner *pointed;
    int32_t member;
    const choice *chosen;
    lm_thrift_list numbers, flags, texts, structs, larges, members;
} sample;

#define FIELD(kind_, need, member_, element_, child_)                                              \
    {                                                                                              \
        .name = #member_, .kind = LM_THRIFT_##kind_, .element = element_, .required = need,        \
        .offset = offsetof(sample, member_), .child = child_                                       \
    }

static const lm_thrift_field inner_fields[] = {
    [1] = {.name = "number",
           .kind = LM_THRIFT_I32,
           .required = true,
           .offset = offsetof(inner, number)},
    [2] = {.name = "text", .kind = LM_THRIFT_BYTES, .offset = offsetof(inner, text)},
};
static const lm_thrift_struct inner_table = {"Inner", sizeof(inner), 2, 3, 1 << 1, inner_fields};

static const lm_thrift_field member_fields[] = {
    [1] = {.name = "number",
           .kind = LM_THRIFT_I32,
           .required = true,
           .offset = offsetof(choice, number)},
};
static const lm_thrift_struct member_table = {"Member", sizeof(choice), 1,
                                              3,        1 << 1,         member_fields};
static const lm_thrift_field choice_fields[] = {
    [2] = {.name = "TWO", .kind = LM_THRIFT_STRUCT, .child = &member_table},
};
static const lm_thrift_struct choice_table = {"Choice", sizeof(choice), 2, 1, 0, choice_fields};

static const lm_thrift_field sample_fields[] = {
    [1] = FIELD(BOOL, false, flag, 0, NULL),
    [2] = FIELD(I8, false, tiny, 0, NULL),
    [3] = FIELD(I16, false, small, 0, NULL),
    [4] = FIELD(I32, true, number, 0, NULL),
    [5] = FIELD(I64, false, large, 0, NULL),
    [6] = FIELD(DOUBLE, false, real, 0, NULL),
    [7] = FIELD(BYTES, false, text, 0, NULL),
    [8] = FIELD(STRUCT, true, embedded, 0, &inner_table),
    [9] = FIELD(STRUCT, false, pointed, 0, &inner_table),
    [10] = FIELD(UNION, false, member, 0, NULL),
    [20] = FIELD(CHOICE, false, chosen, 0, &choice_table),
    [21] = FIELD(LIST, false, numbers, LM_THRIFT_I32, NULL),
    [22] = FIELD(LIST, false, flags, LM_THRIFT_BOOL, NULL),
    [23] = FIELD(LIST, false, texts, LM_THRIFT_BYTES, NULL),
    [24] = FIELD(LIST, false, structs, LM_THRIFT_STRUCT, &inner_table),
    [25] = FIELD(LIST, false, larges, LM_THRIFT_I64, NULL),
    [26] = FIELD(LIST, false, members, LM_THRIFT_UNION, NULL),
};
static const lm_thrift_struct sample_table = {"Sample", sizeof(sample),  26,
                                              9,        1 << 4 | 1 << 8, sample_fields};

/* Every kind of field, each as the specification says. */
static const uint8_t golden[] = {
    0x11,                                                             /* 1: true */
    0x13, 0xff,                                                       /* 2: i8 -1 */
    0x14, 0x03,                                                       /* 3: i16 -2 */
    0x15, 0xd8, 0x04,                                                 /* 4: i32 300 */
    0x16, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, /* 5: the least i64 */
    0x17, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xf8, 0x3f,             /* 6: 1.5 */
    0x18, 0x02, 'h',  'i',                                            /* 7: "hi" */
    0x1c, 0x15, 0x0a, 0x00,                                           /* 8: {1: 5} */
    0x1c, 0x15, 0x02, 0x18, 0x01, 'x',  0x00,                         /* 9: {1: 1, 2: "x"} */
    0x1c, 0x3c, 0x00, 0x00,                                           /* 10: {3: {}} */
    0xac, 0x2c, 0x15, 0x0e, 0x00, 0x00,                               /* 20: {2: {1: 7}} */
    0x19, 0x25, 0x02, 0x01,                                           /* 21: [1, -1] */
    0x19, 0x21, 0x01, 0x02,                                           /* 22: [true, false] */
    0x19, 0x28, 0x01, 'a',  0x00,                                     /* 23: ["a", ""] */
    0x19, 0x1c, 0x15, 0x02, 0x00,                                     /* 24: [{1: 1}] */
    0x19, 0xf6, 0x0f, 0x00, 0x02, 0x04, 0x06, 0x08, 0x0a, 0x0c,       /* 25: [0 … 14] */
    0x0e, 0x10, 0x12, 0x14, 0x16, 0x18, 0x1a, 0x1c,                   /* */
    0x19, 0x1c, 0x1c, 0x00, 0x00,                                     /* 26: [{1: {}}] */
    0x00,
};

static lm_status read_sample(const void *bytes, size_t size, lm_arena *arena, sample *out,
                             size_t *taken)
{
    return lm__thrift_read(&sample_table, bytes, size, 0, arena, out, taken, &error);
}

TEST(golden_read_and_written)
{
    lm_arena arena;
    lm_buffer out;
    sample s;
    size_t taken;
    lm__arena_init(&arena, NULL, 0);
    lm__buffer_init(&out, NULL, 0);
    CHECK_OK(read_sample(golden, sizeof golden, &arena, &s, &taken), error);
    CHECK_INT(taken, sizeof golden);
    CHECK_INT(s.has, 1 << 1 | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 6);
    CHECK(s.flag);
    CHECK_INT(s.tiny, -1);
    CHECK_INT(s.small, -2);
    CHECK_INT(s.number, 300);
    CHECK(s.large == INT64_MIN);
    CHECK(s.real == 1.5);
    CHECK(s.text.size == 2 && s.text.data > golden && s.text.data < golden + sizeof golden);
    CHECK_INT(s.embedded.number, 5);
    CHECK(s.embedded.text.data == NULL);
    CHECK_INT(s.pointed->number, 1);
    CHECK_BYTES(s.pointed->text.data, "x", 1);
    CHECK_INT(s.member, 3);
    CHECK_INT(s.chosen->choice.member, 2);
    CHECK_INT(s.chosen->number, 7);
    CHECK_INT(s.numbers.count, 2);
    CHECK_INT(((int32_t *)s.numbers.items)[1], -1);
    CHECK(((bool *)s.flags.items)[0] && !((bool *)s.flags.items)[1]);
    CHECK_INT(((lm_bytes *)s.texts.items)[1].size, 0);
    CHECK(((lm_bytes *)s.texts.items)[1].data != NULL);
    CHECK_INT(((inner *)s.structs.items)[0].number, 1);
    CHECK_INT(((int64_t *)s.larges.items)[14], 14);
    CHECK_INT(((int32_t *)s.members.items)[0], 1);
    CHECK_STATUS(lm__thrift_write(&sample_table, &s, &out), LM_OK);
    CHECK_INT(out.size, sizeof golden);
    CHECK_BYTES(out.data, golden, sizeof golden);
    lm__buffer_deinit(&out);
    lm__arena_deinit(&arena);
}

/* [1] Every cut is refused without a step outside, and is told from other damage. */
TEST(cut_anywhere)
{
    lm_arena arena;
    sample s;
    size_t taken;
    lm__arena_init(&arena, NULL, 0);
    for (size_t cut = 0; cut < sizeof golden; cut++) {
        uint8_t *exact = malloc(cut ? cut : 1);
        memcpy(exact, golden, cut);
        CHECK_STATUS(read_sample(exact, cut, &arena, &s, &taken), LM_CORRUPT);
        CHECK(taken == SIZE_MAX);
        free(exact);
    }
    CHECK_STATUS(read_sample(NULL, 0, &arena, &s, &taken), LM_CORRUPT);
    CHECK_TEXT(error.message, "Sample at byte 0: the bytes end too early");
    lm__arena_deinit(&arena);
}

/* [1] Any byte changed: an answer, whatever it is. */
TEST(any_byte_changed)
{
    lm_arena arena;
    sample s;
    size_t taken;
    lm__arena_init(&arena, NULL, 0);
    uint8_t *bytes = malloc(sizeof golden);
    for (size_t at = 0; at < sizeof golden; at++)
        for (int value = 0; value < 256; value++) {
            memcpy(bytes, golden, sizeof golden);
            bytes[at] = (uint8_t)value;
            lm__arena_reset(&arena);
            (void)!read_sample(bytes, sizeof golden, &arena, &s, &taken);
        }
    free(bytes);
    lm__arena_deinit(&arena);
}

typedef struct damage {
    const char *bytes;
    size_t size;
    lm_status status;
    const char *message;
} damage;

/* {4: 0, 8: {1: 0}} around what is tried, so that only that is wrong. */
static void check_damage(const damage *d, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        lm_arena arena;
        sample s;
        size_t taken;
        uint8_t *exact = malloc(d[i].size);
        memcpy(exact, d[i].bytes, d[i].size);
        lm__arena_init(&arena, NULL, 0);
        CHECK_STATUS(read_sample(exact, d[i].size, &arena, &s, &taken), d[i].status);
        if (d[i].status != LM_OK) CHECK_TEXT(error.message, d[i].message);
        lm__arena_deinit(&arena);
        free(exact);
    }
}
#define D(text, status, message)                                                                   \
    {                                                                                              \
        text, sizeof text - 1, status, message                                                     \
    }

TEST(damage_is_told)
{
    static const damage cases[] = {
        D("\x00", LM_CORRUPT, "Sample.number at byte 1: the field is required and absent"),
        D("\x45\x02\x00", LM_CORRUPT,
          "Sample.embedded at byte 3: the field is required and absent"),
        D("\x45\x02\x05\x08\x02", LM_CORRUPT, "Sample.number at byte 4: the field comes twice"),
        D("\x45\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02", LM_CORRUPT,
          "Sample.number at byte 11: a number has more than 64 bits"),
        D("\x45\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", LM_CORRUPT,
          "Sample.number at byte 11: a number has more than 64 bits"),
        D("\x45\x80\x80\x80\x80\x10", LM_CORRUPT,
          "Sample.number at byte 6: a number has more than 32 bits"),
        D("\x34\x80\x80\x04", LM_CORRUPT, "Sample.small at byte 4: a number has more than 16 bits"),
        D("\x25\x80\x02", LM_CORRUPT, "Sample.tiny at byte 3: a number has more than 8 bits"),
        D("\x48\x00", LM_CORRUPT, "Sample.number at byte 1: not an integer"),
        D("\x15\x00", LM_CORRUPT, "Sample.flag at byte 1: not a boolean"),
        D("\x65\x00", LM_CORRUPT, "Sample.real at byte 1: not a double"),
        D("\x75\x00", LM_CORRUPT, "Sample.text at byte 1: not a binary"),
        D("\x85\x00", LM_CORRUPT, "Sample.embedded at byte 1: not a struct"),
        D("\x78\xff\xff\xff\xff\x0f", LM_CORRUPT, "Sample.text at byte 6: the bytes end too early"),
        D("\x0e\x02", LM_CORRUPT, "Sample at byte 1: no such field type"),
        D("\x10", LM_CORRUPT, "Sample at byte 1: no such field type"),
        D("\x05\x80\x80\x08", LM_CORRUPT, "Sample at byte 4: no such field id"),
        D("\xac\x15\x00", LM_CORRUPT, "Sample.member at byte 2: not a union of one struct"),
        D("\xac\x1c\x00\x1c\x00\x00", LM_CORRUPT,
          "Sample.member at byte 4: not a union of one struct"),
        D("\x0c\x28\x2c\x15\x02\x00\x1c\x00\x00", LM_CORRUPT,
          "Member at byte 7: not a union of one struct"),
        D("\x05\x2a\x00", LM_CORRUPT, "Sample.numbers at byte 2: not a list"),
        D("\x09\x2a\x1c\x00", LM_CORRUPT, "Sample.numbers at byte 3: not an integer"),
        D("\x09\x2c\x15\x00", LM_CORRUPT, "Sample.flags at byte 3: not a list of booleans"),
        D("\x09\x2c\x11\x03", LM_CORRUPT, "Sample.flags at byte 3: not a boolean"),
        D("\x09\x2e\x15\x00", LM_CORRUPT, "Sample.texts at byte 3: not a list of binaries"),
        D("\x09\x30\x15\x00\x00\x00", LM_CORRUPT,
          "Sample.structs at byte 3: not a list of structs"),
        D("\x09\x34\x15\x00", LM_CORRUPT, "Sample.members at byte 3: not a list of unions"),
        /* [2] 2^31 elements of nothing */
        D("\x09\x2a\xf5\xff\xff\xff\xff\x07\x00", LM_CORRUPT,
          "Sample.numbers at byte 8: the bytes end too early"),
        /* three structs of three bytes at least in eight bytes */
        D("\x09\x30\x3c\x15\x00\x00\x15\x00\x00\x15\x00", LM_CORRUPT,
          "Sample.structs at byte 3: the bytes end too early"),
    };
    check_damage(cases, sizeof cases / sizeof *cases);
}

/* [3] and [4]: what others may write, or will one day. */
TEST(unknown_and_unusual)
{
    static const damage cases[] = {
        /* unknown fields of all types before, between and after: 11 to 17 */
        D("\x45\x02\x4c\x15\x02\x00"                     /* 4, 8 */
          "\x31\x12\x13\x7f\x14\x7f\x15\x7f\x16\x7f\x17" /* 11 true, 12 false, i8 … double */
          "12345678\x00",
          LM_OK, NULL),
        D("\x45\x02\x4c\x15\x02\x00"
          "\x38\x03"
          "abc\x19\x25\x02\x02\x1a\x25\x02\x02\x1b\x01\x58\x02\x01x\x1c\x18\x01y\x11\x00\x1d"
          "0123456789abcdef\x00",
          LM_OK, NULL),
        /* empty containers: a map of nothing has no types; a list of nothing any */
        D("\x45\x02\x4c\x15\x02\x00\x3b\x00\x19\x0c\x00", LM_OK, NULL),
        D("\x45\x02\x4c\x15\x02\x00\x09\x2a\x00\x19\x00\x00", LM_OK, NULL),
        /* 32767, the extension: long header, zigzag fe ff 03 */
        D("\x45\x02\x4c\x15\x02\x00\x08\xfe\xff\x03\x04"
          "fbs!\x00",
          LM_OK, NULL),
        /* a negative id, and fields out of order */
        D("\x05\x01\x02\x9c\x15\x02\x00\x05\x08\x02\x00", LM_OK, NULL),
        /* integers of other widths, if they fit */
        D("\x46\x02\x4c\x14\x02\x00\x00", LM_OK, NULL),
        D("\x43\x02\x4c\x13\x02\x00\x00", LM_OK, NULL),
        /* false in a list as 0 */
        D("\x45\x02\x4c\x15\x02\x00\x09\x2c\x22\x00\x01\x00", LM_OK, NULL),
        /* a map whose types are none, a list that nests */
        D("\x45\x02\x4c\x15\x02\x00\x3b\x01\xff\x00\x00", LM_CORRUPT,
          "Sample at byte 9: no such element type"),
        D("\x45\x02\x4c\x15\x02\x00\x3b\x05\x55\x00\x00", LM_CORRUPT,
          "Sample at byte 9: the bytes end too early"),
        D("\x45\x02\x4c\x15\x02\x00\x3d\x05\x55\x00\x00", LM_CORRUPT,
          "Sample at byte 7: the bytes end too early"),
    };
    check_damage(cases, sizeof cases / sizeof *cases);
}

/* [3] LM_THRIFT_DEPTH_MAX and one more, of structs in a field that nobody knows. */
TEST(depth)
{
    for (int more = 0; more < 2; more++) {
        uint8_t bytes[200] = {0x45, 0x02, 0x4c, 0x15, 0x02, 0x00, 0x3c};
        size_t at = 7, deep = LM_THRIFT_DEPTH_MAX - 2 + (size_t)more;
        sample s;
        lm_arena arena;
        size_t taken;
        for (size_t i = 0; i < deep; i++) bytes[at++] = 0x1c;
        at += deep + 2;
        lm__arena_init(&arena, NULL, 0);
        CHECK_STATUS(read_sample(bytes, at, &arena, &s, &taken), more ? LM_LIMIT : LM_OK);
        if (more) CHECK_TEXT(error.message, "Sample: nested deeper than 32");
        lm__arena_deinit(&arena);
    }
}

/* A member that the table does not know is written as it was read. */
TEST(unknown_members_are_kept)
{
    static const uint8_t bytes[] = {0x45, 0x02, 0x4c, 0x15, 0x02, 0x00, /* 4, 8 */
                                    0xcc, 0x7c, 0x18, 0x01, 'q',  0x00, 0x00, 0x00};
    lm_arena arena;
    lm_buffer out;
    sample s;
    size_t taken;
    lm__arena_init(&arena, NULL, 0);
    lm__buffer_init(&out, NULL, 0);
    CHECK_OK(read_sample(bytes, sizeof bytes, &arena, &s, &taken), error);
    CHECK_INT(s.chosen->choice.member, 7);
    CHECK_INT(s.chosen->choice.unknown.size, 4);
    CHECK_STATUS(lm__thrift_write(&sample_table, &s, &out), LM_OK);
    CHECK_INT(out.size, sizeof bytes);
    CHECK_BYTES(out.data, bytes, sizeof bytes);
    lm__buffer_deinit(&out);
    lm__arena_deinit(&arena);
}

/* Ids that rise by more than 15 take the long header. */
TEST(long_headers)
{
    static const lm_thrift_field fields[] = {
        [1] = {.name = "a",
               .kind = LM_THRIFT_I32,
               .required = true,
               .offset = offsetof(sample, number)},
        [30] = {.name = "b",
                .kind = LM_THRIFT_BOOL,
                .required = true,
                .offset = offsetof(sample, flag)},
    };
    static const lm_thrift_struct table = {"Wide", sizeof(sample), 30, 5, 1 << 1 | 1 << 30, fields};
    static const uint8_t want[] = {0x15, 0x02, 0x02, 0x3c, 0x00};
    sample s = {.number = 1, .flag = false}, again;
    lm_buffer out;
    size_t taken;
    lm__buffer_init(&out, NULL, 0);
    CHECK_STATUS(lm__thrift_write(&table, &s, &out), LM_OK);
    CHECK_INT(out.size, sizeof want);
    CHECK_BYTES(out.data, want, sizeof want);
    CHECK_OK(lm__thrift_read(&table, out.data, out.size, 0, NULL, &again, &taken, &error), error);
    CHECK_INT(again.number, 1);
    lm__buffer_deinit(&out);
}

TEST(passed_over)
{
    lm_arena arena;
    sample s;
    size_t taken;
    lm__arena_init(&arena, NULL, 0);
    CHECK_OK(lm__thrift_read(&sample_table, golden, sizeof golden, 1 << 1 | 1 << 8 | 1 << 24,
                             &arena, &s, &taken, &error),
             error);
    CHECK_INT(taken, sizeof golden);
    CHECK(!(s.has & 1 << 1) && s.embedded.number == 0 && s.structs.items == NULL);
    CHECK_INT(s.number, 300);
    lm__arena_deinit(&arena);
}

TEST(out_of_memory)
{
    for (size_t n = 0;; n++) {
        check_alloc memory;
        lm_arena arena;
        sample s;
        size_t taken;
        check_alloc_init(&memory, n);
        lm__arena_init(&arena, &memory.allocator, 0);
        lm_status status = read_sample(golden, sizeof golden, &arena, &s, &taken);
        lm__arena_deinit(&arena);
        CHECK_INT(memory.live, 0);
        CHECK_STATUS(status, memory.failed ? LM_NO_MEMORY : LM_OK);
        if (!memory.failed) break;
    }
    lm_arena arena;
    sample s;
    size_t taken;
    lm__arena_init(&arena, NULL, 64);
    CHECK_STATUS(read_sample(golden, sizeof golden, &arena, &s, &taken), LM_LIMIT);
    lm__arena_deinit(&arena);
    for (size_t n = 0;; n++) {
        check_alloc memory;
        lm_buffer out;
        sample empty = {.number = 1};
        check_alloc_init(&memory, n);
        lm__buffer_init(&out, &memory.allocator, 0);
        lm_status status = lm__thrift_write(&sample_table, &empty, &out);
        lm__buffer_deinit(&out);
        CHECK_STATUS(status, memory.failed ? LM_NO_MEMORY : LM_OK);
        if (!memory.failed) break;
    }
}

int main(void)
{
    RUN(golden_read_and_written);
    RUN(cut_anywhere);
    RUN(any_byte_changed);
    RUN(damage_is_told);
    RUN(unknown_and_unusual);
    RUN(depth);
    RUN(unknown_members_are_kept);
    RUN(long_headers);
    RUN(passed_over);
    RUN(out_of_memory);
    return DONE();
}
