/* The options that every store over HTTP takes. */
#include "store/remote.h"

#include "check.h"
#include "net/exchange.h"

static lm_error error;

static lm_status with_option(const char *key, const char *value, lm_remote *remote)
{
    lm_storage_pair pair = {key, value};
    lm_storage storage = {.pairs = &pair, .pair_count = 1};
    return lm__remote_init(remote, NULL, &storage, "hdfs", &error);
}

TEST(options_are_taken)
{
    lm_remote remote;
    CHECK_OK(with_option("idle_timeout", "2.5", &remote), error);
    CHECK_INT(remote.http->options.times.idle_ns, 2500000000);
    lm__remote_deinit(&remote);
    CHECK_OK(with_option("hdfs.connect_timeout", "3", &remote), error);
    CHECK_INT(remote.http->options.times.connect_ns, 3000000000);
    lm__remote_deinit(&remote);
    CHECK_OK(with_option("attempts", "1", &remote), error);
    CHECK_INT(remote.retry.policy.attempts_max, 1);
    lm__remote_deinit(&remote);
    CHECK_OK(with_option("deadline", "1", &remote), error);
    CHECK_INT(remote.retry.policy.deadline_ns, 1000000000);
    lm__remote_deinit(&remote);
    CHECK_OK(with_option("ca_file", "/a/b.pem", &remote), error);
    CHECK_TEXT(remote.http->ca_file, "/a/b.pem");
    lm__remote_deinit(&remote);
    CHECK_OK(lm__remote_init(&remote, NULL, NULL, "hdfs", &error), error);
    lm__remote_deinit(&remote);
}

TEST(what_makes_no_sense_is_refused_by_name)
{
    static const char *const rows[][2] = {
        {"idle_timeout", "soon"}, {"idle_timeout", "0"}, {"connect_timeout", "-1"},
        {"deadline", "1e30"},     {"deadline", "nan"},   {"attempts", "0"},
        {"attempts", "1.5"},      {"attempts", "1000"},  {"attempts", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lm_remote remote;
        CHECK_STATUS(with_option(rows[i][0], rows[i][1], &remote), LM_INVALID);
        CHECK(strstr(error.message, rows[i][0]));
    }
}

int main(void)
{
    RUN(options_are_taken);
    RUN(what_makes_no_sense_is_refused_by_name);
    return DONE();
}
