/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * witness: opens the recorder's feeds and writes each fact as a line of key=value, until SIGTERM or for -t
 * seconds; at SIGUSR1 also what was lost.
 *
 *	witness [-t SECONDS] [-r] [-a] [FEED…]      -r: reclaim events too; -a: feeds that serve the same, too
 */
#include <oomlens/live.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MAX_FEEDS 8

static struct { const struct oom_feed_ops *ops; struct oom_feed *feed; } open_feeds[MAX_FEEDS];
static struct pollfd fds[MAX_FEEDS];
static nfds_t nfeeds;
static volatile sig_atomic_t stop, tell;

static void on_signal(int sig)
{
	if (sig == SIGUSR1)
		tell = 1;
	else
		stop = 1;
}

static void put_lost(void)
{
	for (nfds_t i = 0; i < nfeeds; i++) {
		unsigned long long lost = open_feeds[i].ops->lost(open_feeds[i].feed);

		printf("# %s: lost %llu\n", open_feeds[i].ops->name, lost);
	}
	fflush(stdout);
	tell = 0;
}

static void put_bytes(struct oom_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c > ' ' && c < 0x7f && c != '\\')
			putchar(c);
		else
			printf("\\x%02x", c);
	}
}

static void put_fact(void *arg, const struct oom_fact *f)
{
	printf("%s", (const char *)arg);
	for (size_t i = 0; i < oom_fact_record.nfields; i++) {
		const struct oom_field *field = &oom_fact_record.field[i];
		struct oom_str s;

		if (field->type == OOM_TYPE_STR) {
			s = oom_field_str(field, f);
			if (!s.p)
				continue;
			printf(" %s=", field->key);
			put_bytes(s);
		} else if (field->type == OOM_TYPE_ENUM) {
			printf(" %s", field->names[oom_field_int(field, f)]);
		} else if (oom_field_int(field, f) != OOM_NA) {
			printf(" %s=%lld", field->key, (long long)oom_field_int(field, f));
		}
	}
	for (unsigned bit = 0; oom_fact_flag_name(bit); bit++)
		if (f->flags >> bit & 1)
			printf(" +%s", oom_fact_flag_name(bit));
	if (f->kind == OOM_FACT_SELECTION && f->memcg_id > 0) {
		char path[512];
		int n = oom_cgroup_path(f->memcg_id, path, sizeof(path));

		printf(n < 0 ? " memcg=%s" : " memcg=", strerror(-n));
		if (n > 0)
			put_bytes((struct oom_str){ path, (size_t)n });
	}
	putchar('\n');
}

static bool named(const char *name, char **argv, int argc)
{
	for (int i = 0; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return !argc;
}

static void open_one(const struct oom_feed_ops *ops, const struct oom_feed_opt *opt)
{
	struct oom_err err = { 0 };
	struct oom_feed *feed;
	const char *limits;

	if (ops->open(opt, &feed, &err) < 0) {
		printf("# %s: %s\n", ops->name, err.text);
	} else {
		limits = ops->limits(feed);
		printf("# %s: runs%s%s\n", ops->name, limits ? ", but " : "", limits ? limits : "");
		open_feeds[nfeeds].ops = ops;
		open_feeds[nfeeds].feed = feed;
		fds[nfeeds] = (struct pollfd){ .fd = ops->fd(feed), .events = POLLIN };
		nfeeds++;
	}
	fflush(stdout);
}

static bool is_served(const char *what)
{
	for (nfds_t i = 0; i < nfeeds; i++)
		if (!strcmp(open_feeds[i].ops->serves, what))
			return true;
	return false;
}

static void watch(time_t end)
{
	while (nfeeds && !stop && (!end || time(NULL) < end)) {
		if (poll(fds, nfeeds, end ? 500 : -1) < 0 && errno != EINTR)
			break;
		for (nfds_t i = 0; i < nfeeds; i++) {
			const struct oom_feed_ops *ops = open_feeds[i].ops;

			ops->drain(open_feeds[i].feed, put_fact, (void *)(uintptr_t)ops->name);
		}
		fflush(stdout);
		if (tell)
			put_lost();
	}
	put_lost();
}

int main(int argc, char **argv)
{
	struct oom_feed_opt opt = { .reclaim = false };
	static char buffer[1 << 16];
	time_t end = 0;
	bool all = false;
	int c;

	while ((c = getopt(argc, argv, "t:ra")) >= 0) {
		if (c == 't')
			end = time(NULL) + atoi(optarg);
		else if (c == 'r')
			opt.reclaim = true;
		else if (c == 'a')
			all = true;
		else
			return 64;
	}
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	signal(SIGUSR1, on_signal);
	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	printf("# opening the feeds\n");
	fflush(stdout);
	for (const struct oom_feed_ops *ops = oom_feeds; ops->name && nfeeds < MAX_FEEDS; ops++)
		if ((all || !is_served(ops->serves)) && named(ops->name, argv + optind, argc - optind))
			open_one(ops, &opt);
	(void)mlockall(MCL_CURRENT | MCL_FUTURE);
	watch(end);
	for (nfds_t i = 0; i < nfeeds; i++)
		open_feeds[i].ops->close(open_feeds[i].feed);
	return nfeeds ? 0 : 69;
}
