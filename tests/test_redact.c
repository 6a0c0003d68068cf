/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Redaction over every event of the cases (REDACT_LOGS: of other logs as well): no name of it is left in its page, its
 * Markdown or its log, and both page and log give the same verdict.
 *
 * What counts as a name: every process name, host, part of a cgroup path and command line of the event, looked for as a
 * whole word in the text that a reader sees.  Not counted: what the redaction keeps on purpose (kept_by_purpose), and words
 * that stand also in the redacted report of an event that has no such name: those are the kernel's or our own.
 */
#include "test_parse.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <oomlens/page.h>
#include <oomlens/redact.h>

#define EVENTS_MAX 1024
#define NAMES_MAX  8192

static struct report {
	char *text;                      /* what readers see of page, Markdown and log */
	char **name;
	size_t nnames;
	char where[200];
} report[EVENTS_MAX];
static size_t nreports;

static const struct oom_redact_key key = { { 1, 2 } };

/* ---- names of an event ------------------------------------------------------------------------------------- */

static void add_name(struct report *r, struct oom_str s)
{
	if (!s.n || r->nnames >= NAMES_MAX)
		return;
	for (size_t i = 0; i < r->nnames; i++)
		if (oom_str_is(s, r->name[i]))
			return;
	r->name[r->nnames] = malloc(s.n + 1);
	assert_non_null(r->name[r->nnames]);
	memcpy(r->name[r->nnames], s.p, s.n);
	r->name[r->nnames++][s.n] = '\0';
}

static void add_path(struct report *r, struct oom_str s)
{
	while (s.n) {
		const char *slash = memchr(s.p, '/', s.n);
		size_t n = slash ? (size_t)(slash - s.p) : s.n;

		add_name(r, oom_str_sub(s, 0, n));
		s = oom_str_sub(s, n + (slash != NULL), s.n);
	}
}

static void collect(struct report *r, const struct oom_event *ev)
{
	r->name = malloc(NAMES_MAX * sizeof(*r->name));
	assert_non_null(r->name);
	add_name(r, ev->host);
	add_name(r, ev->boot_id);
	add_name(r, ev->machine_id);
	add_name(r, ev->trigger_comm);
	add_name(r, ev->chosen_comm);
	add_path(r, ev->cpuset);
	add_path(r, ev->oom_memcg);
	add_path(r, ev->task_memcg);
	add_path(r, ev->oom_group_path);
	for (size_t i = 0; i < ev->ntasks; i++)
		add_name(r, ev->task[i].comm);
	for (size_t i = 0; i < ev->nvictims; i++)
		add_name(r, ev->victim[i].comm);
	for (size_t i = 0; i < ev->npriors; i++)
		add_name(r, ev->prior[i].comm);
	for (size_t i = 0; i < ev->nmemory; i++)
		if (ev->memory[i].area == OOM_AREA_MEMCG)
			add_path(r, ev->memory[i].zone);
}

static bool has_name(const struct report *r, const char *name)
{
	for (size_t i = 0; i < r->nnames; i++)
		if (!strcmp(r->name[i], name))
			return true;
	return false;
}

/* ---- whole words ------------------------------------------------------------------------------------------- */

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static bool stands_in(const char *text, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = text; (p = strstr(p, name)) != NULL; p++)
		if ((p == text || !is_word(p[-1]) || !is_word(name[0])) && (!is_word(p[n]) || !is_word(name[n - 1])))
			return true;
	return false;
}

/* Names of every Linux system, parts of paths that managers make, and numbers of users. */
static bool kept_by_purpose(const char *name)
{
	static const char *const kept[] = {
		"init", "systemd", "systemd-journal", "systemd-logind", "systemd-udevd", "systemd-network", "systemd-resolve",
		"systemd-timesyn", "systemd-hostnam", "systemd-machine", "systemd-oomd", "systemd-userdbd", "(systemd)", "(sd-pam)", "kthreadd", "udevd", "dbus-daemon", "dbus-broker", "sshd",
		"agetty", "login", "cron", "crond", "rsyslogd", "bash", "sh", "dash", "swapoff", "system.slice", "user.slice", "machine.slice",
		"init.scope", "app.slice", "session.slice", "background.slice", "docker", "kubepods", "kubepods.slice", "burstable",
		"besteffort", "kubepods-burstable.slice", "kubepods-besteffort.slice", "lxc", "machine",
	};
	static const char *const numbered[] = { "kworker/", "user-", "session-", "user@", "swapper/" };

	for (size_t i = 0; i < OOM_ARRAY_SIZE(kept); i++)
		if (!strcmp(name, kept[i]))
			return true;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(numbered); i++) {
		size_t n = strlen(numbered[i]), digits;

		if (strncmp(name, numbered[i], n) != 0)
			continue;
		digits = strspn(name + n, "0123456789:uHn");
		if (digits && (!name[n + digits] || name[n + digits] == '.'))
			return true;
	}
	return false;
}

