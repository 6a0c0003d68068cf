/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Causes and ledgers of real dumps (tests/cases), and of texts made to be got wrong. */
#include "test_parse.h"

#include <oomlens/cause.h>

#include <glob.h>
#include <stdlib.h>
#include <string.h>

static char *read_text(const char *path)
{
	FILE *f = fopen(path, "rb");
	char *text = malloc((size_t)4 << 20);
	size_t n;

	assert_non_null(f);
	assert_non_null(text);
	n = fread(text, 1, ((size_t)4 << 20) - 1, f);
	text[n] = '\0';
	fclose(f);
	return text;
}

static void each_case(void (*check)(const char *path, const struct oom_event *ev, const struct oom_diagnosis *d))
{
	static struct oom_event ev[128];
	glob_t logs;

	assert_int_equal(glob("tests/cases/*/log", 0, NULL, &logs), 0);
	assert_true(logs.gl_pathc > 200);
	for (size_t i = 0; i < logs.gl_pathc; i++) {
		char *text = read_text(logs.gl_pathv[i]);
		size_t n = parse_text(text, ev, OOM_ARRAY_SIZE(ev));

		assert_true(n <= OOM_ARRAY_SIZE(ev));
		for (size_t k = 0; k < n; k++) {
			struct oom_diagnosis d;
			struct oom_replay r;

			assert_int_equal(oom_replay_run(&ev[k], NULL, &r), 0);
			assert_int_equal(oom_diagnose(&r, &d), 0);
			check(logs.gl_pathv[i], &ev[k], &d);
			oom_diagnosis_release(&d);
			oom_replay_release(&r);
		}
		release_events(ev, n);
		free(text);
	}
	globfree(&logs);
}

static size_t machines;

/* All rows that stand alone and the remainder make the total; what the dump of a guest that runs nothing else does not
 * name is a small part of its RAM, and nothing is counted twice. */
static void adds_up(const char *path, const struct oom_event *ev, const struct oom_diagnosis *d)
{
	for (size_t i = 0; i < d->books.nledgers; i++) {
		const struct oom_ledger *l = &d->books.ledger[i];
		int64_t sum = l->unaccounted_kb;

		for (size_t k = 0; k < l->nrows; k++) {
			const struct oom_ledger_row *row = &l->row[k];

			assert_true(row->kb >= 0 && row->of < (ptrdiff_t)k);
			if (row->of >= 0)
				assert_true(l->row[row->of].kb >= row->kb && l->row[row->of].of == OOM_LEDGER_DISJOINT);
			sum += row->of == OOM_LEDGER_DISJOINT ? row->kb : 0;
		}
		if (l->unaccounted_kb == OOM_NA)
			continue;
		if (sum != l->total_kb)
			fail_msg("%s: rows %lld, total %lld", path, (long long)sum, (long long)l->total_kb);
		if (l->domain != OOM_LEDGER_MACHINE || !l->whole)
			continue;
		machines++;
		assert_int_equal(l->total_kb, ev->ram_pages * (ev->page_size / 1024));
		/* there a driver took memory that no counter has */
		if (strstr(path, "6.12-zram-disk"))
			assert_true(l->unaccounted_kb > 120 << 10);
		else if (l->unaccounted_kb < -l->total_kb / 200 || l->unaccounted_kb > l->total_kb / 8)
			fail_msg("%s: %lld kB of %lld unaccounted", path, (long long)l->unaccounted_kb,
				 (long long)l->total_kb);
	}
}

static void ledgers_add_up(void **state)
{
	(void)state;
	each_case(adds_up);
	assert_true(machines > 100);
}

/* What the log itself says cannot be missed. */
static void says_the_obvious(const char *path, const struct oom_event *ev, const struct oom_diagnosis *d)
{
	const char *keyword = oom_diagnosis_keyword(d);

	assert_true(d->nfindings > 0 && d->finding[0].primary);
	for (size_t i = 1; i < d->nfindings; i++)
		assert_false(d->finding[i].primary);
	assert_ptr_equal(oom_cause_named(keyword), d->finding[0].cause);
	if ((ev->scope == OOM_SCOPE_SYSRQ) != !strcmp(keyword, "sysrq"))
		fail_msg("%s: %s", path, keyword);
	if (ev->scope != OOM_SCOPE_MEMCG && strstr(keyword, "_limit"))
		fail_msg("%s: %s", path, keyword);
}

