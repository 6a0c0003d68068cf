/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose cgroup a path names, what a digest tells of an event, and the names by which stored events are found. */
#include "test_parse.h"
#include "test_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <oomlens/digest.h>
#include <oomlens/whatif.h>

/* ---- identity ------------------------------------------------------------------------------------------- */

#define ID  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID2 "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define POD "0a1b2c3d-1111-2222-3333-444455556666"
#define POD_SLICE "0a1b2c3d_1111_2222_3333_444455556666"

static const struct path {
	const char *path, *unit, *slice, *pod, *container, *runtime, *qos;
	int64_t user;
} paths[] = {
	/* service managers */
	{ "/system.slice/db.service", "db.service", "system.slice", "", NULL, NULL, NULL, OOM_NA },
	{ "/system.slice/db.service/workers", "db.service", "system.slice", "", NULL, NULL, NULL, OOM_NA },
	{ "/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service", "system-getty.slice", "", NULL, NULL, NULL, OOM_NA },
	{ "/system.slice/sshd@3-10.0.0.1:22-10.0.0.9:51234.service", "sshd@3-10.0.0.1:22-10.0.0.9:51234.service", "system.slice", "",
	  NULL, NULL, NULL, OOM_NA },
	{ "/user.slice/user-1000.slice/session-5.scope", "session-5.scope", "user-1000.slice", "", NULL, NULL, NULL, 1000 },
	{ "/user.slice/user-0.slice/user@0.service/init.scope", "init.scope", "user-0.slice", "", NULL, NULL, NULL, 0 },
	{ "/user.slice/user-1000.slice/user@1000.service/app.slice/run-u640.service", "run-u640.service", "app.slice", "", NULL, NULL,
	  NULL, 1000 },
	{ "/user/1000.user/c2.session", NULL, NULL, "", NULL, NULL, NULL, 1000 },
	{ "/machine.slice", NULL, "machine.slice", "", NULL, NULL, NULL, OOM_NA },
	/* docker */
	{ "/docker/" ID, NULL, NULL, "", ID, "docker", NULL, OOM_NA },
	{ "/system.slice/docker-" ID ".scope", "docker-" ID ".scope", "system.slice", "", ID, "docker", NULL, OOM_NA },
	{ "/system.slice/docker-" ID ".scope/init", "docker-" ID ".scope", "system.slice", "", ID, "docker", NULL, OOM_NA },
	{ "/ecs/task/" ID, NULL, NULL, "", ID, NULL, NULL, OOM_NA },
	/* podman, nerdctl, lxc, nspawn */
	{ "/machine.slice/libpod-" ID ".scope/container", "libpod-" ID ".scope", "machine.slice", "", ID, "podman", NULL, OOM_NA },
	{ "/system.slice/web.service/libpod-payload-" ID, "web.service", "system.slice", "", ID, "podman", NULL, OOM_NA },
	{ "/libpod_parent/libpod-" ID, NULL, NULL, "", ID, "podman", NULL, OOM_NA },
	{ "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope", "libpod-" ID ".scope", "user.slice", "", ID,
	  "podman", NULL, 1000 },
	{ "/system.slice/nerdctl-" ID ".scope", "nerdctl-" ID ".scope", "system.slice", "", ID, "containerd", NULL, OOM_NA },
	{ "/lxc/web1/ns", NULL, NULL, "", "web1", "lxc", NULL, OOM_NA },
	{ "/lxc.payload.web1/system.slice/cron.service", "cron.service", "system.slice", "", "web1", "lxc", NULL, OOM_NA },
	{ "/lxc/39004/ns/system.slice/docker-" ID ".scope", "docker-" ID ".scope", "system.slice", "", ID, "docker", NULL, OOM_NA },
	{ "/machine.slice/systemd-nspawn@build.service/payload", "systemd-nspawn@build.service", "machine.slice", "", "build",
	  "systemd-nspawn", NULL, OOM_NA },
	/* kubelets: both drivers, each class, mixed drivers, pods without a container, static pods, a node that is a container */
	{ "/kubepods/pod" POD "/" ID, NULL, NULL, POD, ID, NULL, "guaranteed", OOM_NA },
	{ "/kubepods/burstable/pod" POD "/" ID, NULL, NULL, POD, ID, NULL, "burstable", OOM_NA },
	{ "/kubepods/besteffort/pod" POD "/crio-" ID, NULL, NULL, POD, ID, "crio", "besteffort", OOM_NA },
	{ "/kubepods.slice/kubepods-pod" POD_SLICE ".slice/cri-containerd-" ID ".scope", "cri-containerd-" ID ".scope",
	  "kubepods-pod" POD_SLICE ".slice", POD, ID, "containerd", "guaranteed", OOM_NA },
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" POD_SLICE ".slice/crio-" ID ".scope",
	  "crio-" ID ".scope", "kubepods-burstable-pod" POD_SLICE ".slice", POD, ID, "crio", "burstable", OOM_NA },
	{ "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" POD_SLICE ".slice/docker-" ID ".scope",
	  "docker-" ID ".scope", "kubepods-besteffort-pod" POD_SLICE ".slice", POD, ID, "docker", "besteffort", OOM_NA },
	{ "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" POD_SLICE ".slice", NULL,
	  "kubepods-besteffort-pod" POD_SLICE ".slice", POD, NULL, NULL, "besteffort", OOM_NA },
	{ "/kubepods/burstable", NULL, NULL, "", NULL, NULL, "burstable", OOM_NA },
	{ "/kubepods.slice", NULL, "kubepods.slice", "", NULL, NULL, NULL, OOM_NA },
	{ "/system.slice/containerd.service/kubepods-burstable-pod" POD_SLICE ".slice:cri-containerd:" ID, "containerd.service",
	  "system.slice", POD, ID, "containerd", "burstable", OOM_NA },
	{ "/kubepods/burstable/pod6a5aa19da4ea9ed8f6ab8bbbc9b5d4b4/" ID, NULL, NULL, "6a5aa19da4ea9ed8f6ab8bbbc9b5d4b4", ID, NULL,
	  "burstable", OOM_NA },
	{ "/docker/" ID2 "/kubelet/kubepods/pod" POD "/" ID, NULL, NULL, POD, ID, NULL, "guaranteed", OOM_NA },
	{ "/docker/" ID2 "/kubelet/kubepods/pod" POD, NULL, NULL, POD, NULL, NULL, "guaranteed", OOM_NA },
	{ "/system.slice/docker-" ID2 ".scope/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/"
	  "kubelet-kubepods-burstable-pod" POD_SLICE ".slice/cri-containerd-" ID ".scope", "cri-containerd-" ID ".scope",
	  "kubelet-kubepods-burstable-pod" POD_SLICE ".slice", POD, ID, "containerd", "burstable", OOM_NA },
	/* what only looks like it */
	{ "/", NULL, NULL, "", NULL, NULL, NULL, OOM_NA },
	{ "", NULL, NULL, "", NULL, NULL, NULL, OOM_NA },
	{ "/a/b", NULL, NULL, "", NULL, NULL, NULL, OOM_NA },
	{ "/docker/" ID "0", NULL, NULL, "", NULL, NULL, NULL, OOM_NA },
	{ "/docker/0123456789ab", NULL, NULL, "", NULL, NULL, NULL, OOM_NA },
	{ "/burstable/pod" POD "/x", NULL, NULL, "", NULL, NULL, NULL, OOM_NA },
	{ "/kubepods/pod" POD "0", NULL, NULL, "", NULL, NULL, NULL, OOM_NA },
	{ "/user.slice/user-10x.slice", NULL, "user-10x.slice", "", NULL, NULL, NULL, OOM_NA },
	{ "/user.slice/user--5.slice", NULL, "user--5.slice", "", NULL, NULL, NULL, OOM_NA },
	{ "/lxc", NULL, NULL, "", NULL, NULL, NULL, OOM_NA },
	{ "/system.slice/podman.service", "podman.service", "system.slice", "", NULL, NULL, NULL, OOM_NA },
};

