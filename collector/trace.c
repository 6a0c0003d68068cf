/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The feed "trace": the kernel's oom tracepoints, through a trace instance of our own.  The only file that
 * knows libtracefs and libtraceevent.
 *
 * The libraries find the directory, make the instance and read the format texts; from then on events are
 * decoded by a compiled table of offsets, without them and without an allocation.
 */
#include "feed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <event-parse.h>
#include <kbuffer.h>
#include <tracefs.h>

#define INSTANCE "oomlens-"
#define BUFFER_KB 256                 /* per CPU; an event of ours takes about 100 bytes */
#define MAX_CPUS 4096

/* ---- the events, and where their fields belong -------------------------------------------------------- */

enum { E_MARK_VICTIM, E_WAKE_REAPER, E_REAP_START, E_REAP_FINISH, E_REAP_SKIP, E_SCORE_ADJ, E_RETRY_ZONE,
       E_COMPACT_RETRY, EVENTS };

static const struct {
	const char *name;
	enum oom_fact_kind kind;
	bool on_request;
} events[EVENTS] = {
	[E_MARK_VICTIM]   = { "mark_victim",          OOM_FACT_MARK_VICTIM,   false },
	[E_WAKE_REAPER]   = { "wake_reaper",          OOM_FACT_WAKE_REAPER,   false },
	[E_REAP_START]    = { "start_task_reaping",   OOM_FACT_REAP_START,    false },
	[E_REAP_FINISH]   = { "finish_task_reaping",  OOM_FACT_REAP_FINISH,   false },
	[E_REAP_SKIP]     = { "skip_task_reaping",    OOM_FACT_REAP_SKIP,     false },
	[E_SCORE_ADJ]     = { "oom_score_adj_update", OOM_FACT_SCORE_ADJ,     false },
	[E_RETRY_ZONE]    = { "reclaim_retry_zone",   OOM_FACT_RETRY_ZONE,    true },
	[E_COMPACT_RETRY] = { "compact_retry",        OOM_FACT_COMPACT_RETRY, true },
};

enum convert { C_PLAIN, C_KB_TO_PAGES, C_KB_TO_BYTES, C_STR };

/* Fields that an event's format does not have stay unknown: mark_victim told the pid alone up to 6.8. */
#define F(ev, name, member, how) { ev, how, offsetof(struct oom_fact, member), name }
static const struct {
	uint8_t event, convert;
	uint16_t to;
	const char *name;
} fields[] = {
	F(E_MARK_VICTIM,   "pid",               pid,               C_PLAIN),
	F(E_MARK_VICTIM,   "comm",              comm,              C_STR),
	F(E_MARK_VICTIM,   "total_vm",          total_vm_pages,    C_KB_TO_PAGES),
	F(E_MARK_VICTIM,   "anon_rss",          rss_anon_pages,    C_KB_TO_PAGES),
	F(E_MARK_VICTIM,   "file_rss",          rss_file_pages,    C_KB_TO_PAGES),
	F(E_MARK_VICTIM,   "shmem_rss",         rss_shmem_pages,   C_KB_TO_PAGES),
	F(E_MARK_VICTIM,   "uid",               uid,               C_PLAIN),
	F(E_MARK_VICTIM,   "pgtables",          pgtables_bytes,    C_KB_TO_BYTES),
	F(E_MARK_VICTIM,   "oom_score_adj",     oom_score_adj,     C_PLAIN),
	F(E_WAKE_REAPER,   "pid",               pid,               C_PLAIN),
	F(E_REAP_START,    "pid",               pid,               C_PLAIN),
	F(E_REAP_FINISH,   "pid",               pid,               C_PLAIN),
	F(E_REAP_SKIP,     "pid",               pid,               C_PLAIN),
	F(E_SCORE_ADJ,     "pid",               pid,               C_PLAIN),
	F(E_SCORE_ADJ,     "comm",              comm,              C_STR),
	F(E_SCORE_ADJ,     "oom_score_adj",     oom_score_adj,     C_PLAIN),
	F(E_RETRY_ZONE,    "node",              node,              C_PLAIN),
	F(E_RETRY_ZONE,    "zone_idx",          zone,              C_PLAIN),
	F(E_RETRY_ZONE,    "order",             order,             C_PLAIN),
	F(E_RETRY_ZONE,    "reclaimable",       reclaimable_pages, C_PLAIN),
	F(E_RETRY_ZONE,    "available",         available_pages,   C_PLAIN),
	F(E_RETRY_ZONE,    "min_wmark",         min_wmark_pages,   C_PLAIN),
	F(E_RETRY_ZONE,    "no_progress_loops", retries,           C_PLAIN),
	F(E_RETRY_ZONE,    "wmark_check",       retry,             C_PLAIN),
	F(E_COMPACT_RETRY, "order",             order,             C_PLAIN),
	F(E_COMPACT_RETRY, "priority",          priority,          C_PLAIN),
	F(E_COMPACT_RETRY, "result",            result,            C_PLAIN),
	F(E_COMPACT_RETRY, "retries",           retries,           C_PLAIN),
	F(E_COMPACT_RETRY, "max_retries",       max_retries,       C_PLAIN),
	F(E_COMPACT_RETRY, "ret",               retry,             C_PLAIN),
};
#undef F