static void causes_of_cases(void **state)
{
	(void)state;
	each_case(says_the_obvious);
}

/* ---- texts made to be got wrong ------------------------------------------------------------------------ */

/* A machine of 1 GiB in one zone, of which 250000 pages are handed out.  What a test does not set is 0. */
struct dump {
	const char *release, *gfp;
	int order;
	int anon, file, unevictable, shmem, slab, pagetables, free, cma, dirty;      /* pages */
	int min, high, atomic;                                                       /* kB; atomic: reserved_highatomic */
	int free_kb;                  /* of the zone; 0 = all that is free */
	const char *zones;            /* instead of the one */
	const char *blocks;           /* free list of Normal */
	int swap_total, swap_free;    /* kB */
	const char *huge;             /* hugepages lines */
	const char *tasks, *tail;
};

static struct oom_event ev;
static struct oom_replay r;
static struct oom_diagnosis d;

static void diagnose(const char *text)
{
	assert_int_equal(parse_text(text, &ev, 1), 1);
	assert_int_equal(oom_replay_run(&ev, NULL, &r), 0);
	assert_int_equal(oom_diagnose(&r, &d), 0);
}

static void forget(void)
{
	oom_diagnosis_release(&d);
	oom_replay_release(&r);
	oom_event_release(&ev);
}

static void diagnose_dump(const struct dump *m)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	fprintf(f, "[    1.000001] eater invoked oom-killer: gfp_mask=%s, order=%d, oom_score_adj=0\n",
		m->gfp ? m->gfp : "0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP)", m->order);
	fprintf(f, "[    1.000001] CPU: 0 PID: 7 Comm: eater Not tainted %s #1\n[    1.000001] Mem-Info:\n",
		m->release ? m->release : "6.12.9");
	fprintf(f, "[    1.000001] active_anon:%d inactive_anon:0 isolated_anon:0\n", m->anon);
	fprintf(f, "[    1.000001]  active_file:%d inactive_file:0 isolated_file:0\n", m->file);
	fprintf(f, "[    1.000001]  unevictable:%d dirty:%d writeback:0\n", m->unevictable, m->dirty);
	fprintf(f, "[    1.000001]  slab_reclaimable:0 slab_unreclaimable:%d\n", m->slab);
	fprintf(f, "[    1.000001]  mapped:0 shmem:%d pagetables:%d bounce:0\n", m->shmem, m->pagetables);
	fprintf(f, "[    1.000001]  free:%d free_pcp:0 free_cma:%d\n", m->free, m->cma);
	if (m->zones)
		fputs(m->zones, f);
	else
		fprintf(f, "[    1.000001] Node 0 Normal free:%dkB min:%dkB low:%dkB high:%dkB reserved_highatomic:%dKB "
			"present:1048576kB managed:1000000kB free_cma:%dkB\n[    1.000001] lowmem_reserve[]: 0 0 0 0 0\n",
			m->free_kb ? m->free_kb : 4 * m->free, m->min, m->min, m->high, m->atomic, 4 * m->cma);
	fprintf(f, "[    1.000001] %sNormal: %s = %dkB\n", m->zones && m->zones[13] != 'N' ? "" : "Node 0 ",
		m->blocks ? m->blocks : "500*4kB (UM)", 4 * m->free);
	fputs(m->huge ? m->huge : "", f);
	fprintf(f, "[    1.000001] Free swap  = %dkB\n[    1.000001] Total swap = %dkB\n", m->swap_free, m->swap_total);
	fputs("[    1.000001] 262144 pages RAM\n[    1.000001] 0 pages HighMem/MovableOnly\n[    1.000001] 12144 pages reserved\n", f);
	if (m->tasks)
		fprintf(f, "[    1.000001] Tasks state (memory values in pages):\n[    1.000001] [  pid  ]   uid  tgid total_vm      rss "
			"pgtables_bytes swapents oom_score_adj name\n%s", m->tasks);
	fprintf(f, "%s[    1.000001] Out of memory: Killed process 7 (eater) total-vm:4000kB, anon-rss:400kB, file-rss:0kB, "
		"shmem-rss:0kB, UID:0 pgtables:40kB oom_score_adj:0\n", m->tail ? m->tail : "");
	assert_int_equal(fclose(f), 0);
	diagnose(text);
	free(text);
}