/* The kernel's or our own word: it stands where nobody has such a name. */
static bool is_vocabulary(const char *name)
{
	for (size_t i = 0; i < nreports; i++)
		if (!has_name(&report[i], name) && stands_in(report[i].text, name))
			return true;
	return false;
}

/* ---- one event --------------------------------------------------------------------------------------------- */

/* What stands between tags, entities undone; nothing of style and script. */
static void strip(char *html)
{
	static const struct { const char *entity; char c; } ent[] = {
		{ "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' }, { "&quot;", '"' }, { "&#39;", '\'' },
	};
	char *out = html, *from = strstr(html, "<body>"), *to = strstr(html, "<script>\"use");
	char *model;

	assert_non_null(from);
	assert_non_null(to);
	*to = '\0';
	while ((model = strstr(from, "<script type=")) != NULL)
		memset(model, ' ', (size_t)(strstr(model, "</script>") - model));
	for (char *p = from; *p;) {
		size_t e = 0;

		if (*p == '<') {
			p = strchr(p, '>') + 1;
			*out++ = ' ';
			continue;
		}
		while (e < OOM_ARRAY_SIZE(ent) && strncmp(p, ent[e].entity, strlen(ent[e].entity)) != 0)
			e++;
		*out++ = e < OOM_ARRAY_SIZE(ent) ? ent[e].c : *p;
		p += e < OOM_ARRAY_SIZE(ent) ? strlen(ent[e].entity) : 1;
	}
	*out = '\0';
}

static char *written(int (*fn)(const struct oom_page *p, FILE *out), const struct oom_page *p)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	assert_int_equal(fn(p, f), 0);
	assert_int_equal(fclose(f), 0);
	return text;
}

static int put_log(const struct oom_page *p, FILE *out)
{
	return oom_page_log(p->replay->event, out);
}

struct verdict { int64_t verdict, outcome, nvictims, margin, winner, total; const char *profile; };

static struct verdict verdict_of(const struct oom_event *ev)
{
	struct verdict v;
	struct oom_replay r;

	assert_int_equal(oom_replay_run(ev, NULL, &r), 0);
	v = (struct verdict){
		.verdict = r.verdict, .outcome = ev->outcome, .nvictims = (int64_t)ev->nvictims, .margin = r.margin,
		.winner = r.winner < 0 ? OOM_NA : ev->task[r.winner].pid, .total = r.total.lo,
		.profile = r.profile ? r.profile->name : "",
	};
	oom_replay_release(&r);
	return v;
}

static struct oom_event again;
static void keep_last(struct oom_event *ev)
{
	oom_event_release(&again);
	assert_int_equal(oom_event_clone(&again, ev), 0);
}

