/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One record of the ring buffer between ballot.bpf.c and ballot.c. */
#ifndef OOMLENS_TESTS_BALLOT_H
#define OOMLENS_TESTS_BALLOT_H

enum ballot_kind { BALLOT_CANDIDATE, BALLOT_ABORTED, BALLOT_CHOSEN };

struct ballot_record {
	int kind, round;
	int pid, tgid, adj, scored;
	unsigned int uid, gfp;
	int order, constraint;
	long long points, totalpages, total_vm;
	long long anon, file, shmem, swap, pgtables_bytes;
	char comm[16];
};

#endif