static const struct oom_finding *finding(const char *keyword)
{
	for (size_t i = 0; i < d.nfindings; i++)
		if (!strcmp(d.finding[i].cause->keyword, keyword))
			return &d.finding[i];
	return NULL;
}

static bool says(const struct oom_finding *f, const char *words)
{
	for (size_t i = 0; f && i < f->nevidence; i++)
		if (oom_str_find(f->evidence[i].text, words) >= 0)
			return true;
	return f && oom_str_find(f->text, words) >= 0;
}

static void expect(const struct dump *m, const char *keyword)
{
	diagnose_dump(m);
	if (strcmp(oom_diagnosis_keyword(&d), keyword))
		fail_msg("%s: %.*s", oom_diagnosis_keyword(&d), (int)d.finding[0].text.n, d.finding[0].text.p);
}

/* One zone whose watermarks are not met, and that much of memory in use. */
#define SHORT .free = 2000, .min = 9000, .high = 12000

static void half_of_ram_is_a_cause_and_less_is_none(void **state)
{
	(void)state;
	expect(&(struct dump){ SHORT, .anon = 125000 }, "processes");
	assert_int_equal(d.finding[0].confidence, OOM_CONFIDENCE_LIKELY);
	forget();
	expect(&(struct dump){ SHORT, .anon = 124000 }, "not_determined");
	assert_non_null(finding("processes"));        /* told, not blamed */
	assert_true(says(&d.finding[0], "50 %"));
	forget();
	expect(&(struct dump){ SHORT, .anon = 200000 }, "processes");
	assert_int_equal(d.finding[0].confidence, OOM_CONFIDENCE_CERTAIN);
	assert_non_null(finding("swap_absent"));
	forget();
}

/* shmem is counted with the anonymous pages, and a kill does not free it. */
static void tmpfs_is_not_the_processes_doing(void **state)
{
	(void)state;
	expect(&(struct dump){ SHORT, .anon = 220000, .shmem = 180000 }, "shmem");
	forget();
	expect(&(struct dump){ SHORT, .anon = 220000, .shmem = 60000 }, "processes");
	assert_int_equal(d.finding[0].kb, 4 * 160000);
	assert_non_null(finding("shmem"));
	forget();
}

/* Ten processes that share one segment: their resident sets are ten times what there is. */
static void resident_sets_are_never_added(void **state)
{
	char tasks[2048] = "";

	(void)state;
	for (int i = 0; i < 10; i++)
		snprintf(tasks + strlen(tasks), sizeof(tasks) - strlen(tasks),
			 "[    1.000001] [%7d]     0 %5d   300000   200000   819200        0             0 worker\n", 100 + i, 100 + i);
	expect(&(struct dump){ SHORT, .anon = 210000, .shmem = 200000, .tasks = tasks }, "shmem");
	assert_null(finding("processes"));
	assert_int_equal(oom_ledger_kb(oom_books_of(&d.books, OOM_LEDGER_MACHINE), "anon"), 4 * 210000);
	forget();
	expect(&(struct dump){ SHORT, .anon = 210000, .tasks = tasks }, "processes");
	assert_true(says(&d.finding[0], "781.3 MiB"));
	assert_false(says(&d.finding[0], "7.6 GiB"));
	assert_true(says(&d.finding[0], "10 processes named worker, the largest of them with 781.3 MiB"));
	forget();
}

static void swap_that_is_left_needs_another_reason(void **state)
{
	(void)state;
	expect(&(struct dump){ SHORT, .anon = 220000, .swap_total = 100000, .swap_free = 90000 }, "not_determined");
	forget();
	expect(&(struct dump){ SHORT, .anon = 220000, .swap_total = 100000, .swap_free = 9000 }, "processes");
	assert_non_null(finding("swap_full"));
	forget();
	/* locked memory could not have been swapped out anyway */
	expect(&(struct dump){ SHORT, .anon = 20000, .unevictable = 180000, .swap_total = 100000, .swap_free = 90000 }, "pinned");
	assert_null(finding("swap_full"));
	forget();
}

