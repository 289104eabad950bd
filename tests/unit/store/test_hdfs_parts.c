/* The pieces of the store on HDFS that need no server: Hadoop's configuration and what it makes of
 * a URL, requests byte for byte, answers of servers that are what they should be or are not. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/stat.h>

#include "base/error.h"
#include "check.h"
#include "check_alloc.h"
#include "scratch.h"
#include "store/hdfs/answer.h"
#include "store/hdfs/namenodes.h"
#include "store/hdfs/tokens.h"
#include "store/hdfs/url.h"

/* ---- configuration ---- */

static lm_status conf_read(lm_hadoop_conf *conf, const char *text, lm_error *error)
{
    return lm__hadoop_conf_read(conf, "f.xml", text, strlen(text), error);
}

static const char *value_of(lm_hadoop_conf *conf, const char *name)
{
    const char *value;
    lm_error error;
    CHECK_OK(lm__hadoop_conf_get(conf, &conf->arena, name, &value, &error), error);
    return value ? value : "(none)";
}

#define PROPERTY(name, value) "<property><name>" name "</name><value>" value "</value></property>"

TEST(a_configuration_is_read)
{
    static const char text[] =
        "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<?xml-stylesheet type=\"text/xsl\" href=\"configuration.xsl\"?>\n"
        "<!-- <configuration> -->\n"
        "<!DOCTYPE configuration>\n"
        "<configuration xmlns:xi='http://www.w3.org/2001/XInclude'>\n"
        "  <property>\n"
        "    <name> a </name>\n"
        "    <value>\n  x &amp; y &#65;&#x20AC; <![CDATA[<z>]]><!-- no --> </value>\n"
        "    <description>it says <b>much</b> <br/></description>\n"
        "    <source/>\n"
        "  </property>\n"
        "  <property name=\"b\" value='&quot;2&gt;1&quot;'/>\n"
        "  <property><name>empty</name><value/></property>\n"
        "  <property><name>no value</name></property>\n"
        "  <property><value>no name</value></property>\n"
        "  <thing><property><name>hidden</name><value>1</value></property></thing>\n"
        "  <configuration>" PROPERTY("nested", "1") "</configuration>\n"
                                                    "</configuration>\n<!-- end -->\n";
    lm_hadoop_conf conf;
    lm_error error;
    lm__hadoop_conf_init(&conf, NULL);
    CHECK_OK(conf_read(&conf, text, &error), error);
    CHECK_TEXT(value_of(&conf, "a"), "x & y A\xe2\x82\xac <z>");
    CHECK_TEXT(value_of(&conf, "b"), "\"2>1\"");
    CHECK_TEXT(value_of(&conf, "nested"), "1");
    CHECK_TEXT(value_of(&conf, "empty"), "(none)");
    CHECK_TEXT(value_of(&conf, "no value"), "(none)");
    CHECK_TEXT(value_of(&conf, "hidden"), "(none)");
    CHECK_INT(conf.count, 4);
    lm__hadoop_conf_deinit(&conf);
}

TEST(what_is_no_configuration_is_refused)
{
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"", "f.xml line 1: it is no XML"},
        {"{}", "f.xml line 1: it is no XML"},
        {"\xff\xfe<", "f.xml line 1: it is not in UTF-8"},
        {"<conf></conf>", "f.xml line 1: the outermost element is not <configuration>"},
        {"</configuration>", "f.xml line 1: the outermost element is not <configuration>"},
        {"<configuration>", "f.xml line 1: an element without an end"},
        {"<configuration\n>\n<property></configuration>",
         "f.xml line 3: the end of another element"},
        {"<configuration></configuration>x",
         "f.xml line 1: something follows the outermost element"},
        {"<configuration><property", "f.xml line 1: a tag without an end"},
        {"<configuration><property <name>", "f.xml line 1: a tag within a tag"},
        {"<configuration>< property>", "f.xml line 1: a tag without a name"},
        {"<configuration><property name></property>", "f.xml line 1: an attribute without a value"},
        {"<configuration><property name=a></property>",
         "f.xml line 1: an attribute without quotes"},
        {"<configuration><!-- ", "f.xml line 1: a comment without an end"},
        {"<configuration><![CDATA[x", "f.xml line 1: a CDATA section without an end"},
        {"<?xml ", "f.xml line 1: an instruction without an end"},
        {"<!DOCTYPE c [<!ENTITY a \"b\">]><configuration/>",
         "f.xml line 1: a document type with declarations of its own"},
        {"<configuration>" PROPERTY("a", "&nbsp;") "</configuration>",
         "f.xml line 1: an entity that is none of &amp; &lt; &gt; &quot; &apos;"},
        {"<configuration>" PROPERTY("a", "&#1114112;") "</configuration>",
         "f.xml line 1: an entity that is none of &amp; &lt; &gt; &quot; &apos;"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        lm_hadoop_conf conf;
        lm_error error = {0};
        lm__hadoop_conf_init(&conf, NULL);
        CHECK_STATUS(conf_read(&conf, bad[i].text, &error), LM_INVALID);
        CHECK_TEXT(error.message, bad[i].message);
        lm__hadoop_conf_deinit(&conf);
    }
}

