/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Trace events decoded from the text of their format files and raw bytes, as kernels of several ages lay
 * them out. */
#include "unit.h"

#include <oomlens/live.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define COMMON \
	"format:\n" \
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n" \
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n" \
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n" \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"

/* 4.13 to 6.8 */
static const char mark_old[] =
	"name: mark_victim\nID: 352\n" COMMON
	"\tfield:int pid;\toffset:8;\tsize:4;\tsigned:1;\n\n"
	"print fmt: \"pid=%d\", REC->pid\n";

/* 6.9 on, and the stable branches of 2025 */
static const char mark_new[] =
	"name: mark_victim\nID: 609\n" COMMON
	"\tfield:int pid;\toffset:8;\tsize:4;\tsigned:1;\n"
	"\tfield:__data_loc char[] comm;\toffset:12;\tsize:4;\tsigned:0;\n"
	"\tfield:unsigned long total_vm;\toffset:16;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned long anon_rss;\toffset:24;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned long file_rss;\toffset:32;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned long shmem_rss;\toffset:40;\tsize:8;\tsigned:0;\n"
	"\tfield:uid_t uid;\toffset:48;\tsize:4;\tsigned:0;\n"
	"\tfield:unsigned long pgtables;\toffset:56;\tsize:8;\tsigned:0;\n"
	"\tfield:short oom_score_adj;\toffset:64;\tsize:2;\tsigned:1;\n\n"
	"print fmt: \"pid=%d comm=%s\", REC->pid, __get_str(comm)\n";

/* oom_score_adj was an int up to 3.7 */
static const char adj_old[] =
	"name: oom_score_adj_update\nID: 40\n" COMMON
	"\tfield:pid_t pid;\toffset:8;\tsize:4;\tsigned:1;\n"
	"\tfield:char comm[16];\toffset:12;\tsize:16;\tsigned:1;\n"
	"\tfield:int oom_score_adj;\toffset:28;\tsize:4;\tsigned:1;\n\n"
	"print fmt: \"pid=%d comm=%s oom_score_adj=%d\", REC->pid, REC->comm, REC->oom_score_adj\n";

static const char adj_new[] =
	"name: oom_score_adj_update\nID: 611\n" COMMON
	"\tfield:pid_t pid;\toffset:8;\tsize:4;\tsigned:1;\n"
	"\tfield:char comm[16];\toffset:12;\tsize:16;\tsigned:0;\n"
	"\tfield:short oom_score_adj;\toffset:28;\tsize:2;\tsigned:1;\n\n"
	"print fmt: \"pid=%d comm=%s oom_score_adj=%hd\", REC->pid, REC->comm, REC->oom_score_adj\n";

static const char retry_zone[] =
	"name: reclaim_retry_zone\nID: 610\n" COMMON
	"\tfield:int node;\toffset:8;\tsize:4;\tsigned:1;\n"
	"\tfield:int zone_idx;\toffset:12;\tsize:4;\tsigned:1;\n"
	"\tfield:int order;\toffset:16;\tsize:4;\tsigned:1;\n"
	"\tfield:unsigned long reclaimable;\toffset:24;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned long available;\toffset:32;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned long min_wmark;\toffset:40;\tsize:8;\tsigned:0;\n"
	"\tfield:int no_progress_loops;\toffset:48;\tsize:4;\tsigned:1;\n"
	"\tfield:bool wmark_check;\toffset:52;\tsize:1;\tsigned:0;\n\n"
	"print fmt: \"node=%d\", REC->node\n";

static const char foreign[] =
	"name: sched_switch\nID: 300\n" COMMON
	"\tfield:int pid;\toffset:8;\tsize:4;\tsigned:1;\n\n"
	"print fmt: \"pid=%d\", REC->pid\n";

static unsigned char raw[96];

static void put(size_t at, uint64_t v, size_t size) { memcpy(raw + at, &v, size); }

static int decode(const char *format, size_t n, struct oom_fact *f)
{
	struct oom_err err = { 0 };

	return oom_trace_decode(oom_str_from(format), raw, n, 77, f, &err);
}

static void start(void)
{
	struct oom_fact f;
	int ret;

	memset(raw, 0, sizeof(raw));
	ret = decode(mark_old, 12, &f);
	if (ret == -ENOTSUP)
		skip();               /* built without libtraceevent */
	assert_int_equal(ret, 0);
}

static void put_mark(uint32_t comm_at, uint32_t comm_n)
{
	start();
	put(8, 4321, 4);
	put(12, comm_n << 16 | comm_at, 4);
	put(16, 8000, 8);
	put(24, 4000, 8);
	put(32, 400, 8);
	put(40, 40, 8);
	put(48, 4294967294U, 4);
	put(56, 92, 8);
	put(64, (uint16_t)-5, 2);
	memcpy(raw + 68, "a b) [9] 0", 11);
}

static void old_kernel_tells_the_pid_alone(void **state)
{
	struct oom_fact f;

	(void)state;
	start();
	put(8, 1234, 4);
	assert_int_equal(decode(mark_old, 12, &f), 0);
	assert_int_equal(f.kind, OOM_FACT_MARK_VICTIM);
	assert_int_equal(f.mono_us, 77);
	assert_int_equal(f.pid, 1234);
	assert_null(f.comm.p);
	assert_int_equal(f.uid, OOM_NA);
	assert_int_equal(f.oom_score_adj, OOM_NA);
	assert_int_equal(f.rss_anon_pages, OOM_NA);
	assert_int_equal(f.tgid, OOM_NA);
}