/* ---- decoding ----------------------------------------------------------------------------------------- */

#define MAX_FIELDS 10
struct decoder {
	int id;                       /* the event's number in raw data; -1 = this kernel has no such event */
	uint8_t event, n;
	struct {
		uint8_t convert;
		bool is_signed, dynamic;
		uint16_t to;
		unsigned offset, size;
	} field[MAX_FIELDS];
};

/* False when the format has none of the event's fields. */
static bool compile(struct decoder *d, int event, struct tep_event *format)
{
	d->id = format->id;
	d->event = (uint8_t)event;
	d->n = 0;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(fields); i++) {
		struct tep_format_field *f;

		f = fields[i].event == event ? tep_find_field(format, fields[i].name) : NULL;
		if (!f || f->offset < 0 || f->size <= 0 || d->n == MAX_FIELDS)
			continue;
		d->field[d->n].convert = fields[i].convert;
		d->field[d->n].to = fields[i].to;
		d->field[d->n].is_signed = f->flags & TEP_FIELD_IS_SIGNED;
		d->field[d->n].dynamic = f->flags & TEP_FIELD_IS_DYNAMIC;
		d->field[d->n].offset = (unsigned)f->offset;
		d->field[d->n].size = (unsigned)f->size;
		d->n++;
	}
	return d->n > 0;
}

/* An integer of 1, 2, 4 or 8 bytes, sign-extended by its own size: the libraries give adj -5 as 65531. */
static int64_t read_int(const unsigned char *p, unsigned size, bool is_signed)
{
	uint8_t b;
	uint16_t h;
	uint32_t w;
	uint64_t q;

	switch (size) {
	case 1:
		memcpy(&b, p, 1);
		return is_signed ? (int64_t)(int8_t)b : (int64_t)b;
	case 2:
		memcpy(&h, p, 2);
		return is_signed ? (int64_t)(int16_t)h : (int64_t)h;
	case 4:
		memcpy(&w, p, 4);
		return is_signed ? (int64_t)(int32_t)w : (int64_t)w;
	case 8:
		memcpy(&q, p, 8);
		return (int64_t)q;
	default:
		return OOM_NA;
	}
}

/* A char array, or the 32-bit locator of one: offset below, length above. */
static struct oom_str read_str(const unsigned char *raw, size_t n, unsigned offset, unsigned size,
			       bool dynamic)
{
	const char *p;

	if (dynamic) {
		uint32_t at = (uint32_t)read_int(raw + offset, 4, false);

		offset = at & 0xffff;
		size = at >> 16;
	}
	if (offset > n || size > n - offset)
		return OOM_STR_NULL;
	p = (const char *)raw + offset;
	return (struct oom_str){ p, strnlen(p, size) };
}

static void decode(const struct decoder *d, const unsigned char *raw, size_t n, int64_t mono_us,
		   struct oom_fact *ret)
{
	const int64_t page_kb = sysconf(_SC_PAGESIZE) / 1024;