TEST(depth_has_a_limit)
{
    static char deep[100000];
    static const char *const around[] = {"<a>", "<configuration>", "<property>"};
    for (size_t k = 0; k < sizeof around / sizeof *around; k++) {
        lm_hadoop_conf conf;
        lm_error error;
        strcpy(deep, "<configuration>");
        for (size_t at = strlen(deep); at < sizeof deep - 20; at += strlen(around[k]))
            strcpy(deep + at, around[k]);
        lm__hadoop_conf_init(&conf, NULL);
        CHECK_STATUS(conf_read(&conf, deep, &error), LM_INVALID);
        CHECK(strstr(error.message, "too many elements within each other") != NULL);
        lm__hadoop_conf_deinit(&conf);
    }
}

TEST(later_properties_go_before_earlier_ones_that_are_not_final)
{
    lm_hadoop_conf conf;
    lm_error error;
    lm__hadoop_conf_init(&conf, NULL);
    CHECK_OK(conf_read(&conf,
                       "<configuration>" PROPERTY("a", "1") PROPERTY(
                           "a", "2") "<property><name>f</name><value>1</value><final>true</final></"
                                     "property>" PROPERTY("fs.default.name",
                                                          "hdfs://old") "</configuration>",
                       &error),
             error);
    CHECK_OK(conf_read(&conf,
                       "<configuration>" PROPERTY("a", "3") PROPERTY("f", "2") "</configuration>",
                       &error),
             error);
    CHECK_TEXT(value_of(&conf, "a"), "3");
    CHECK_TEXT(value_of(&conf, "f"), "1");
    CHECK_TEXT(value_of(&conf, "fs.defaultFS"), "hdfs://old");
    lm__hadoop_conf_deinit(&conf);
}

TEST(values_name_each_other)
{
    lm_hadoop_conf conf;
    lm_error error;
    const char *value;
    lm__hadoop_conf_init(&conf, NULL);
    conf.user = "ada";
    setenv("LM_TEST_HOST", "h1", 1);
    setenv("LM_TEST_EMPTY", "", 1);
    unsetenv("LM_TEST_NONE");
    CHECK_OK(
        conf_read(&conf,
                  "<configuration>" PROPERTY("host", "${env.LM_TEST_HOST}")
                      PROPERTY("address", "${host}:${port}") PROPERTY("port", "9870") PROPERTY(
                          "home", "/user/${user.name}") PROPERTY("unknown", "${who}/x")
                          PROPERTY("dash", "${env.LM_TEST_NONE-d}/${env.LM_TEST_EMPTY-e}")
                              PROPERTY("colon", "${env.LM_TEST_NONE:-d}/${env.LM_TEST_EMPTY:-e}")
                                  PROPERTY("inner", "${ho${what}}") PROPERTY("what", "st")
                                      PROPERTY("odd", "$ {host} ${} ${host")
                                          PROPERTY("loop", "${pool}") PROPERTY("pool", "${loop}")
                                              PROPERTY("grow", "${grow}${grow}") "</configuration>",
                  &error),
        error);
    CHECK_TEXT(value_of(&conf, "address"), "h1:9870");
    CHECK_TEXT(value_of(&conf, "home"), "/user/ada");
    CHECK_TEXT(value_of(&conf, "unknown"), "${who}/x");
    CHECK_TEXT(value_of(&conf, "dash"), "d/");
    CHECK_TEXT(value_of(&conf, "colon"), "d/e");
    CHECK_TEXT(value_of(&conf, "inner"), "h1");
    CHECK_TEXT(value_of(&conf, "odd"), "$ {host} ${} ${host");
    CHECK_STATUS(lm__hadoop_conf_get(&conf, &conf.arena, "loop", &value, &error), LM_INVALID);
    CHECK_TEXT(error.message, "Hadoop's configuration: loop is made of values that contain each "
                              "other");
    CHECK_STATUS(lm__hadoop_conf_get(&conf, &conf.arena, "grow", &value, &error), LM_INVALID);
    lm__hadoop_conf_deinit(&conf);
}

