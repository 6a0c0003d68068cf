/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ballot OBJECT OUTPUT: collects what ballot.bpf.c sees of OOM selections and writes it as tab-separated rows
 * to OUTPUT at each SIGUSR1. All memory is taken before the first OOM; a full buffer drops what comes.
 */
#include <bpf/libbpf.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ballot.h"

#define MAX_ROUND 4096

static struct ballot_record stage[MAX_ROUND];
static int n_stage;
static char text[512 * 1024];
static size_t n_text;
static volatile sig_atomic_t flush;

static void on_signal(int sig)
{
	(void)sig;
	flush = 1;
}

static void row(const char *kind, const struct ballot_record *r)
{
	size_t left = sizeof(text) - n_text;
	char comm[65] = "", points[24] = "-", totalpages[24] = "-";
	size_t n = 0;

	if (left < 512)
		return;
	for (const unsigned char *c = (const unsigned char *)r->comm; *c && n < sizeof(comm) - 5; c++)
		n += (size_t)snprintf(comm + n, sizeof(comm) - n,
				      isprint(*c) && *c != '\\' ? "%c" : "\\x%02x", *c);
	/* LONG_MIN is "not eligible"; a task that the kernel skipped before counting has no points at all. */
	if (r->kind == BALLOT_CHOSEN || (r->scored && r->points != LONG_MIN))
		snprintf(points, sizeof(points), "%lld", r->points);
	else if (r->scored)
		snprintf(points, sizeof(points), "ineligible");
	if (r->kind == BALLOT_CHOSEN || r->scored)
		snprintf(totalpages, sizeof(totalpages), "%lld", r->totalpages);
	n_text += (size_t)snprintf(text + n_text, left,
				   "%d\t%s\t%d\t%d\t%u\t%s\t%s\t%s\t%d\t%lld\t%lld\t%lld\t%lld\t%lld\t%lld\n",
				   r->round, kind, r->pid, r->tgid, r->uid, comm, points, totalpages, r->adj,
				   r->total_vm, r->anon, r->file, r->shmem, r->swap, r->pgtables_bytes);
}

static int take(void *ctx, void *data, size_t size)
{
	const struct ballot_record *r = data;

	(void)ctx;
	if (size < sizeof(*r))
		return 0;
	if (n_stage && stage[0].round != r->round)
		n_stage = 0;
	if (r->kind == BALLOT_ABORTED) {
		n_stage = 0;
	} else if (r->kind == BALLOT_CANDIDATE) {
		if (n_stage < MAX_ROUND)
			stage[n_stage++] = *r;
	} else {
		for (int i = 0; i < n_stage; i++)
			row("candidate", &stage[i]);
		row("chosen", r);
		n_stage = 0;
	}
	return 0;
}

static void write_out(const char *path)
{
	static const char head[] = "round\tkind\tpid\ttgid\tuid\tcomm\tpoints\ttotalpages\tadj\t"
				   "total_vm\tanon\tfile\tshmem\tswap\tpgtables_bytes\n";
	char part[PATH_MAX];
	int fd;

	snprintf(part, sizeof(part), "%s.part", path);
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd < 0 || (n_text && write(fd, head, sizeof(head) - 1) < 0) || write(fd, text, n_text) < 0)
		perror(part);
	close(fd);
	rename(part, path);
	n_text = 0;
}

int main(int argc, char **argv)
{
	struct bpf_object *object;
	struct bpf_program *program;
	struct ring_buffer *ring;

	if (argc != 3)
		return 2;
	object = bpf_object__open_file(argv[1], NULL);
	if (!object || bpf_object__load(object))
		return 3;
	bpf_object__for_each_program(program, object)
		if (!bpf_program__attach(program))
			return 3;
	ring = ring_buffer__new(bpf_object__find_map_fd_by_name(object, "ring"), take, NULL, NULL);
	if (!ring)
		return 3;
	signal(SIGUSR1, on_signal);
	memset(text, 1, sizeof(text));
	memset(stage, 1, sizeof(stage));
	mlockall(MCL_CURRENT | MCL_FUTURE);
	write_out(argv[2]);
	for (;;) {
		int err = ring_buffer__poll(ring, 1000);

		if (err < 0 && err != -EINTR)
			return 3;
		if (flush) {
			flush = 0;
			ring_buffer__consume(ring);
			write_out(argv[2]);
		}
	}
}
