/*
 * Capturing stdout and stderr: descriptor 1 or 2 is a temporary file between begin and end.
 */
#include "tests/cli/capture.h"

#include "tests/support/support.h"

#include <unistd.h>

void capture_begin(capture *into, FILE *stream) {
    assert_int_equal(fflush(stream), 0);
    into->stream = stream;
    into->file = tmpfile();
    assert_non_null(into->file);
    into->saved = dup(fileno(stream));
    assert_true(into->saved >= 0);
    assert_true(dup2(fileno(into->file), fileno(stream)) >= 0);
}

const char *capture_end(capture *into) {
    assert_int_equal(fflush(into->stream), 0);
    assert_true(dup2(into->saved, fileno(into->stream)) >= 0);
    close(into->saved);
    rewind(into->file);
    size_t len = fread(into->text, 1, sizeof(into->text) - 1, into->file);
    assert_true(len < sizeof(into->text) - 1);
    into->text[len] = '\0';
    fclose(into->file);
    return into->text;
}