static void file_put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0) abort();
}

TEST(a_directory_is_loaded_with_what_its_files_include)
{
    char scratch[256];
    lm_hadoop_conf conf;
    lm_error error;
    scratch_make(scratch);
    file_put(
        scratch_join(scratch, "core-site.xml"),
        "<configuration><xi:include href=\"more.xml\"/>" PROPERTY(
            "a", "core") "<xi:include href='none.xml'><xi:fallback/></xi:include></configuration>");
    file_put(scratch_join(scratch, "hdfs-site.xml"),
             "<configuration>" PROPERTY("a", "hdfs") "</configuration>");
    file_put(scratch_join(scratch, "more.xml"),
             "<configuration>" PROPERTY("m", "more") "</configuration>");
    lm__hadoop_conf_init(&conf, NULL);
    CHECK_OK(lm__hadoop_conf_load(&conf, scratch, &error), error);
    CHECK_TEXT(value_of(&conf, "a"), "hdfs");
    CHECK_TEXT(value_of(&conf, "m"), "more");
    CHECK_TEXT(conf.directory, scratch);
    lm__hadoop_conf_deinit(&conf);

    file_put(scratch_join(scratch, "more.xml"),
             "<configuration><include href=\"more.xml\"/></configuration>");
    lm__hadoop_conf_init(&conf, NULL);
    CHECK_STATUS(lm__hadoop_conf_load(&conf, scratch, &error), LM_LIMIT);
    CHECK(strstr(error.message, "files include each other") != NULL);
    lm__hadoop_conf_deinit(&conf);

    setenv("HADOOP_CONF_DIR", scratch_join(scratch, "away"), 1);
    lm__hadoop_conf_init(&conf, NULL);
    CHECK_STATUS(lm__hadoop_conf_load(&conf, NULL, &error), LM_NOT_FOUND);
    CHECK(strstr(error.message, "set HADOOP_CONF_DIR") != NULL);
    lm__hadoop_conf_deinit(&conf);
    unsetenv("HADOOP_CONF_DIR");
    scratch_remove(scratch);
}

/* ---- NameNodes ---- */

#define HA                                                                                         \
    PROPERTY("fs.defaultFS", "hdfs://ns1")                                                         \
    PROPERTY("dfs.nameservices", "ns0, ns1 ,single")                                               \
    PROPERTY("dfs.ha.namenodes.ns1", "nn1,nn2")                                                    \
    PROPERTY("dfs.namenode.rpc-address.ns1.nn1", "m1:8020")                                        \
    PROPERTY("dfs.namenode.rpc-address.ns1.nn2", "m2:8020")                                        \
    PROPERTY("dfs.namenode.http-address.ns1.nn1", "m1:50070")                                      \
    PROPERTY("dfs.namenode.http-address.ns1.nn2", "0.0.0.0:50071")                                 \
    PROPERTY("dfs.namenode.https-address.ns1.nn1", "m1:50470")                                     \
    PROPERTY("dfs.namenode.rpc-address.single", "s:9000")

/* "tls|host host" or the error's message. */
static const char *nodes_of(const char *properties, const char *url)
{
    static char told[1200];
    char text[4000];
    lm_hadoop_conf conf;
    lm_namenodes nodes;
    lm_error error = {0};
    lm__hadoop_conf_init(&conf, NULL);
    snprintf(text, sizeof text, "<configuration>%s</configuration>", properties);
    CHECK_OK(conf_read(&conf, text, &error), error);
    if (lm__namenodes_find(&conf, &conf.arena, url, strlen(url), &nodes, &error) != LM_OK) {
        snprintf(told, sizeof told, "%s", error.message);
    } else {
        snprintf(told, sizeof told, "%s|", nodes.is_tls ? "tls" : "");
        for (size_t i = 0; i < nodes.count; i++)
            snprintf(told + strlen(told), sizeof told - strlen(told), "%s%s", i ? " " : "",
                     nodes.hosts[i]);
    }
    lm__hadoop_conf_deinit(&conf);
    return told;
}