/* "free <= min + reserve" fails the check, so equal is not enough; and free memory is no shortage. */
static void a_watermark_is_not_met_by_being_equal(void **state)
{
	(void)state;
	expect(&(struct dump){ .anon = 200000, .free = 30000, .min = 120000, .high = 120000 }, "processes");
	assert_true(says(&d.finding[0], "not above min 117.2 MiB"));
	forget();
	expect(&(struct dump){ .anon = 200000, .free = 30000, .min = 119996, .high = 119996 }, "not_determined");
	assert_true(says(&d.finding[0], "117.2 MiB were free"));
	forget();
}

/* ---- what may not be used ---------------------------------------------------------------------------- */

static void cma_is_for_movable_requests(void **state)
{
	const struct dump m = { .anon = 90000, .free = 100000, .cma = 95000, .min = 30000, .high = 36000 };
	struct dump kernel = m;

	(void)state;
	kernel.gfp = "0xcc0(GFP_KERNEL)";
	expect(&kernel, "unusable_free");
	assert_true(says(&d.finding[0], "371.1 MiB reserved for CMA"));
	assert_int_equal(d.finding[0].confidence, OOM_CONFIDENCE_CERTAIN);
	forget();
	expect(&m, "not_determined");
	forget();
}

/* Until 6.12 the whole reserve is taken off what is free, from 6.17 on the free part that the line then prints. */
static void the_highatomic_reserve_is_taken_off(void **state)
{
	const char *zone = "[    1.000001] Node 0 Normal free:40000kB boost:0kB min:30000kB low:34000kB high:38000kB "
			   "reserved_highatomic:20000KB free_highatomic:1000KB present:1048576kB managed:1000000kB free_cma:0kB\n"
			   "[    1.000001] lowmem_reserve[]: 0 0 0 0 0\n";

	(void)state;
	expect(&(struct dump){ .anon = 200000, .free = 10000, .min = 30000, .high = 38000, .atomic = 20000 }, "processes");
	assert_true(says(&d.finding[0], "less 19.5 MiB kept for atomic requests, not above min"));
	forget();
	expect(&(struct dump){ .release = "6.17.1", .anon = 200000, .free = 10000, .zones = zone }, "processes");
	assert_true(says(&d.finding[0], "less 1000 KiB kept for atomic requests, above min"));
	forget();
}

#define I386_ZONES(normal, high) \
	"[    1.000001] DMA free:3356kB min:68kB low:84kB high:100kB present:15992kB managed:15916kB\n" \
	"[    1.000001] lowmem_reserve[]: 0 825 1947 826\n" \
	"[    1.000001] Normal free:" normal "kB min:7732kB low:8640kB high:9548kB present:590872kB managed:558000kB\n" \
	"[    1.000001] lowmem_reserve[]: 0 0 8980 1\n" \
	"[    1.000001] HighMem free:" high "kB min:512kB low:1748kB high:2984kB present:441712kB managed:426000kB\n" \
	"[    1.000001] lowmem_reserve[]: 0 0 0 0\n"

/* The reserve is that of the zone that the request asked for: Normal for GFP_USER, HighMem, Movable. */
static void the_reserve_depends_on_the_request(void **state)
{
	struct dump m = { .release = "5.7.0", .anon = 10000, .file = 90000, .free = 102000, .zones = I386_ZONES("3948", "404000") };

	(void)state;
	m.gfp = "0x101cc0(GFP_USER|__GFP_WRITE)";
	expect(&m, "unusable_free");
	assert_true(says(&d.finding[0], "zone HighMem"));
	assert_true(says(&d.finding[0], "zone DMA: 3.3 MiB free, not above min 68 KiB + lowmem_reserve 3.2 MiB"));
	forget();
	m.gfp = "0x100cc2(GFP_HIGHUSER)";
	m.zones = I386_ZONES("3948", "500");
	m.free = 1951;
	m.anon = 110000;
	m.file = 20000;
	expect(&m, "not_determined");
	forget();
	m.anon = 200000;
	expect(&m, "processes");
	assert_true(says(&d.finding[0], "lowmem_reserve 7.6 MiB"));      /* 1947 pages */
	assert_true(says(&d.finding[0], "lowmem_reserve 35.1 MiB"));     /* 8980 pages */
	assert_false(says(&d.finding[0], "zone HighMem: 500 KiB free, above"));
	forget();
	m.gfp = "0x100cca(GFP_HIGHUSER_MOVABLE)";
	expect(&m, "processes");
	assert_true(says(&d.finding[0], "zone DMA: 3.3 MiB free, not above min 68 KiB + lowmem_reserve 3.2 MiB"));      /* 826 */
	forget();
}

