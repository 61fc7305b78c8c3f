// Injects faults into the calls that a process makes to the C library: LD_PRELOAD names this library, FAULTS_CONTROL a file with a
// `struct control`, which a test changes while the process runs, and FAULTS_DURABLE a folder.
//
// - The wall clock is shifted. The monotonic clock is not.
// - Calls on the files of the database fail with an errno.
// - After each successful fsync of such a file, its content is copied to the folder: what is there survives a power failure.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct control {
    int64_t clock_seconds;
    int32_t read_errno, write_errno, sync_errno, ignores_sync;
};

static const struct control none;
static const volatile struct control *control = &none;

enum { DESCRIPTORS = 65536, NAME = 32 };
// The name of the database file that a descriptor refers to, without its folder. Empty for all others.
static char names[DESCRIPTORS][NAME];

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name) {
    void *function = dlsym(RTLD_NEXT, name);
    if (!function) abort();
    return function;
}

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("FAULTS_CONTROL");
    int file = path ? REAL(open)(path, O_RDONLY) : -1;
    if (file < 0) return;
    void *shared = mmap(NULL, sizeof none, PROT_READ, MAP_SHARED, file, 0);
    if (shared != MAP_FAILED) control = shared;
    REAL(close)(file);
}

static const char *name_of(int file) {
    return file >= 0 && file < DESCRIPTORS ? names[file] : "";
}

// Returns 1 and sets errno if a call on this descriptor is to fail.
static int fails(int file, int32_t error) {
    if (!error || !*name_of(file)) return 0;
    errno = error;
    return 1;
}

static int opened(int file, const char *path) {
    if (file < 0 || file >= DESCRIPTORS) return file;
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    if (strncmp(name, "weapp.db", 8)) name = "";
    snprintf(names[file], NAME, "%s", name);
    return file;
}

int open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = va_arg(arguments, mode_t);
    va_end(arguments);
    return opened(REAL(open)(path, flags, mode), path);
}

int open64(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = va_arg(arguments, mode_t);
    va_end(arguments);
    return opened(REAL(open64)(path, flags, mode), path);
}

int close(int file) {
    if (file >= 0 && file < DESCRIPTORS) names[file][0] = 0;
    return REAL(close)(file);
}

ssize_t read(int file, void *bytes, size_t count) {
    return fails(file, control->read_errno) ? -1 : REAL(read)(file, bytes, count);
}

ssize_t pread64(int file, void *bytes, size_t count, off64_t offset) {
    return fails(file, control->read_errno) ? -1 : REAL(pread64)(file, bytes, count, offset);
}

ssize_t write(int file, const void *bytes, size_t count) {
    return fails(file, control->write_errno) ? -1 : REAL(write)(file, bytes, count);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset) {
    return fails(file, control->write_errno) ? -1 : REAL(pwrite64)(file, bytes, count, offset);
}

int ftruncate64(int file, off64_t length) {
    return fails(file, control->write_errno) ? -1 : REAL(ftruncate64)(file, length);
}

// Copies the content of a file to the folder of durable files, under the same name.
static void keep(int file) {
    const char *folder = getenv("FAULTS_DURABLE");
    if (!folder || !*name_of(file) || control->ignores_sync) return;
    char path[4096], partial[4096 + 8], bytes[65536];
    snprintf(path, sizeof path, "%s/%s", folder, name_of(file));
    snprintf(partial, sizeof partial, "%s.partial", path);
    int copy = REAL(open)(partial, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (copy < 0) abort();
    off64_t offset = 0;
    for (;;) {
        ssize_t count = REAL(pread64)(file, bytes, sizeof bytes, offset);
        if (count < 0) abort();
        if (count == 0) break;
        if (REAL(write)(copy, bytes, count) != count) abort();
        offset += count;
    }
    REAL(close)(copy);
    if (rename(partial, path)) abort();
}

int fsync(int file) {
    if (fails(file, control->sync_errno)) return -1;
    int result = REAL(fsync)(file);
    if (result == 0) keep(file);
    return result;
}

int fdatasync(int file) {
    if (fails(file, control->sync_errno)) return -1;
    int result = REAL(fdatasync)(file);
    if (result == 0) keep(file);
    return result;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = REAL(clock_gettime)(clock, now);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) now->tv_sec += control->clock_seconds;
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    int result = REAL(gettimeofday)(now, zone);
    now->tv_sec += control->clock_seconds;
    return result;
}

time_t time(time_t *now) {
    time_t shifted = REAL(time)(NULL) + control->clock_seconds;
    if (now) *now = shifted;
    return shifted;
}