	oom_fact_init(ret, events[d->event].kind, mono_us);
	for (unsigned i = 0; i < d->n; i++) {
		void *to = (char *)ret + d->field[i].to;
		unsigned offset = d->field[i].offset, size = d->field[i].size;
		int64_t v;

		if (offset > n || size > n - offset)
			continue;
		if (d->field[i].convert == C_STR) {
			struct oom_str s = read_str(raw, n, offset, size, d->field[i].dynamic);

			memcpy(to, &s, sizeof(s));
			continue;
		}
		v = read_int(raw + offset, size, d->field[i].is_signed);
		if (v != OOM_NA && d->field[i].convert == C_KB_TO_PAGES)
			v /= page_kb;
		if (v != OOM_NA && d->field[i].convert == C_KB_TO_BYTES)
			v *= 1024;
		memcpy(to, &v, sizeof(v));
	}
}

static int event_by_name(const char *name)
{
	for (int i = 0; i < EVENTS; i++)
		if (!strcmp(events[i].name, name))
			return i;
	return -1;
}

static struct tep_handle *new_tep(void)
{
	struct tep_handle *tep = tep_alloc();

	tep_set_loglevel(TEP_LOG_NONE);
	if (tep)
		tep_set_long_size(tep, (int)sizeof(long));
	return tep;
}

int oom_trace_decode(struct oom_str format, const void *raw, size_t n, int64_t mono_us, struct oom_fact *ret,
		     struct oom_err *reterr)
{
	struct tep_handle *tep = new_tep();
	struct tep_event *ev = NULL;
	struct decoder d;
	int event = -1;

	if (!tep)
		return oom_err_set(reterr, ENOMEM, "out of memory");
	(void)tep_parse_event(tep, format.p, format.n, "oom");
	for (int i = 0; i < EVENTS && !ev; i++)
		ev = tep_find_event_by_name(tep, "oom", events[i].name);
	if (ev && compile(&d, event_by_name(ev->name), ev)) {
		event = d.event;
		decode(&d, raw, n, mono_us, ret);
	}
	tep_free(tep);
	return event < 0 ? oom_err_set(reterr, ENOTSUP, "not the format of an oom trace event") : 0;
}

/* ---- the instance ------------------------------------------------------------------------------------- */

struct cpu {
	int fd;
	struct kbuffer *kbuf;
	void *page;
	void *event;                  /* the next one of the loaded page; NULL = load another */
	unsigned long long ns;
};

struct trace_feed {
	struct tracefs_instance *instance;
	struct decoder decoder[EVENTS];
	struct cpu *cpu;
	int ncpus, epoll;
	size_t page_size;
	uint64_t lost;
	char limits[160];
};

/*
 * A recorder that was killed leaves its instance behind.  The kernel refuses to remove one whose buffers
 * somebody holds open, so all that can be removed is nobody's.
 */
static void remove_stale(const char *tracing)
{
	char path[300];
	struct dirent *e;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "%s/instances", tracing);
	dir = opendir(path);
	if (!dir)
		return;
	while ((e = readdir(dir)))
		if (!strncmp(e->d_name, INSTANCE, sizeof(INSTANCE) - 1))
			(void)unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR);
	(void)closedir(dir);
}

static int no_directory(struct oom_err *reterr)
{
	if (geteuid() != 0)
		return oom_err_set(reterr, EPERM, "tracefs is not mounted, or is open to root alone");
	return oom_err_set(reterr, ENOENT, "there is no tracefs: it is not mounted at /sys/kernel/tracing "
			   "and cannot be mounted here");
}

static int make_instance(struct trace_feed *f, struct oom_err *reterr)
{
	const char *tracing = tracefs_tracing_dir();
	char name[40], path[300];

	if (!tracing)
		return no_directory(reterr);
	(void)snprintf(path, sizeof(path), "%s/instances", tracing);
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return oom_err_set(reterr, EPERM, "'%s' is empty: the kernel is locked down, or was built "
				   "without tracing", tracing);
	if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) < 0)
		return oom_err_set(reterr, errno, "cannot write in '%s': %s", path, strerror(errno));
	remove_stale(tracing);
	(void)snprintf(name, sizeof(name), INSTANCE "%ld", (long)getpid());
	f->instance = tracefs_instance_create(name);
	if (!f->instance)
		return oom_err_set(reterr, errno ? errno : EIO, "cannot create trace instance '%s/%s': %s",
				   path, name, strerror(errno));
	/* BPF and we look at CLOCK_MONOTONIC; the default clock may be a second apart from it. */
	if (tracefs_instance_file_write(f->instance, "trace_clock", "mono") < 0)
		return oom_err_set(reterr, EIO, "the trace instance refuses the clock 'mono'");
	/* 0: a reader wakes at the first event, not when the buffer is half full (5.0 on; before, it always
	 * did). */
	(void)tracefs_instance_file_write(f->instance, "buffer_percent", "0");
	(void)tracefs_instance_set_buffer_size(f->instance, BUFFER_KB, -1);
	return 0;
}