static void only_blocks_of_a_usable_type_count(void **state)
{
	struct dump m = { .gfp = "0x40cc0(GFP_KERNEL|__GFP_COMP)", .order = 2, .anon = 150000, .free = 40000, .min = 9000, .high = 12000,
			  .blocks = "30000*4kB (UME) 5000*8kB (UM) 0*16kB 0*32kB 0*64kB" };

	(void)state;
	expect(&m, "fragmentation");
	assert_int_equal(d.finding[0].confidence, OOM_CONFIDENCE_CERTAIN);
	forget();
	m.blocks = "30000*4kB (UME) 4998*8kB (UM) 1*16kB (H) 0*32kB 0*64kB";
	expect(&m, "fragmentation");
	forget();
	m.blocks = "30000*4kB (UME) 4998*8kB (UM) 1*16kB (UH) 0*32kB 0*64kB";
	expect(&m, "not_determined");
	forget();
	/* below its watermark a zone is short, not in pieces */
	m.blocks = "30000*4kB (UME) 5000*8kB (UM) 0*16kB 0*32kB 0*64kB";
	m.min = 160000;
	m.high = 200000;
	expect(&m, "processes");
	forget();
}

static void sysrq_is_no_shortage(void **state)
{
	(void)state;
	expect(&(struct dump){ SHORT, .gfp = "0xcc0(GFP_KERNEL)", .order = -1, .anon = 240000 }, "sysrq");
	assert_int_equal(d.nfindings, 1);
	forget();
}

/* ---- whose limit ------------------------------------------------------------------------------------- */

static void a_longer_name_is_no_child(void **state)
{
	static const char form[] =
		"[    1.000001] x invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n"
		"[    1.000001] CPU: 0 PID: 7 Comm: x Not tainted 6.12.9 #1\n"
		"[    1.000001] memory: usage %s, limit 1000kB, failcnt 9\n"
		"[    1.000001] swap: usage 0kB, limit 0kB, failcnt 0\n"
		"[    1.000001] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=%s,"
		"task_memcg=%s,task=x,pid=7,uid=0\n"
		"[    1.000001] Memory cgroup out of memory: Killed process 7 (x) total-vm:4000kB, anon-rss:400kB, file-rss:0kB, "
		"shmem-rss:0kB, UID:0 pgtables:40kB oom_score_adj:0\n";
	const struct { const char *usage, *limited, *victim, *keyword; } of[] = {
		{ "1000kB", "/a", "/a", "memcg_limit" }, { "1000kB", "/a", "/ab", "memcg_limit" },
		{ "1000kB", "/a", "/a/b", "memcg_ancestor_limit" }, { "300kB", "/a", "/a", "memcg_limit" },
	};
	char text[2048];

	(void)state;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(of); i++) {
		snprintf(text, sizeof(text), form, of[i].usage, of[i].limited, of[i].victim);
		diagnose(text);
		assert_string_equal(oom_diagnosis_keyword(&d), of[i].keyword);
		assert_non_null(finding("swap_disabled"));
		assert_null(finding("swap_absent"));      /* the machine may have some */
		forget();
	}
}

/* ---- the ledger -------------------------------------------------------------------------------------- */

static void a_negative_remainder_is_said(void **state)
{
	const struct oom_ledger *l;

	(void)state;
	diagnose_dump(&(struct dump){ SHORT, .anon = 240000, .slab = 10000, .pagetables = 1000 });
	l = oom_books_of(&d.books, OOM_LEDGER_MACHINE);
	assert_true(l->whole);
	assert_int_equal(l->total_kb, 4 * 262144);
	assert_int_equal(l->unaccounted_kb, 4 * (250000 - 253000));
	assert_null(finding("unaccounted"));
	forget();
}