static void paths_tell_whose_they_are(void **state)
{
	(void)state;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(paths); i++) {
		const struct path *w = &paths[i];
		struct oom_identity id;

		oom_identify(oom_str_from(w->path), &id);
		if (!oom_str_eq(id.unit, oom_str_from(w->unit)) || !oom_str_eq(id.slice, oom_str_from(w->slice)) ||
		    strcmp(id.pod_uid, w->pod) != 0 || !oom_str_eq(id.container_id, oom_str_from(w->container)) ||
		    !oom_str_eq(oom_str_from(id.runtime), oom_str_from(w->runtime)) ||
		    !oom_str_eq(oom_str_from(id.qos), oom_str_from(w->qos)) || id.user_id != w->user)
			fail_msg("%s: unit %.*s slice %.*s pod %s container %.*s of %s, %s, user %lld", w->path, (int)id.unit.n,
				 id.unit.p, (int)id.slice.n, id.slice.p, id.pod_uid, (int)id.container_id.n, id.container_id.p,
				 id.runtime, id.qos, (long long)id.user_id);
	}
}

/* ---- digests -------------------------------------------------------------------------------------------- */

static size_t certain, decided;

/* The dry run is another program for the same question: every candidate's adjustment set to 0. */
static void agrees_with_the_dry_run(struct oom_event *ev)
{
	struct oom_edit zero;
	const struct oom_whatif_opts o = { .edit = &zero, .nedits = 1, .drift = OOM_NA };
	struct oom_replay r;
	struct oom_digest d;
	struct oom_whatif w;
	struct oom_err err = { 0 };

	assert_int_equal(oom_replay_run(ev, NULL, &r), 0);
	assert_int_equal(oom_replay_rank(&r), 0);
	oom_digest(&r, &d);
	if (d.unadjusted >= 0) {
		assert_int_equal(oom_edit_parse(OOM_EDIT_SET, OOM_STR("comm:*=0"), NULL, &zero, &err), 0);
		assert_int_equal(oom_whatif_run(ev, &o, &w, &err), 0);
		assert_true(w.after.winner >= 0);
		assert_int_equal(w.after.origin[w.after.winner], d.unadjusted);
		assert_int_equal(d.adj_decided, d.unadjusted != r.winner);
		oom_whatif_release(&w);
		certain++;
		decided += d.adj_decided == 1;
	}
	if (d.largest >= 0 && d.largest_pages != OOM_NA)
		for (size_t i = 0; i < ev->ntasks; i++)
			assert_true(r.score[i].why_not != OOM_WHY_ELIGIBLE || ev->task[i].rss_pages <= d.largest_pages);
	oom_replay_release(&r);
}