TEST(a_url_leads_to_namenodes)
{
    CHECK_TEXT(nodes_of("", "webhdfs://h:1"), "|h:1");
    CHECK_TEXT(nodes_of("", "WebHDFS://h"), "|h:9870");
    CHECK_TEXT(nodes_of("", "swebhdfs://h"), "tls|h:9871");
    CHECK_TEXT(nodes_of("", "webhdfs://[::1]:50070"), "|[::1]:50070");
    CHECK_TEXT(nodes_of("", "webhdfs://[::1]"), "|[::1]:9870");
    CHECK_TEXT(nodes_of("", "hdfs://h:8020"), "|h:9870");
    CHECK_TEXT(nodes_of(PROPERTY("dfs.http.policy", "HTTPS_ONLY"), "hdfs://h"), "tls|h:9871");
    CHECK_TEXT(nodes_of(PROPERTY("fs.defaultFS", "hdfs://h:8020/")
                            PROPERTY("dfs.namenode.http-address", "0.0.0.0:50070"),
                        "hdfs://h:8020"),
               "|h:50070");
    CHECK_TEXT(nodes_of(PROPERTY("fs.defaultFS", "hdfs://h:8020")
                            PROPERTY("dfs.namenode.http-address", "w:50070"),
                        "hdfs://other:8020"),
               "|other:9870");
    CHECK_TEXT(nodes_of(HA, "hdfs://ns1"), "|m1:50070 m2:50071");
    CHECK_TEXT(nodes_of(HA, "hdfs://"), "|m1:50070 m2:50071");
    CHECK_TEXT(nodes_of(HA, "webhdfs://ns1"), "|m1:50070 m2:50071");
    CHECK_TEXT(nodes_of(HA, "swebhdfs://ns1"), "tls|m1:50470 m2:9871");
    CHECK_TEXT(nodes_of(HA, "hdfs://m2:8020"), "|m2:50071");
    CHECK_TEXT(nodes_of(HA, "hdfs://single"), "|s:9870");
    CHECK_TEXT(nodes_of(HA, "hdfs://s:9000"), "|s:9870");
    CHECK_TEXT(nodes_of(HA, "hdfs://elsewhere"), "|elsewhere:9870");
}

TEST(a_url_that_leads_nowhere_says_why)
{
    CHECK_TEXT(nodes_of("", "hdfs://"),
               "hdfs:// names no host, and Hadoop's configuration (none found) no fs.defaultFS: "
               "set HADOOP_CONF_DIR, or write hdfs://HOST/…");
    CHECK_TEXT(nodes_of(PROPERTY("fs.defaultFS", "s3a://bucket"), "hdfs://"),
               "hdfs://: fs.defaultFS is s3a://bucket, which is no HDFS");
    CHECK_TEXT(nodes_of(PROPERTY("fs.defaultFS", "file:///"), "hdfs://"),
               "hdfs://: fs.defaultFS is file:///, which names no host");
    CHECK_TEXT(nodes_of("", "webhdfs://"), "webhdfs://:  is no host and port");
    CHECK_TEXT(nodes_of("", "webhdfs://h:99999x"),
               "webhdfs://h:99999x: h:99999x is no host and port");
    CHECK_TEXT(nodes_of("", "webhdfs://ada@h:1"),
               "webhdfs://ada@h:1: the user is named by HADOOP_USER_NAME or the option user, not "
               "in the URL");
    CHECK_TEXT(nodes_of(HA, "hdfs://ns0"), "hdfs://ns0: Hadoop's configuration (none found) has no "
                                           "dfs.namenode.http-address.ns0");
}

/* ---- paths and URLs ---- */

static const char *path_of(const char *path)
{
    static char to[LM_PATH_BYTES_MAX];
    lm_error error;
    if (lm__hdfs_path("hdfs://ns", 9, path, to, &error) != LM_OK) return "(error)";
    return to;
}

TEST(a_path_is_taken_from_its_url)
{
    CHECK_TEXT(path_of("hdfs://ns/a/b"), "/a/b");
    CHECK_TEXT(path_of("/a/b"), "/a/b");
    CHECK_TEXT(path_of("hdfs://ns"), "/");
    CHECK_TEXT(path_of("hdfs://ns//a//b/./c/"), "/a/b/c");
    CHECK_TEXT(path_of("/a/../../b/.."), "/");
    CHECK_TEXT(path_of("/..a/.b./..."), "/..a/.b./...");
    CHECK_TEXT(path_of("hdfs://nsx/a"), "(error)");
    CHECK_TEXT(path_of("hdfs://other/a"), "(error)");
    CHECK_TEXT(path_of("a"), "(error)");
    CHECK_TEXT(path_of("/a:b"), "(error)");
    CHECK_TEXT(path_of("/a\xff"), "(error)");
    CHECK_TEXT(path_of("/\xc3\xa9"), "/\xc3\xa9");
    CHECK_INT(lm__hdfs_parent_size("/a/b"), 2);
    CHECK_INT(lm__hdfs_parent_size("/a"), 0);
}