/* What a receiver's oomlens makes of it. */
static void same_verdict(const char *text, const struct oom_event *ev, const char *what)
{
	char path[] = "/tmp/oomlens-redact-XXXXXX";
	int fd = mkstemp(path);
	struct verdict want = verdict_of(ev), got;

	assert_true(fd >= 0);
	assert_true(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	memset(&again, 0, sizeof(again));
	read_logs(path, keep_last);
	unlink(path);
	/* what nobody can judge may be less after it */
	if (want.verdict == OOM_VERDICT_INSUFFICIENT && (!again.nraw || verdict_of(&again).verdict == want.verdict)) {
		oom_event_release(&again);
		return;
	}
	got = verdict_of(&again);
	if (got.verdict != want.verdict || got.outcome != want.outcome || got.nvictims != want.nvictims || got.margin != want.margin ||
	    got.winner != want.winner || got.total != want.total || strcmp(got.profile, want.profile) != 0)
		fail_msg("%.*s, event %lld: the redacted %s gives another verdict: %s for %s, margin %lld for %lld, totalpages %lld for %lld",
			 (int)ev->path.n, ev->path.p, (long long)ev->id, what, oom_verdict_names[got.verdict],
			 oom_verdict_names[want.verdict], (long long)got.margin, (long long)want.margin, (long long)got.total,
			 (long long)want.total);
	oom_event_release(&again);
}

static void redact_one(struct oom_event *ev)
{
	struct report *rep = &report[nreports];
	char *html, *md, *log;
	struct oom_event red;
	struct oom_replay r;
	struct oom_page page;
	size_t size;

	/* events that a recorder made have no log to replay; they are a matter of their own */
	assert_true(nreports < EVENTS_MAX);
	assert_int_equal(oom_redact(ev, &key, &red), 0);
	assert_int_equal(oom_replay_run(&red, NULL, &r), 0);
	assert_int_equal(oom_replay_rank(&r), 0);
	assert_int_equal(oom_page_make(&r, NULL, NULL, &page), 0);
	html = written(oom_page_html, &page);
	md = written(oom_page_markdown, &page);
	log = written(put_log, &page);
	if (ev->nraw) {
		same_verdict(log, ev, "log");
		same_verdict(html, ev, "page");
	}
	strip(html);
	size = strlen(html) + strlen(md) + strlen(log) + 3;
	rep->text = malloc(size);
	assert_non_null(rep->text);
	snprintf(rep->text, size, "%s\n%s\n%s", html, md, log);
	snprintf(rep->where, sizeof(rep->where), "%.*s, event %lld", (int)ev->path.n, ev->path.p, (long long)ev->id);
	collect(rep, ev);
	nreports++;
	free(html);
	free(md);
	free(log);
	oom_page_release(&page);
	oom_replay_release(&r);
	oom_event_release(&red);
}

static void no_name_is_left(void **state)
{
	const char *more = getenv("REDACT_LOGS");
	size_t names = 0;

	(void)state;
	read_logs("tests/cases/*/log", redact_one);
	if (more)
		read_logs(more, redact_one);
	assert_true(nreports > 300);
	for (size_t i = 0; i < nreports; i++)
		for (size_t k = 0; k < report[i].nnames; k++) {
			const char *name = report[i].name[k];

			names++;
			if (stands_in(report[i].text, name) && !kept_by_purpose(name) && !is_vocabulary(name))
				fail_msg("%s: '%s' stands in the redacted report", report[i].where, name);
		}
	assert_true(names > 1000);
	for (size_t i = 0; i < nreports; i++) {
		for (size_t k = 0; k < report[i].nnames; k++)
			free(report[i].name[k]);
		free(report[i].name);
		free(report[i].text);
	}
	nreports = 0;
}

/* ---- details ----------------------------------------------------------------------------------------------- */

static const char text[] =
	"Jun 20 12:47:40 web1 earlyoom[8]: sending SIGTERM to process 77 uid 1000 \"acme-ui\": badness 812, VmRSS 2210 MiB, cmdline \"/opt/acme/ui\"\n"
	"Jun 20 12:47:43 web1 kernel: [  10.000000] Modules linked in: acme_net(OE) ext4\n"
	"Jun 20 12:47:43 web1 kernel: [  10.000001] acme-db invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n"
	"Jun 20 12:47:43 web1 kernel: [  10.000002] CPU: 1 PID: 321 Comm: acme-db Tainted: G           OE      6.1.0-42-amd64 #1  Acme 6.1.159-1\n"
	"Jun 20 12:47:43 web1 kernel: [  10.000003] Hardware name: Acme Corp. Rack 9, BIOS 3\n"
	"Jun 20 12:47:43 web1 kernel: [  10.000004] Call Trace:\n"
	"Jun 20 12:47:43 web1 kernel: [  10.000005]  acme_alloc+0x1/0x2 [acme_net]\n"
	"Jun 20 12:47:43 web1 kernel: [  10.000006]  out_of_memory+0x1/0x2\n"
	"Jun 20 12:47:43 web1 kernel: [  10.000007] memory: usage 1024kB, limit 1024kB, failcnt 1\n"
	"Jun 20 12:47:43 web1 kernel: [  10.000008] Memory cgroup stats for /kubepods/burstable/pod0b3d5b79-b618-bafd-c272-f1aabbccddee/acme:\n"
	"Jun 20 12:47:43 web1 kernel: [  10.000009] Tasks state (memory values in pages):\n"
	"Jun 20 12:47:43 web1 kernel: [  10.000010] [  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n"
	"Jun 20 12:47:43 web1 kernel: [  10.000011] [    321]     0   321     1805     1679    49152        0             0 acme-db\n"
	"Jun 20 12:47:43 web1 acmed[99]: acme says that acme-db is slow\n"
	"Jun 20 12:47:43 web1 kernel: [  10.000012] acme_net: link of acme0 is down\n"
	"Jun 20 12:47:43 web1 kernel: [  10.000013] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=acme,mems_allowed=0,oom_memcg=/kubepods/burstable/pod0b3d5b79-b618-bafd-c272-f1aabbccddee,task_memcg=/kubepods/burstable/pod0b3d5b79-b618-bafd-c272-f1aabbccddee/acme,task=acme-db,pid=321,uid=0\n"
	"Jun 20 12:47:43 web1 kernel: [  10.000014] Memory cgroup out of memory: Killed process 321 (acme-db) total-vm:7220kB, anon-rss:6716kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:48kB oom_score_adj:0\n"
	"Jun 20 12:47:44 web1 systemd[1]: acme.service: Failed with result 'oom-kill'.\n";

static char *redacted_log(const struct oom_redact_key *k, struct oom_event *red)
{
	struct oom_event ev;
	char *out = NULL;
	size_t size;
	FILE *f = open_memstream(&out, &size);

	assert_int_equal(parse_text(text, &ev, 1), 1);
	assert_int_equal(oom_redact(&ev, k, red), 0);
	assert_int_equal(oom_page_log(red, f), 0);
	fclose(f);
	oom_event_release(&ev);
	return out;
}

static void what_is_not_understood_goes(void **state)
{
	struct oom_event red;
	char *log = redacted_log(&key, &red);

	(void)state;
	assert_null(strstr(log, "acme"));
	assert_null(strstr(log, "Acme"));
	assert_null(strstr(log, "web1"));
	assert_null(strstr(log, "0b3d5b79"));
	/* what stays: numbers, functions, what kind of thing a path is of */
	assert_non_null(strstr(log, " 6.1.0-42-amd64 #1\n"));
	assert_non_null(strstr(log, "out_of_memory+0x1/0x2"));
	assert_non_null(strstr(log, "/kubepods/burstable/pod"));
	assert_non_null(strstr(log, "pid=321,uid=0"));
	assert_non_null(strstr(log, "Hardware name: (redacted)"));
	assert_int_equal(red.nnotes >= 2, 1);
	for (size_t i = 0; i < red.nnotes; i++)
		assert_true(oom_str_find(red.note[i].text, "acme") < 0);
	free(log);
	oom_event_release(&red);
}

static void the_key_makes_the_names(void **state)
{
	const struct oom_redact_key one = oom_redact_key_of(OOM_STR("one")), two = oom_redact_key_of(OOM_STR("two"));
	struct oom_event a, b, c;
	char *la = redacted_log(&one, &a), *lb = redacted_log(&one, &b), *lc = redacted_log(&two, &c);

	(void)state;
	assert_string_equal(la, lb);
	assert_string_not_equal(la, lc);
	/* one name, one pseudonym, wherever it stands */
	assert_true(oom_str_eq(a.trigger_comm, a.victim[0].comm));
	assert_true(oom_str_eq(a.trigger_comm, a.task[0].comm));
	assert_false(oom_str_eq(a.trigger_comm, c.trigger_comm));
	free(la);
	free(lb);
	free(lc);
	oom_event_release(&a);
	oom_event_release(&b);
	oom_event_release(&c);
}

/* Columns that hold no name: the kernel's words and numbers, ours, or (lines, notes) what is redacted in a way of its own. */
static bool holds_no_name(const char *table, const char *column)
{
	static const char *const none[] = {
		"event.kernel", "event.kernel_from", "event.stamp", "event.gfp_raw", "event.gfp_flags", "event.tainted", "event.constraint",
		"event.nodemask", "event.mems_allowed", "event.page_size_from", "event.outcome_text", "event.feeds", "memory.name",
		"memory.text", "note.kind", "note.text", "raw.text",
	};
	char name[80];

	snprintf(name, sizeof(name), "%s.%s", table, column);
	for (size_t i = 0; i < OOM_ARRAY_SIZE(none); i++)
		if (!strcmp(name, none[i]))
			return true;
	return false;
}

static void fill_names(const struct oom_record *r, void *rec)
{
	for (size_t i = 0; i < r->nfields; i++)
		if (r->field[i].type == OOM_TYPE_STR && !holds_no_name(r->table, r->field[i].key))
			oom_field_set_str(&r->field[i], rec, OOM_STR("/acme/acme-acme"));
}

static void no_names(const struct oom_record *r, const void *rec)
{
	for (size_t i = 0; i < r->nfields; i++)
		if (r->field[i].type == OOM_TYPE_STR && oom_str_find(oom_field_str(&r->field[i], rec), "acme") >= 0)
			fail_msg("%s.%s is not redacted: is it a name?  Then it needs a row in redact.c", r->table, r->field[i].key);
}

/* A column that somebody adds is redacted, or somebody said that it holds no name. */
static void every_column(void **state)
{
	struct oom_event ev, red;

	(void)state;
	oom_event_init(&ev);
	fill_names(&oom_event_record, &ev);
	for (size_t i = 0; i < OOM_PARTS; i++) {
		void *rec = oom_event_add(&ev, oom_parts[i]);

		assert_non_null(rec);
		fill_names(oom_parts[i], rec);
	}
	ev.memory[0].area = OOM_AREA_COUNTER;
	ev.memory[0].zone = OOM_STR("memory.events /acme/a.service");
	assert_int_equal(oom_redact(&ev, &key, &red), 0);
	no_names(&oom_event_record, &red);
	for (size_t i = 0; i < OOM_PARTS; i++) {
		char *array;
		size_t n;

		memcpy(&array, (char *)&red + oom_parts[i]->array, sizeof(array));
		memcpy(&n, (char *)&red + oom_parts[i]->count, sizeof(n));
		for (size_t k = 0; k < n; k++)
			no_names(oom_parts[i], array + k * oom_parts[i]->size);
	}
	assert_true(oom_str_starts(red.memory[0].zone, "memory.events /"));
	assert_true(oom_str_ends(red.memory[0].zone, ".service"));
	oom_event_release(&red);
	oom_event_release(&ev);
}

/* Memory may end anywhere: the page is made, or the caller is told; nothing is lost (the sanitizers look). */
static int make_all(const struct oom_event *ev, FILE *out)
{
	struct oom_event red;
	struct oom_replay r = { .event = NULL };
	struct oom_page page = { .replay = NULL };
	int e = oom_redact(ev, &key, &red);

	if (e == 0)
		e = oom_replay_run(&red, NULL, &r);
	if (e == 0)
		e = oom_replay_rank(&r);
	if (e == 0)
		e = oom_page_make(&r, NULL, NULL, &page);
	if (e == 0)
		e = oom_page_html(&page, out);
	if (e == 0)
		e = oom_page_markdown(&page, out);
	if (e == 0)
		e = oom_page_log(&red, out);
	oom_page_release(&page);
	oom_replay_release(&r);
	oom_event_release(&red);
	return e;
}

static void memory_may_end(void **state)
{
	struct oom_event ev;
	FILE *out = fopen("/dev/null", "w");
	long told = 0;
	int e;

	(void)state;
	assert_non_null(out);
	assert_int_equal(parse_text(text, &ev, 1), 1);
	for (long n = 1; n <= 600; n++) {
		oom_alloc_fail_at(n);
		e = make_all(&ev, out);
		oom_alloc_fail_at(0);
		if (e != 0 && e != -ENOMEM)
			fail_msg("allocation %ld fails, and the answer is %d", n, e);
		told += e < 0;
	}
	/* where a line has escapes, the reader makes do without the memory to undo them */
	if (told <= 20)
		fail_msg("only %ld failures were told", told);
	assert_int_equal(make_all(&ev, out), 0);
	oom_event_release(&ev);
	fclose(out);
}

int test_redact(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_name_is_left),
		cmocka_unit_test(what_is_not_understood_goes),
		cmocka_unit_test(the_key_makes_the_names),
		cmocka_unit_test(every_column),
		cmocka_unit_test(memory_may_end),
	};

	return cmocka_run_group_tests_name("redact", tests, NULL, NULL);
}