static void the_unadjusted_choice_is_that_of_the_dry_run(void **state)
{
	const char *pattern = getenv("DIGEST_LOGS");

	(void)state;
	certain = decided = 0;
	read_logs(pattern ? pattern : "tests/cases/*/log", agrees_with_the_dry_run);
	print_message("%zu certain, %zu of them another one\n", certain, decided);
	assert_true(pattern || (certain > 150 && decided > 5));
}

static const char memcg_text[] =
	"[  100.000001] eater invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP), order=0, oom_score_adj=5\n"
	"[  100.000002] CPU: 1 UID: 1000 PID: 321 Comm: eater Not tainted 6.12.9-test #1\n"
	"[  100.000003] Call Trace:\n"
	"[  100.000004]  out_of_memory+0x100/0x590\n"
	"[  100.000005] Mem-Info:\n"
	"[  100.000006] active_anon:100 inactive_anon:200 isolated_anon:0\n"
	"                free:300 free_pcp:1 free_cma:0\n"
	"[  100.000007] Node 0 DMA: 1*4kB (U) 2*8kB (UM) = 20kB\n"
	"[  100.000008] Free swap  = 0kB\n"
	"[  100.000009] Total swap = 1024kB\n"
	"[  100.000010] 130944 pages RAM\n"
	"[  100.000011] 9000 pages reserved\n"
	"[  100.000012] Tasks state (memory values in pages):\n"
	"[  100.000013] [  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name\n"
	"[  100.000014] [    201]     0   201     3000     1500     1000      500         0    61440       11         -1000 vault\n"
	"[  100.000015] [    301]     0   301   300000    95000    95000        0         0   770048        0         -1000 guarded\n"
	"[  100.000016] [    321]  1000   321   100000    90000    89000     1000         0   770048        0             5 eater\n"
	"[  100.000017] oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,"
	"task_memcg=/user.slice/user-1000.slice/session-5.scope,task=eater,pid=321,uid=1000\n"
	"[  100.000018] Out of memory: Killed process 321 (eater) total-vm:400000kB, anon-rss:356000kB, file-rss:4000kB, "
	"shmem-rss:0kB, UID:1000 pgtables:752kB oom_score_adj:5\n";