TEST(a_request_is_these_bytes)
{
    lm_buffer out;
    lm_error error;
    const lm_hdfs_who user = {.user = "a b+c"}, token = {"ada", "KAA/b=="}, nobody = {NULL, NULL};
    lm__buffer_init(&out, NULL, 300);
    CHECK_OK(lm__hdfs_url(&out, false, "h:9870",
                          "/a b/%20+#?&=;,:@'\"\x7f"
                          "ü~-._",
                          "OPEN", &user, "&offset=1", &error),
             error);
    CHECK_TEXT((const char *)out.data,
               "http://h:9870/webhdfs/v1/a%20b/%2520%2B%23%3F%26%3D%3B%2C%3A%40%27%22%7F%C3%BC~-._"
               "?op=OPEN&user.name=a%20b%2Bc&offset=1");
    CHECK_OK(lm__hdfs_url(&out, true, "[::1]:9871", "/", "GETFILESTATUS", &token, NULL, &error),
             error);
    CHECK_TEXT((const char *)out.data,
               "https://[::1]:9871/webhdfs/v1/?op=GETFILESTATUS&delegation=KAA/b%3D%3D");
    CHECK_OK(lm__hdfs_url(&out, true, "h:1", "/a", "MKDIRS", &nobody, NULL, &error), error);
    CHECK_TEXT((const char *)out.data, "https://h:1/webhdfs/v1/a?op=MKDIRS");
    char long_path[400];
    memset(long_path, '%', sizeof long_path - 1);
    long_path[399] = '\0';
    CHECK_STATUS(lm__hdfs_url(&out, true, "h:1", long_path, "MKDIRS", &nobody, NULL, &error),
                 LM_LIMIT);
    lm__buffer_deinit(&out);
}

/* ---- answers ---- */

/* As a NameNode of 3.4.3 wrote it. */
#define STATUS(type, length, suffix)                                                               \
    "{\"accessTime\":1795252590379,\"blockSize\":1048576,\"childrenNum\":0,\"fileId\":16387,"      \
    "\"group\":\"supergroup\",\"length\":" length ",\"modificationTime\":1795252590489,"           \
    "\"owner\":\"root\",\"pathSuffix\":\"" suffix "\",\"permission\":\"1755\",\"replication\":1,"  \
    "\"storagePolicy\":0,\"type\":\"" type "\"}"

TEST(a_file_status_is_read)
{
    static const char text[] = "{\"FileStatus\":" STATUS("FILE", "12", "b c\\u20ac") "}";
    lm_hdfs_file file;
    lm_arena arena;
    lm_error error;
    lm__arena_init(&arena, NULL, 0);
    CHECK_OK(lm__hdfs_file_read(&arena, text, strlen(text), &file, &error), error);
    CHECK_INT(file.kind, LM_STORE_FILE);
    CHECK_INT(file.size, 12);
    CHECK_INT(file.id, 16387);
    CHECK_INT(file.block_bytes, 1048576);
    CHECK_INT(file.mtime_ms, 1795252590489);
    CHECK_INT(file.permission, 01755);
    CHECK_TEXT(file.name, "b c\xe2\x82\xac");
    CHECK_TEXT(file.owner, "root");
    CHECK_TEXT(file.group, "supergroup");
    CHECK(!file.has_acl);
    static const char small[] =
        "{\"FileStatus\":{\"type\":\"DIRECTORY\",\"length\":0,\"aclBit\":true}}";
    CHECK_OK(lm__hdfs_file_read(&arena, small, strlen(small), &file, &error), error);
    CHECK_INT(file.kind, LM_STORE_DIRECTORY);
    CHECK_INT(file.id, 0);
    CHECK(file.has_acl);
    lm__arena_deinit(&arena);
}

