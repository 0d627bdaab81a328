/*
 * Shifts the wall clock of one process by the seconds in a file that its test changes (8 bytes,
 * native order). The monotonic clock is left alone. For LD_PRELOAD.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int (*real_clock_gettime)(clockid_t, struct timespec *);
static volatile int64_t *seconds;

__attribute__((constructor)) static void begin(void) {
  real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
  const char *name = getenv("SKEWED_CLOCK_FILE");
  int file = name ? open(name, O_RDONLY) : -1;
  if (file >= 0) {
    void *page = mmap(0, sizeof *seconds, PROT_READ, MAP_SHARED, file, 0);
    seconds = page == MAP_FAILED ? 0 : page;
    close(file);
  }
}

int clock_gettime(clockid_t which, struct timespec *out) {
  if (!real_clock_gettime) {
    begin();
  }
  int failed = real_clock_gettime(which, out);
  if (!failed && seconds && which == CLOCK_REALTIME) {
    out->tv_sec += *seconds;
  }
  return failed;
}

int gettimeofday(struct timeval *out, void *zone) {
  (void)zone;
  struct timespec now;
  int failed = clock_gettime(CLOCK_REALTIME, &now);
  out->tv_sec = now.tv_sec;
  out->tv_usec = now.tv_nsec / 1000;
  return failed;
}

time_t time(time_t *out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out) {
    *out = now.tv_sec;
  }
  return now.tv_sec;
}