static void a_digest_counts_what_the_dump_says(void **state)
{
	struct oom_event ev;
	struct oom_replay r;
	struct oom_digest d, other;

	(void)state;
	assert_int_equal(parse_text(memcg_text, &ev, 1), 1);
	assert_int_equal(oom_replay_run(&ev, NULL, &r), 0);
	assert_int_equal(oom_replay_rank(&r), 0);
	oom_digest(&r, &d);
	assert_int_equal(d.candidates, 3);
	assert_int_equal(d.eligible, 1);
	assert_int_equal(d.largest, 1);
	assert_int_equal(d.largest_pages, 95000 + 188);
	assert_int_equal(d.unadjusted, 1);
	assert_int_equal(d.adj_decided, 1);
	assert_int_equal(d.unkillable_tasks, 2);
	assert_int_equal(d.unkillable_pages, 95000 + 188 + 1500 + 15 + 11);
	assert_int_equal(d.free_kb, 1200);
	assert_int_equal(d.grower, -1);
	assert_int_equal(d.growth_kb, OOM_NA);
	assert_int_equal(d.identity.user_id, 1000);
	/* what a recorder saw weighs more, whatever else a text has */
	ev.feeds = OOM_STR("ballot");
	oom_event_add_flight(&ev)->pid = 301;
	ev.flight[0].growth_pages = 256;
	ev.flight[0].growth_us = 5000000;
	ev.table_complete = 0;
	oom_digest(&r, &other);
	assert_true(other.weight > d.weight);
	assert_int_equal(other.grower, 0);
	assert_int_equal(other.growth_kb, 1024);
	/* who gained 1 page without its adjustment may have gained it by drift */
	ev.task[1].rss_pages = 90001;
	oom_replay_release(&r);
	ev.table_complete = 1;
	assert_int_equal(oom_replay_run(&ev, NULL, &r), 0);
	assert_int_equal(oom_replay_rank(&r), 0);
	oom_digest(&r, &d);
	assert_int_equal(d.unadjusted, -1);
	assert_int_equal(d.adj_decided, OOM_NA);
	oom_replay_release(&r);
	oom_event_release(&ev);
}

/* ---- in the store --------------------------------------------------------------------------------------- */