TEST(an_answer_that_is_none_is_refused)
{
    static const char *const bad[] = {
        "",
        "<html>",
        "[]",
        "{}",
        "{\"FileStatus\":7}",
        "{\"FileStatus\":{\"type\":\"FILE\"}}",
        "{\"FileStatus\":{\"length\":1}}",
        "{\"FileStatus\":{\"type\":\"PIPE\",\"length\":1}}",
        "{\"FileStatus\":{\"type\":\"FILE\",\"length\":-1}}",
        "{\"FileStatus\":{\"type\":\"FILE\",\"length\":1e3}}",
        "{\"FileStatus\":{\"type\":\"FILE\",\"length\":\"1\"}}",
        "{\"FileStatus\":{\"type\":\"FILE\",\"length\":1,\"fileId\":1.5}}",
        "{\"FileStatus\":{\"type\":\"FILE\",\"length\":1,\"modificationTime\":99999999999999}}",
        "{\"FileStatus\":{\"type\":\"FILE\",\"length\":1,\"permission\":\"888\"}}",
        "{\"FileStatus\":{\"type\":\"FILE\",\"length\":1,\"permission\":\"77777777777\"}}",
        "{\"FileStatus\":{\"type\":\"FILE\",\"length\":1,\"pathSuffix\":\"a/b\"}}",
        "{\"FileStatus\":{\"type\":\"FILE\",\"length\":1,\"pathSuffix\":\"a\\u0000b\"}}",
    };
    lm_arena arena;
    lm_hdfs_file file;
    lm_hdfs_listing listing;
    bool value;
    lm__arena_init(&arena, NULL, 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        lm_error error = {0};
        CHECK_STATUS(lm__hdfs_file_read(&arena, bad[i], strlen(bad[i]), &file, &error), LM_IO);
        CHECK(strncmp(error.message, "the server's answer is none of WebHDFS (", 40) == 0);
        CHECK_STATUS(lm__hdfs_listing_read(&arena, bad[i], strlen(bad[i]), &listing, &error),
                     LM_IO);
        CHECK_STATUS(lm__hdfs_boolean_read(&arena, bad[i], strlen(bad[i]), &value, &error), LM_IO);
        CHECK(!lm__hdfs_is_open_read(&arena, bad[i], strlen(bad[i])));
    }
    lm__arena_deinit(&arena);
}

TEST(a_listing_is_read)
{
    static const char batch[] =
        "{\"DirectoryListing\":{\"partialListing\":{\"FileStatuses\":{\"FileStatus\":[" STATUS(
            "FILE", "12", "a") "," STATUS("DIRECTORY", "0", "b") "]}},\"remainingEntries\":7}}";
    static const char whole[] = "{\"FileStatuses\":{\"FileStatus\":[]}}";
    static const char yes[] = "{\"boolean\":true}", no[] = "{\"boolean\": false }";
    static const char open[] = "{\"LocatedBlocks\":{\"isUnderConstruction\":true}}";
    lm_hdfs_listing listing;
    lm_arena arena;
    lm_error error;
    bool value;
    lm__arena_init(&arena, NULL, 0);
    CHECK_OK(lm__hdfs_listing_read(&arena, batch, strlen(batch), &listing, &error), error);
    CHECK_INT(listing.count, 2);
    CHECK_INT(listing.remaining, 7);
    CHECK_TEXT(listing.files[1].name, "b");
    CHECK_INT(listing.files[1].kind, LM_STORE_DIRECTORY);
    CHECK_OK(lm__hdfs_listing_read(&arena, whole, strlen(whole), &listing, &error), error);
    CHECK_INT(listing.count, 0);
    CHECK_INT(listing.remaining, 0);
    CHECK_OK(lm__hdfs_boolean_read(&arena, yes, strlen(yes), &value, &error), error);
    CHECK(value);
    CHECK_OK(lm__hdfs_boolean_read(&arena, no, strlen(no), &value, &error), error);
    CHECK(!value);
    CHECK(lm__hdfs_is_open_read(&arena, open, strlen(open)));
    static const char located[] =
        "{\"LocatedBlocks\":{\"locatedBlocks\":[{\"locations\":[{\"hostName\":\"d1\","
        "\"infoPort\":9864,\"infoSecurePort\":0,\"ipAddr\":\"10.0.0.1\",\"name\":\"10.0.0.1:9866\"}"
        ","
        "{\"hostName\":\"D2\",\"infoPort\":9864,\"infoSecurePort\":9865,\"ipAddr\":\"10.0.0.2\","
        "\"name\":\"10.0.0.2:9866\"}]}]}}";
    char name[LM_HDFS_NODE_NAME_MAX];
    CHECK(lm__hdfs_node_read(&arena, located, strlen(located), "d1:9864", name));
    CHECK_TEXT(name, "10.0.0.1:9866");
    CHECK(lm__hdfs_node_read(&arena, located, strlen(located), "10.0.0.2:9865", name));
    CHECK_TEXT(name, "10.0.0.2:9866");
    CHECK(lm__hdfs_node_read(&arena, located, strlen(located), "d2:9864", name));
    CHECK(!lm__hdfs_node_read(&arena, located, strlen(located), "d1:9865", name));
    CHECK(!lm__hdfs_node_read(&arena, located, strlen(located), "d3:0", name));
    lm__arena_deinit(&arena);
}

