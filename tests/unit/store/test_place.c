/* Paths and URLs find their store (store/place.h). */
#include "check.h"

#include "store/fault/store.h"
#include "store/place.h"

static lm_error error;

static const char *local_of(const char *url)
{
    const char *path = "(remote)";
    (void)lm__place_is_local(url, &path);
    return path;
}

TEST(paths_and_file_urls_are_local)
{
    CHECK_TEXT(local_of("a/b"), "a/b");
    CHECK_TEXT(local_of("/a://b"), "/a://b");
    CHECK_TEXT(local_of("./a://b"), "./a://b");
    CHECK_TEXT(local_of("c://b"), "c://b"); /* one letter is no scheme */
    CHECK_TEXT(local_of("a b://c"), "a b://c");
    CHECK_TEXT(local_of("file:///a/b%20c?d#e"), "/a/b%20c?d#e");
    CHECK_TEXT(local_of("FILE://localhost/a"), "/a");
    CHECK_TEXT(local_of("file:/a"), "/a");
    CHECK_TEXT(local_of("file:a"), "file:a");
    CHECK_TEXT(local_of("hdfs://a/b"), "(remote)");
    CHECK_TEXT(local_of("s3+x://a/b"), "(remote)");
}

TEST(the_root_ends_with_the_host)
{
    CHECK_INT(lm__place_root_size("webhdfs://nn:9870/a/b"), 17);
    CHECK_INT(lm__place_root_size("webhdfs://nn:9870"), 17);
    CHECK_INT(lm__place_root_size("webhdfs://[::1]:9870/*"), 20);
    CHECK_INT(lm__place_root_size("/a/b"), 0);
    CHECK_INT(lm__place_root_size("file:///a"), 0);
    CHECK(lm__place_is_same("webhdfs://nn:1/a", "WebHDFS://nn:1/b/c"));
    CHECK(!lm__place_is_same("webhdfs://nn:1/a", "webhdfs://nn:2/a"));
    CHECK(!lm__place_is_same("webhdfs://nn:1/a", "/a"));
    CHECK(lm__place_is_same("file:///a", "b"));
}

TEST(a_scheme_without_a_store_is_refused)
{
    lm_store *store;
    const char *path;
    CHECK_INT(lm__store_for(NULL, "gopher://h/a", NULL, &store, &path, &error), LM_UNSUPPORTED);
    CHECK(strstr(error.message, "gopher://") != NULL);
    CHECK(store == NULL);
    CHECK_INT(lm__store_for(NULL, "mem://h/a", NULL, &store, &path, &error), LM_UNSUPPORTED);
    CHECK_INT(lm__store_for(NULL, "file://other/a", NULL, &store, &path, &error), LM_INVALID);
    CHECK_INT(lm__store_for(NULL, "file://", NULL, &store, &path, &error), LM_INVALID);
}

TEST(paths_open_a_store)
{
    lm_store *store, *mem;
    const char *path, *url = "file:///a";
    CHECK_OK(lm__store_for(NULL, url, NULL, &store, &path, &error), error);
    CHECK_TEXT(path, "/a");
    CHECK_TEXT(store->ops->name, "posix");
    lm__store_close(store);

    lm_fault_store fault;
    REQUIRE(lm__store_mem_open(NULL, &mem, &error) == LM_OK);
    lm__fault_store_init(&fault, mem);
    lm_storage storage = {.reserved = &fault.store};
    CHECK_OK(lm__store_for(NULL, "mem://x/a", &storage, &store, &path, &error), error);
    CHECK_TEXT(path, "mem://x/a");
    CHECK(store == &fault.store);
    lm__store_close(store);
    lm__store_close(mem);
}

TEST(options_are_found_by_their_store_first)
{
    const lm_storage_pair pairs[] = {
        {"user", "all"}, {"hdfs.user", "h"}, {"token", "t"}, {"hdfsuser", "x"}};
    lm_storage storage = {.pairs = pairs, .pair_count = 4};
    CHECK_TEXT(lm__storage_value(&storage, "hdfs", "user"), "h");
    CHECK_TEXT(lm__storage_value(&storage, "s3", "user"), "all");
    CHECK_TEXT(lm__storage_value(&storage, "hdfs", "token"), "t");
    CHECK(lm__storage_value(&storage, "hdfs", "region") == NULL);
    CHECK(lm__storage_value(NULL, "hdfs", "user") == NULL);
}

int main(void)
{
    RUN(paths_and_file_urls_are_local);
    RUN(the_root_ends_with_the_host);
    RUN(a_scheme_without_a_store_is_refused);
    RUN(paths_open_a_store);
    RUN(options_are_found_by_their_store_first);
    return DONE();
}