static void a_digest_is_stored_beside_the_verdict(void **state)
{
	static const char ask[] = "SELECT event, unit, slice, user_id, pod_uid, candidates, eligible, largest_pid, largest_comm, "
		"largest_pages, unadjusted_comm, adj_decided, unkillable_tasks, free_kb, grower_pid, cause, weight > 0 FROM v_event";
	struct oom_store *s = store_open(OOM_STORE_WRITE);
	struct oom_event ev;
	struct oom_replay r;
	struct oom_err err = { 0 };
	char print[33], want[256];

	(void)state;
	assert_int_equal(parse_text(memcg_text, &ev, 1), 1);
	oom_event_fingerprint(&ev, print);
	ev.id = store_put(s, &ev, NULL, 1);
	store_close(s);
	s = store_open(OOM_STORE_READ);
	snprintf(want, sizeof(want), "%.12s|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-", print);
	assert_string_equal(store_ask(s, ask).text, want);
	store_close(s);
	s = store_open(OOM_STORE_WRITE);
	assert_int_equal(oom_replay_run(&ev, NULL, &r), 0);
	assert_int_equal(oom_replay_rank(&r), 0);
	assert_int_equal(oom_store_analyze(s, &r, &err), 1);
	assert_int_equal(oom_store_analyze(s, &r, &err), 0);
	assert_int_equal(oom_store_replace(s, ev.id, &ev, &r, &err), 0);
	store_close(s);
	s = store_open(OOM_STORE_READ);
	snprintf(want, sizeof(want), "%.12s|session-5.scope|user-1000.slice|1000|-|3|1|301|guarded|95188|guarded|1|2|1200|-|-|1", print);
	assert_string_equal(store_ask(s, ask).text, want);
	store_close(s);
	oom_replay_release(&r);
	oom_event_release(&ev);
}

static int resolve(struct oom_store *s, const char *text, int64_t *id, struct oom_err *err)
{
	*err = (struct oom_err){ 0 };
	*id = 0;
	return oom_store_resolve(s, text, id, err);
}

static void events_have_names(void **state)
{
	static const struct { const char *text; int want; } words[] = {
		{ "1", 1 }, { "99999999999", 1 }, { "0", -EINVAL }, { "", -EINVAL }, { "-1", -EINVAL }, { "x", -EINVAL },
		{ "abcde", -EINVAL }, { "abcdef", 0 }, { "ABCDEF", 0 }, { "1e5", -EINVAL }, { "123456", 1 }, { "12345f", 0 },
		{ "123456789012", 0 }, { "0123456789abcdef0123456789abcdef", 0 }, { "0123456789abcdef0123456789abcdef0", -EINVAL },
		{ "abcdef ", -EINVAL },
	};
	struct oom_store *s = store_open(OOM_STORE_WRITE);
	struct oom_event ev;
	struct oom_err err;
	int64_t id;

	(void)state;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(words); i++)
		assert_int_equal(oom_store_event_word(words[i].text, &id), words[i].want);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(parse_text(memcg_text, &ev, 1), 1);
		ev.host = OOM_STR("db7");
		ev.boot_us = i;
		assert_int_equal(store_put(s, &ev, NULL, 1), i + 1);
		oom_event_release(&ev);
	}
	store_shell(store_db, "UPDATE event SET fingerprint = CAST(x'abcdef11' || substr(fingerprint, 5) AS BLOB) WHERE event_id = 1;"
		    "UPDATE event SET fingerprint = CAST(x'abcdef12' || substr(fingerprint, 5) AS BLOB) WHERE event_id = 2;"
		    "UPDATE event SET fingerprint = CAST(x'123456789012' || substr(fingerprint, 7) AS BLOB) WHERE event_id = 3");
	assert_int_equal(resolve(s, "7", &id, &err), 0);
	assert_int_equal(id, 7);
	assert_int_equal(resolve(s, "ABCDEF12", &id, &err), 0);
	assert_int_equal(id, 2);
	assert_int_equal(resolve(s, "123456789012", &id, &err), 0);
	assert_int_equal(id, 3);
	assert_int_equal(resolve(s, "abcdef1", &id, &err), -ENOTUNIQ);
	assert_non_null(strstr(err.text, " 1 (abcdef11"));
	assert_non_null(strstr(err.text, " 2 (abcdef12"));
	assert_null(strstr(err.text, " 3 ("));
	assert_int_equal(resolve(s, "abcdef13", &id, &err), -ENOENT);
	store_close(s);
}

int test_digest(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_tell_whose_they_are),
		cmocka_unit_test(the_unadjusted_choice_is_that_of_the_dry_run),
		cmocka_unit_test(a_digest_counts_what_the_dump_says),
		cmocka_unit_test_setup_teardown(a_digest_is_stored_beside_the_verdict, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(events_have_names, store_setup, store_teardown),
	};

	return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