static lm_hdfs_meaning meaning_of(int status, const char *text, lm_hdfs_exception *told)
{
    lm_arena arena;
    lm__arena_init(&arena, NULL, 0);
    lm__hdfs_exception_read(&arena, text, strlen(text), told);
    lm__arena_deinit(&arena);
    return lm__hdfs_meaning(status, told);
}

#define EXCEPTION(name, message)                                                                   \
    "{\"RemoteException\":{\"exception\":\"" name "\",\"javaClassName\":\"x." name                 \
    "\",\"message\":\"" message "\"}}"

TEST(an_exception_has_a_meaning)
{
    lm_hdfs_exception told;
    CHECK_INT(
        meaning_of(404,
                   EXCEPTION("FileNotFoundException",
                             "Parent directory doesn't exist: /no\\n\\tat org.x.Y(Y.java:1)\\n"),
                   &told)
            .status,
        LM_NOT_FOUND);
    CHECK_TEXT(told.message, "Parent directory doesn't exist: /no");
    CHECK_TEXT(told.name, "FileNotFoundException");
    CHECK_INT(
        meaning_of(403, EXCEPTION("AccessControlException", "Permission denied"), &told).status,
        LM_PERMISSION);
    CHECK_INT(meaning_of(403, EXCEPTION("FileAlreadyExistsException", "x"), &told).status,
              LM_EXISTS);
    CHECK_INT(meaning_of(403, EXCEPTION("DSQuotaExceededException", "x"), &told).status,
              LM_NO_SPACE);
    CHECK_INT(meaning_of(403, EXCEPTION("IOException", "x"), &told).status, LM_IO);
    CHECK_INT(meaning_of(
                  403,
                  EXCEPTION("IOException", "Source /a and destination /b must both be directories"),
                  &told)
                  .status,
              LM_UNSUITABLE);
    CHECK(meaning_of(403, EXCEPTION("IOException", "x is in safe mode."), &told).passes);
    lm_hdfs_meaning meaning = meaning_of(403, EXCEPTION("StandbyException", "x"), &told);
    CHECK(meaning.is_standby && meaning.passes);
    meaning = meaning_of(403, EXCEPTION("RetriableException", "x"), &told);
    CHECK(!meaning.is_standby && meaning.passes);
    CHECK_INT(meaning_of(403, "<html>no</html>", &told).status, LM_PERMISSION);
    CHECK_TEXT(told.name, "");
    CHECK_INT(meaning_of(401, "", &told).status, LM_PERMISSION);
    CHECK_INT(meaning_of(404, "", &told).status, LM_NOT_FOUND);
    CHECK_INT(meaning_of(414, "", &told).status, LM_LIMIT);
    CHECK_INT(meaning_of(502, "", &told).status, LM_IO);
}

/* ---- tokens ---- */

/* The bytes and the texts are those of Hadoop 3.4.3's Credentials and Token.encodeToUrlString. */
static size_t tokens_make(uint8_t out[600])
{
    static const char head[] = "HDTS\0\3\2a1\x8f\xc8";
    static const char tail[] = "\x13password12345678901\x15HDFS_DELEGATION_TOKEN\x0bha-hdfs:ns1"
                               "\2a2\1x\1y\6kms-dt\7kms://h"
                               "\2a3\2i3\2p3\x12WEBHDFS delegation\x0d"
                               "10.0.0.1:9870\1\1s\1k";
    size_t size = sizeof head - 1;
    memcpy(out, head, size);
    for (int i = 0; i < 200; i++) out[size++] = (uint8_t)(i * 7);
    memcpy(out + size, tail, sizeof tail - 1);
    return size + sizeof tail - 1;
}

static const char *token_of(lm_arena *arena, const uint8_t *data, size_t size, const char *service)
{
    const char *token;
    lm_error error;
    CHECK_OK(lm__hadoop_tokens_read(arena, "t", data, size, service, &token, &error), error);
    return token ? token : "(none)";
}

