/*
 * A disk that takes a millisecond more to confirm a write, as many do in a data centre: preloaded into PostgreSQL
 * (LD_PRELOAD), it lets fsync and fdatasync wait before they do their work. CQRS_FSYNC_DELAY_US says how many
 * microseconds.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

static struct timespec delay;

__attribute__((constructor)) static void read_delay(void)
{
    const char *text = getenv("CQRS_FSYNC_DELAY_US");
    long microseconds = text ? atol(text) : 0;
    delay.tv_sec = microseconds / 1000000;
    delay.tv_nsec = microseconds % 1000000 * 1000;
}

/* PostgreSQL's signals, such as a cancelled query, may interrupt the wait: it goes on for what is left of it. */
static void wait_before(void)
{
    struct timespec left = delay;
    while (nanosleep(&left, &left) == -1 && errno == EINTR)
        ;
}

static int synced(const char *name, int file)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    if (!real) {
        errno = ENOSYS;
        return -1;
    }
    wait_before();
    return real(file);
}

int fsync(int file)
{
    return synced("fsync", file);
}

int fdatasync(int file)
{
    return synced("fdatasync", file);
}