static void new_kernel_tells_the_victim(void **state)
{
	const int64_t page_kb = sysconf(_SC_PAGESIZE) / 1024;
	struct oom_fact f;

	(void)state;
	put_mark(68, 11);
	assert_int_equal(decode(mark_new, 80, &f), 0);
	assert_int_equal(f.pid, 4321);
	assert_true(oom_str_is(f.comm, "a b) [9] 0"));
	assert_int_equal(f.total_vm_pages, 8000 / page_kb);
	assert_int_equal(f.rss_anon_pages, 4000 / page_kb);
	assert_int_equal(f.rss_file_pages, 400 / page_kb);
	assert_int_equal(f.rss_shmem_pages, 40 / page_kb);
	assert_int_equal(f.pgtables_bytes, 92 * 1024);
	assert_int_equal(f.uid, 4294967294);
	assert_int_equal(f.oom_score_adj, -5);
	assert_int_equal(f.points, OOM_NA);
}

static void negative_adjustments_keep_their_sign(void **state)
{
	struct oom_fact f;

	(void)state;
	start();
	put(8, 1, 4);
	memcpy(raw + 12, "exactly-15-byte", 16);
	put(28, (uint16_t)-1000, 2);
	assert_int_equal(decode(adj_new, 30, &f), 0);
	assert_int_equal(f.kind, OOM_FACT_SCORE_ADJ);
	assert_int_equal(f.oom_score_adj, -1000);
	assert_true(oom_str_is(f.comm, "exactly-15-byte"));
	put(28, (uint32_t)-17, 4);
	assert_int_equal(decode(adj_old, 32, &f), 0);
	assert_int_equal(f.oom_score_adj, -17);
}

/* What reads past the event's bytes stays unknown. */
static void cut_events_lose_fields_not_sense(void **state)
{
	struct oom_fact f;

	(void)state;
	put_mark(68, 11);
	assert_int_equal(decode(mark_new, 32, &f), 0);
	assert_int_equal(f.pid, 4321);
	assert_int_equal(f.rss_anon_pages, 4000 / (sysconf(_SC_PAGESIZE) / 1024));
	assert_int_equal(f.rss_file_pages, OOM_NA);
	assert_int_equal(f.oom_score_adj, OOM_NA);
	assert_null(f.comm.p);
	put_mark(60000, 11);
	assert_int_equal(decode(mark_new, 80, &f), 0);
	assert_null(f.comm.p);
	put_mark(75, 60000);
	assert_int_equal(decode(mark_new, 80, &f), 0);
	assert_null(f.comm.p);
}

static void reclaim_speaks_of_zones(void **state)
{
	struct oom_fact f;

	(void)state;
	start();
	put(8, 1, 4);
	put(12, 2, 4);
	put(16, 3, 4);
	put(24, 111, 8);
	put(32, 222, 8);
	put(40, 333, 8);
	put(48, 16, 4);
	put(52, 0, 1);
	assert_int_equal(decode(retry_zone, 56, &f), 0);
	assert_int_equal(f.kind, OOM_FACT_RETRY_ZONE);
	assert_int_equal(f.node, 1);
	assert_int_equal(f.zone, 2);
	assert_int_equal(f.order, 3);
	assert_int_equal(f.reclaimable_pages, 111);
	assert_int_equal(f.available_pages, 222);
	assert_int_equal(f.min_wmark_pages, 333);
	assert_int_equal(f.retries, 16);
	assert_int_equal(f.retry, 0);
	assert_int_equal(f.pid, OOM_NA);
}

static void foreign_formats_are_refused(void **state)
{
	struct oom_fact f;

	(void)state;
	start();
	assert_int_equal(decode(foreign, 12, &f), -ENOTSUP);
	assert_int_equal(decode("", 12, &f), -ENOTSUP);
	assert_int_equal(decode("name: mark_victim\nID: x\nformat:\n\tfield:int pid", 12, &f), -ENOTSUP);
}

static void every_feed_says_what_it_is(void **state)
{
	(void)state;
	for (const struct oom_feed_ops *ops = oom_feeds; ops->name; ops++) {
		assert_non_null(ops->help);
		assert_non_null(ops->serves);
		assert_true(ops->open && ops->fd && ops->drain && ops->lost && ops->limits && ops->tells && ops->close);
		ops->close(NULL);
	}
	for (int i = 0; i < OOM_FACT_KINDS; i++)
		assert_non_null(oom_fact_kind_names[i]);
	assert_null(oom_fact_kind_names[OOM_FACT_KINDS]);
	assert_string_equal(oom_fact_flag_name(9), "silent");
	assert_null(oom_fact_flag_name(10));
}

int test_trace(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(old_kernel_tells_the_pid_alone),
		cmocka_unit_test(new_kernel_tells_the_victim),
		cmocka_unit_test(negative_adjustments_keep_their_sign),
		cmocka_unit_test(cut_events_lose_fields_not_sense),
		cmocka_unit_test(reclaim_speaks_of_zones),
		cmocka_unit_test(foreign_formats_are_refused),
		cmocka_unit_test(every_feed_says_what_it_is),
	};

	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