/* Numbers of a damaged or hostile dump: no arithmetic on what no machine can have. */
static void absurd_numbers_are_not_believed(void **state)
{
	static const int64_t odd[] = { INT64_MAX, INT64_MIN + 1, -1000, (int64_t)1 << 60 };

	(void)state;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(odd) * OOM_ARRAY_SIZE(odd); i++) {
		const int64_t a = odd[i % OOM_ARRAY_SIZE(odd)], b = odd[i / OOM_ARRAY_SIZE(odd)];

		diagnose_dump(&(struct dump){ SHORT, .anon = 200000 });
		oom_diagnosis_release(&d);
		ev.swap_total_kb = ev.memcg_usage_kb = ev.kmem_usage_kb = ev.protect_min_kb = ev.memcg_swap_usage_kb = a;
		ev.swap_free_kb = ev.memcg_limit_kb = ev.kmem_limit_kb = ev.protect_low_kb = ev.memcg_swap_limit_kb = b;
		if (ev.ntasks)
			ev.task[0].rss_pages = a;
		for (size_t k = 0; k < ev.nmemory; k += 2)
			ev.memory[k].value = k % 4 ? a : b;
		for (int64_t scope = OOM_SCOPE_UNKNOWN; scope <= OOM_SCOPE_MEMPOLICY; scope++) {
			ev.scope = scope;
			assert_int_equal(oom_diagnose(&r, &d), 0);
			for (size_t k = 0; k < d.books.nledgers; k++)
				assert_true(d.books.ledger[k].unaccounted_kb == OOM_NA ||
					    d.books.ledger[k].total_kb <= (int64_t)1 << 50);
			oom_diagnosis_release(&d);
		}
		forget();
	}
}

static void what_nobody_names_can_be_the_cause(void **state)
{
	(void)state;
	expect(&(struct dump){ SHORT, .anon = 60000, .slab = 10000, .pagetables = 1000 }, "unaccounted");
	assert_int_equal(d.finding[0].kb, 4 * 177000);
	forget();
}

static void huge_pages_of_all_sizes_and_nodes_count(void **state)
{
	const char *lines = "[    1.000001] Node 0 hugepages_total=100 hugepages_free=90 hugepages_surp=0 hugepages_size=2048kB\n"
			    "[    1.000001] Node 1 hugepages_total=20 hugepages_free=20 hugepages_surp=0 hugepages_size=2048kB\n"
			    "[    1.000001] Node 0 hugepages_total=1 hugepages_free=0 hugepages_surp=0 hugepages_size=65536kB\n";
	const struct oom_ledger *l;

	(void)state;
	diagnose_dump(&(struct dump){ SHORT, .anon = 100000, .huge = lines });
	l = oom_books_of(&d.books, OOM_LEDGER_MACHINE);
	assert_int_equal(oom_ledger_kb(l, "hugetlb"), 120 * 2048 + 65536);
	assert_int_equal(oom_ledger_kb(l, "hugetlb_free"), 110 * 2048);
	assert_non_null(finding("hugepages"));
	forget();
}

/* ---- the pages ----------------------------------------------------------------------------------------- */

static void each_cause_is_in_the_manual(void **state)
{
	char *page = read_text("docs/oomlens.1"), *from = strstr(page, ".Sh CAUSES");

	(void)state;
	assert_non_null(from);
	for (size_t i = 0; i < oom_cause_count; i++)
		if (!strstr(from, oom_causes[i].keyword))
			fail_msg("%s is not in docs/oomlens.1", oom_causes[i].keyword);
	free(page);
}

int test_cause(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ledgers_add_up),
		cmocka_unit_test(causes_of_cases),
		cmocka_unit_test(half_of_ram_is_a_cause_and_less_is_none),
		cmocka_unit_test(tmpfs_is_not_the_processes_doing),
		cmocka_unit_test(resident_sets_are_never_added),
		cmocka_unit_test(swap_that_is_left_needs_another_reason),
		cmocka_unit_test(a_watermark_is_not_met_by_being_equal),
		cmocka_unit_test(cma_is_for_movable_requests),
		cmocka_unit_test(the_highatomic_reserve_is_taken_off),
		cmocka_unit_test(the_reserve_depends_on_the_request),
		cmocka_unit_test(only_blocks_of_a_usable_type_count),
		cmocka_unit_test(sysrq_is_no_shortage),
		cmocka_unit_test(a_longer_name_is_no_child),
		cmocka_unit_test(a_negative_remainder_is_said),
		cmocka_unit_test(what_nobody_names_can_be_the_cause),
		cmocka_unit_test(absurd_numbers_are_not_believed),
		cmocka_unit_test(huge_pages_of_all_sizes_and_nodes_count),
		cmocka_unit_test(each_cause_is_in_the_manual),
	};

	return cmocka_run_group_tests_name("causes and ledgers", tests, NULL, NULL);
}