static bool load_format(struct trace_feed *f, struct tep_handle *tep, int event)
{
	int size = 0;
	char *text = tracefs_event_file_read(f->instance, "oom", events[event].name, "format", &size);
	struct tep_event *ev = NULL;
	bool ok;

	if (text && size > 0) {
		(void)tep_parse_event(tep, text, (unsigned long)size, "oom");
		ev = tep_find_event_by_name(tep, "oom", events[event].name);
	}
	ok = ev && compile(&f->decoder[event], event, ev);
	free(text);
	return ok;
}

/* Events that this kernel does not have are a limit, not a failure; none at all is one. */
static int enable_events(struct trace_feed *f, bool reclaim, struct oom_err *reterr)
{
	struct tep_handle *tep = new_tep();
	int n = 0;

	if (!tep)
		return oom_err_set(reterr, ENOMEM, "out of memory");
	for (int i = 0; i < EVENTS; i++) {
		size_t at = strlen(f->limits);

		if (events[i].on_request && !reclaim)
			continue;
		if (load_format(f, tep, i) && !tracefs_event_enable(f->instance, "oom", events[i].name)) {
			n++;
			continue;
		}
		f->decoder[i].id = -1;
		(void)snprintf(f->limits + at, sizeof(f->limits) - at, "%s%s",
			       at ? ", " : "cannot tell what this kernel has no event for: ", events[i].name);
	}
	tep_free(tep);
	return n ? 0 : oom_err_set(reterr, ENOTSUP, "this kernel has none of the oom tracepoints");
}

static int open_cpu(struct trace_feed *f, int cpu, struct oom_err *reterr)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct cpu *c = &f->cpu[f->ncpus];
	char file[64];

	(void)snprintf(file, sizeof(file), "per_cpu/cpu%d/trace_pipe_raw", cpu);
	c->fd = tracefs_instance_file_open(f->instance, file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (c->fd < 0)
		return errno == ENOENT ? 0 : oom_err_set(reterr, errno, "cannot open '%s' of the trace: %s",
							 file, strerror(errno));
	f->ncpus++;
	c->kbuf = kbuffer_alloc(KBUFFER_LSIZE_SAME_AS_HOST, KBUFFER_ENDIAN_SAME_AS_HOST);
	c->page = oom_malloc(f->page_size);
	if (!c->kbuf || !c->page)
		return oom_err_set(reterr, ENOMEM, "out of memory");
	if (epoll_ctl(f->epoll, EPOLL_CTL_ADD, c->fd, &ev) < 0)
		return oom_err_set(reterr, errno, "cannot poll the trace of CPU %d: %s", cpu,
				   strerror(errno));
	return 0;
}

static int open_cpus(struct trace_feed *f, struct oom_err *reterr)
{
	long n = sysconf(_SC_NPROCESSORS_CONF);
	int err = 0;

	n = n < 1 ? 1 : n > MAX_CPUS ? MAX_CPUS : n;
	f->page_size = (size_t)sysconf(_SC_PAGESIZE);
	f->cpu = oom_malloc((size_t)n * sizeof(*f->cpu));
	if (!f->cpu)
		return oom_err_set(reterr, ENOMEM, "out of memory");
	memset(f->cpu, 0, (size_t)n * sizeof(*f->cpu));
	f->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (f->epoll < 0)
		return oom_err_set(reterr, errno, "cannot create an epoll: %s", strerror(errno));
	for (int i = 0; i < (int)n && !err; i++)
		err = open_cpu(f, i, reterr);
	if (!err && !f->ncpus)
		err = oom_err_set(reterr, ENOENT, "the trace instance has no buffers to read");
	return err;
}

