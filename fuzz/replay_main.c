/*
 * Runs a fuzz target over files: every regular file of the folders and every file named on the command line, in order of
 * name. Plain builds replay the corpus this way, with any compiler; a finding is added to the corpus as a file.
 *
 * Exit code 0: all were run. 1: nothing was there to run, or a file could not be read.
 */
#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_len);

/* Reads from a stream of known length; the buffer is exactly as long, so that a sanitizer sees one byte too many. */
static uint8_t *read_stream(FILE *stream, size_t len) {
    uint8_t *data = malloc(len > 0 ? len : 1);
    if (data != NULL && fread(data, 1, len, stream) != len) {
        free(data);
        return NULL;
    }
    return data;
}

static int replay_file(const char *path, size_t len) {
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) {
        perror(path);
        return -1;
    }
    uint8_t *data = read_stream(stream, len);
    (void)fclose(stream);
    if (data == NULL) {
        (void)fprintf(stderr, "%s: cannot be read\n", path);
        return -1;
    }
    (void)fprintf(stderr, "%s (%zu bytes)\n", path, len);
    (void)LLVMFuzzerTestOneInput(data, len);
    free(data);
    return 1;
}

static int replay_path(const char *path);

static int replay_folder(const char *folder) {
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, NULL, alphasort);
    int replayed = 0;
    for (int i = 0; i < count; i++) {
        char path[4096];
        int len = snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && len > 0 && (size_t)len < sizeof(path) && replayed >= 0) {
            int result = replay_path(path);
            replayed = result < 0 ? -1 : replayed + result;
        }
        free(entries[i]);
    }
    free(entries);
    return count < 0 ? -1 : replayed;
}

/* Returns how many files were run, or -1. */
static int replay_path(const char *path) {
    struct stat info;
    if (stat(path, &info) != 0) {
        perror(path);
        return -1;
    }
    return S_ISDIR(info.st_mode) ? replay_folder(path) : replay_file(path, (size_t)info.st_size);
}

int main(int argc, char **argv) {
    int total = 0;
    for (int i = 1; i < argc; i++) {
        int replayed = replay_path(argv[i]);
        if (replayed < 0) {
            return EXIT_FAILURE;
        }
        total += replayed;
    }
    (void)printf("%d inputs replayed\n", total);
    return total > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
