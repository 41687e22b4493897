/*
 * Files that the engine reads more than once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/offline/sql_support.h"

#include <stdio.h>
#include <unistd.h>

/* A file is what it is when it is read, also where another of its name, age and length was read before. */
static void files__one_that_takes_the_place_of_another__is_read_anew(void **state) {
    (void)state;
    sql_fixture fixture;
    sql_fixture_open(&fixture);
    char copy[500], read[400], path[300], text[32];
    snprintf(path, sizeof path, "%s/again.parquet", fixture.folder);
    snprintf(read, sizeof read, "SELECT min(x)::BIGINT, max(x)::BIGINT FROM '%s'", path);
    for (int i = 1; i <= 200; i++) {
        snprintf(copy, sizeof copy,
                 "COPY (SELECT (range * 0 + %d)::BIGINT AS x FROM range(%d)) TO '%s' (FORMAT parquet)", i,
                 1000 + 7919 * i % 5000, path);
        (void)unlink(path);
        sql_run(&fixture, copy);
        snprintf(text, sizeof text, "%d|%d", i, i);
        assert_string_equal(sql_text(&fixture, read, NULL), text);
    }
    sql_fixture_close(&fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files__one_that_takes_the_place_of_another__is_read_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