int oom_trace_open(const struct oom_feed_opt *opt, struct oom_feed **ret, struct oom_err *reterr)
{
	struct trace_feed *f = oom_malloc(sizeof(*f));
	int err;

	if (!f)
		return oom_err_set(reterr, ENOMEM, "out of memory");
	memset(f, 0, sizeof(*f));
	f->epoll = -1;
	for (int i = 0; i < EVENTS; i++)
		f->decoder[i].id = -1;
	tracefs_set_loglevel(TEP_LOG_NONE);
	err = make_instance(f, reterr);
	/* The buffers first: an instance that nobody holds open is anybody's to remove. */
	if (!err)
		err = open_cpus(f, reterr);
	if (!err)
		err = enable_events(f, opt && opt->reclaim, reterr);
	if (err) {
		oom_trace_close((struct oom_feed *)f);
		return err;
	}
	*ret = (struct oom_feed *)f;
	return 0;
}

/* ---- draining ----------------------------------------------------------------------------------------- */

/* Sets c->event to the next event of this CPU, NULL if it has none.  0 or -errno. */
static int next_event(struct trace_feed *f, struct cpu *c)
{
	if (c->event)
		c->event = kbuffer_next_event(c->kbuf, &c->ns);
	while (!c->event) {
		ssize_t n = read(c->fd, c->page, f->page_size);
		int missed;

		if (n <= 0)
			return n == 0 || errno == EAGAIN || errno == EINTR ? 0 : -errno;
		if (kbuffer_load_subbuffer(c->kbuf, c->page) < 0)
			return -EIO;
		missed = kbuffer_missed_events(c->kbuf);      /* -1: some, nobody knows how many */
		f->lost += missed < 0 ? 1 : (uint64_t)missed;
		c->event = kbuffer_read_event(c->kbuf, &c->ns);
	}
	return 0;
}

static const struct decoder *decoder_of(const struct trace_feed *f, int id)
{
	for (int i = 0; i < EVENTS; i++)
		if (f->decoder[i].id == id)
			return &f->decoder[i];
	return NULL;
}

int oom_trace_drain(struct oom_feed *feed, oom_fact_fn *fn, void *arg)
{
	struct trace_feed *f = (struct trace_feed *)feed;
	int n = 0, err = 0;

	for (int i = 0; i < f->ncpus && !err; i++)
		err = next_event(f, &f->cpu[i]);
	/* In the order of time over all CPUs. */
	while (!err) {
		const struct decoder *d;
		struct cpu *first = NULL;
		struct oom_fact fact;

		for (int i = 0; i < f->ncpus; i++)
			if (f->cpu[i].event && (!first || f->cpu[i].ns < first->ns))
				first = &f->cpu[i];
		if (!first)
			break;
		/* common_type is the first field of every event since 2.6.31. */
		d = decoder_of(f, (int)read_int(first->event, 2, false));
		if (d) {
			size_t size = (size_t)kbuffer_event_size(first->kbuf);

			decode(d, first->event, size, (int64_t)(first->ns / 1000), &fact);
			fn(arg, &fact);
			n++;
		}
		err = next_event(f, first);
	}
	return err ? err : n;
}

int oom_trace_fd(const struct oom_feed *feed)
{
	return ((const struct trace_feed *)feed)->epoll;
}

uint64_t oom_trace_lost(const struct oom_feed *feed)
{
	return ((const struct trace_feed *)feed)->lost;
}

const char *oom_trace_limits(const struct oom_feed *feed)
{
	const struct trace_feed *f = (const struct trace_feed *)feed;

	return f->limits[0] ? f->limits : NULL;
}

bool oom_trace_tells(const struct oom_feed *feed, enum oom_fact_kind kind)
{
	const struct trace_feed *f = (const struct trace_feed *)feed;

	for (int i = 0; i < EVENTS; i++)
		if (events[i].kind == kind && f->decoder[i].id >= 0)
			return true;
	return false;
}

void oom_trace_close(struct oom_feed *feed)
{
	struct trace_feed *f = (struct trace_feed *)feed;

	if (!f)
		return;
	for (int i = 0; i < f->ncpus; i++) {
		(void)close(f->cpu[i].fd);
		kbuffer_free(f->cpu[i].kbuf);
		oom_free(f->cpu[i].page);
	}
	oom_free(f->cpu);
	if (f->epoll >= 0)
		(void)close(f->epoll);
	if (f->instance) {
		(void)tracefs_instance_destroy(f->instance);
		tracefs_instance_free(f->instance);
	}
	oom_free(f);
}
