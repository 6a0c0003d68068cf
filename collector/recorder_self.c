/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who we are, and what keeps us alive while others die. */
#include "recorder_loop.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "procfs.h"

#define STACK_BYTES ((size_t)256 << 10)
#define HEAP_BYTES  ((size_t)2 << 20)
#define HEAP_PIECE  ((size_t)64 << 10)       /* below HEAP_LARGEST: comes from the heap and goes back to it */
#define HEAP_LARGEST (1 << 17)
#define OWN_ADJ     (-900)

static int64_t clock_us(clockid_t id)
{
	struct timespec t;

	(void)clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t oom_rec_clock(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

int64_t oom_rec_wall_minus_mono(void)
{
	return clock_us(CLOCK_REALTIME) - oom_rec_clock();
}

static int read_word(struct oom_rec *r, const char *path, struct oom_str *ret)
{
	char text[256];
	struct oom_str s;

	if (oom_proc_read(AT_FDCWD, path, text, sizeof(text), &s) < 0)
		return 0;
	while (s.n && s.p[s.n - 1] == '\n')
		s.n--;
	return s.n ? oom_arena_str(&r->arena, s, ret) : 0;
}

int oom_rec_self(struct oom_rec *r, struct oom_err *reterr)
{
	struct oom_recorder_self *s = &r->self;

	s->page_size = sysconf(_SC_PAGESIZE);
	s->wall_minus_mono_us = oom_rec_wall_minus_mono();
	r->spool = oom_arena_fmt(&r->arena, "%s/spool.db", oom_status_dir(r->status)).p;
	if (!r->spool || read_word(r, "/proc/sys/kernel/hostname", &s->host) < 0 ||
	    read_word(r, "/etc/machine-id", &s->machine_id) < 0 ||
	    read_word(r, "/proc/sys/kernel/random/boot_id", &s->boot_id) < 0 ||
	    read_word(r, "/proc/sys/kernel/osrelease", &s->kernel) < 0)
		return oom_err_set(reterr, ENOMEM, "cannot start the recorder: out of memory");
	return 0;
}

/* ---- staying alive ----------------------------------------------------------------------------------------- */

static void lower_own_adj(struct oom_rec *r)
{
	int64_t now = oom_proc_number(AT_FDCWD, "/proc/self/oom_score_adj");
	char text[16];
	int fd, n = snprintf(text, sizeof(text), "%d", OWN_ADJ);
	bool done;

	/* whoever started us may have set it lower */
	if (now != OOM_NA && now <= OWN_ADJ)
		return;
	fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	done = fd >= 0 && write(fd, text, (size_t)n) == n;
	if (fd >= 0)
		(void)close(fd);
	if (!done)
		oom_rec_say(r, 6, "the OOM killer may choose the recorder itself: it may not lower its oom_score_adj (%s)",
			    strerror(errno));
}

void oom_rec_one_heap(void)
{
	(void)mallopt(M_ARENA_MAX, 1);
	/* else glibc learns from the first piece of 5 MB, a kernel's type information, to keep such in the heap for good */
	(void)mallopt(M_MMAP_THRESHOLD, HEAP_LARGEST);
}

void oom_rec_trim(void)
{
	(void)malloc_trim(0);
}

/* What is freed from now on stays ours. */
static void fill_heap(void)
{
	void *piece[HEAP_BYTES / HEAP_PIECE];

	(void)mallopt(M_TRIM_THRESHOLD, 1 << 28);
	(void)mallopt(M_TOP_PAD, 1 << 18);
	for (size_t i = 0; i < OOM_ARRAY_SIZE(piece); i++) {
		piece[i] = oom_malloc(HEAP_PIECE);
		if (piece[i])
			memset(piece[i], 1, HEAP_PIECE);
	}
	for (size_t i = 0; i < OOM_ARRAY_SIZE(piece); i++)
		oom_free(piece[i]);
}

static void touch_stack(void)
{
	volatile char room[STACK_BYTES];

	for (size_t i = 0; i < sizeof(room); i += 4096)
		room[i] = 1;
}

void oom_rec_protect(struct oom_rec *r)
{
	fill_heap();
	touch_stack();
	/* what was never touched is not made resident: libraries are larger than what we use of them */
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0)
		oom_rec_say(r, 6, "the recorder's memory may be swapped out: it may not lock it (%s)", strerror(errno));
	lower_own_adj(r);
}