TEST(a_token_is_found_by_its_service)
{
    static const char first[] =
        "j8gABw4VHCMqMTg_Rk1UW2JpcHd-hYyTmqGor7a9xMvS2eDn7vX8AwoRGB8mLTQ7QklQV15lbHN6gYiPlp2kq7K5"
        "wMfO1dzj6vH4_wYNFBsiKTA3PkVMU1phaG92fYSLkpmgp661vMPK0djf5u30-wIJEBceJSwzOkFIT1ZdZGtyeYCH"
        "jpWco6qxuL_GzdTb4unw9_4FDBMaISgvNj1ES1JZYGdudXyDipGYn6attLvCydDX3uXs8_oBCA8WHSQrMjlAR05V"
        "XGNqcRNwYXNzd29yZDEyMzQ1Njc4OTAxFUhERlNfREVMRUdBVElPTl9UT0tFTgtoYS1oZGZzOm5zMQ";
    uint8_t data[600];
    size_t size = tokens_make(data);
    const char *token;
    lm_arena arena;
    lm_error error;
    lm__arena_init(&arena, NULL, 0);
    CHECK_TEXT(token_of(&arena, data, size, "ns1"), first);
    CHECK_TEXT(token_of(&arena, data, size, "10.0.0.1:9870"),
               "AmkzAnAzEldFQkhERlMgZGVsZWdhdGlvbg0xMC4wLjAuMTo5ODcw");
    CHECK_TEXT(token_of(&arena, data, size, "ns2"), "(none)"); /* two, and neither is it */
    data[5] = 1;
    CHECK_TEXT(token_of(&arena, data, size, "ns2"), first); /* the only one */
    data[5] = 3;
    for (size_t cut = 0; cut < size - 6; cut++) { /* but the secrets, which are not looked at */
        lm_status status = lm__hadoop_tokens_read(&arena, "t", data, cut, "ns1", &token, &error);
        CHECK_STATUS(status, LM_INVALID);
    }
    data[4] = 1;
    CHECK_STATUS(lm__hadoop_tokens_read(&arena, "t", data, size, "ns1", &token, &error),
                 LM_UNSUPPORTED);
    CHECK_STATUS(lm__hadoop_tokens_load(&arena, "/nowhere/t", "ns1", &token, &error), LM_NOT_FOUND);
    lm__arena_deinit(&arena);
}

/* ---- memory ---- */

TEST(each_allocation_may_fail)
{
    static const char text[] =
        "{\"FileStatuses\":{\"FileStatus\":[" STATUS("FILE", "12", "a") "]}}";
    for (size_t n = 0;; n++) {
        check_alloc memory;
        lm_hadoop_conf conf;
        lm_namenodes nodes;
        lm_hdfs_listing listing;
        lm_arena arena;
        check_alloc_init(&memory, n);
        lm__hadoop_conf_init(&conf, &memory.allocator);
        lm__arena_init(&arena, &memory.allocator, 0);
        lm_status status = conf_read(&conf, "<configuration>" HA "</configuration>", NULL);
        if (status == LM_OK)
            status = lm__namenodes_find(&conf, &conf.arena, "hdfs://ns1", 10, &nodes, NULL);
        if (status == LM_OK)
            status = lm__hdfs_listing_read(&arena, text, strlen(text), &listing, NULL);
        lm__hadoop_conf_deinit(&conf);
        lm__arena_deinit(&arena);
        CHECK_INT(memory.live, 0);
        if (!memory.failed) break;
        CHECK_STATUS(status, LM_NO_MEMORY);
    }
}

int main(void)
{
    RUN(a_configuration_is_read);
    RUN(what_is_no_configuration_is_refused);
    RUN(depth_has_a_limit);
    RUN(later_properties_go_before_earlier_ones_that_are_not_final);
    RUN(values_name_each_other);
    RUN(a_directory_is_loaded_with_what_its_files_include);
    RUN(a_url_leads_to_namenodes);
    RUN(a_url_that_leads_nowhere_says_why);
    RUN(a_path_is_taken_from_its_url);
    RUN(a_request_is_these_bytes);
    RUN(a_file_status_is_read);
    RUN(an_answer_that_is_none_is_refused);
    RUN(a_listing_is_read);
    RUN(an_exception_has_a_meaning);
    RUN(a_token_is_found_by_its_service);
    RUN(each_allocation_may_fail);
    return DONE();
}
