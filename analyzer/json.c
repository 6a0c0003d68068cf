/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * oomlens.explain/1.  jansson makes the values; the frame is written here, so that a table of ten thousand
 * tasks is never one tree in memory and a task stands on one line.
 */
#include <oomlens/digest.h>
#include <oomlens/incident.h>
#include <oomlens/render.h>

#include <errno.h>
#include <jansson.h>
#include <string.h>

struct pen {
	FILE *out;
	struct oom_arena arena;       /* strings made valid UTF-8 */
	bool nomem;
};

static void pen_init(struct pen *p, FILE *out)
{
	*p = (struct pen){ .out = out };
	json_set_alloc_funcs(oom_malloc, oom_free);
	/* Keys are ours alone; a fixed seed keeps jansson away from /dev/urandom. */
	json_object_seed(1);
}

static int pen_finish(struct pen *p)
{
	oom_arena_release(&p->arena);
	return p->nomem ? -ENOMEM : 0;
}

/* ---- values; NULL after a failed allocation, which put() and set() notice
 * ------------------------------------------------------------ */

static json_t *integer(int64_t v)
{
	return v == OOM_NA ? json_null() : json_integer(v);
}

static json_t *string(struct pen *p, struct oom_str s)
{
	struct oom_str utf8 = oom_str_utf8(&p->arena, s);

	if (!s.p)
		return json_null();
	return utf8.p ? json_stringn_nocheck(utf8.p, utf8.n) : NULL;
}

static json_t *text(struct pen *p, const char *z)
{
	return string(p, oom_str_from(z));
}

static json_t *name_of(struct pen *p, const char *const names[], int64_t v, int64_t fallback)
{
	int64_t n = 0;

	while (names[n])
		n++;
	return text(p, names[v >= 0 && v < n ? v : fallback]);
}

static json_t *known(struct oom_range r)
{
	return integer(r.lo == r.hi ? r.lo : OOM_NA);
}

static json_t *bounds(struct pen *p, struct oom_range r)
{
	json_t *a;

	if (r.lo >= r.hi || r.lo == OOM_NA)
		return json_null();
	a = json_array();
	if (!a || json_array_append_new(a, json_integer(r.lo)) ||
	    json_array_append_new(a, json_integer(r.hi)))
		p->nomem = true;
	return a;
}

static json_t *object(struct pen *p)
{
	json_t *o = json_object();

	p->nomem |= !o;
	return o;
}

static void set(struct pen *p, json_t *o, const char *key, json_t *v)
{
	if (json_object_set_new_nocheck(o, key, v))
		p->nomem = true;
}

/* What steers a terminal goes out as an escape, as JSON has it for the C0 controls: documents are looked at,
 * too.  jansson never parts a character. */
static int write_safe(const char *text, size_t n, void *self)
{
	FILE *out = self;
	struct oom_str s = { text, n };
	size_t len, cols, plain;

	for (; (len = oom_str_glyph(s, &cols)) != 0; s = oom_str_sub(s, len, s.n)) {
		const unsigned char *c = (const unsigned char *)s.p;
		uint32_t cp = c[0];

		for (plain = 0; plain < s.n && c[plain] >= 0x20 && c[plain] < 0x7f;)
			plain++;
		if (plain) {
			fwrite(c, 1, len = plain, out);
			continue;
		}
		/* four columns for each byte: that of \xNN */
		if (cols < 4) {
			fwrite(c, 1, len, out);
			continue;
		}
		if (len == 2)
			cp = (c[0] & 0x1fU) << 6 | (c[1] & 0x3f);
		else if (len == 3)
			cp = (c[0] & 0xfU) << 12 | (c[1] & 0x3fU) << 6 | (c[2] & 0x3f);
		else if (len == 4)
			cp = (c[0] & 7U) << 18 | (c[1] & 0x3fU) << 12 | (c[2] & 0x3fU) << 6 | (c[3] & 0x3f);
		if (cp < 0x10000)
			fprintf(out, "\\u%04X", cp);
		else
			fprintf(out, "\\u%04X\\u%04X", 0xd800 + ((cp - 0x10000) >> 10),
				0xdc00 + ((cp - 0x10000) & 0x3ff));
	}
	return ferror(out) ? -1 : 0;
}

static void put(struct pen *p, json_t *v)
{
	if (!v || (json_dump_callback(v, write_safe, p->out, JSON_ENCODE_ANY) && !ferror(p->out)))
		p->nomem = true;
	json_decref(v);
}

/* A further "key": value of an object that spans lines. */
static void member(struct pen *p, const char *indent, const char *key, json_t *v)
{
	fprintf(p->out, ",\n%s\"%s\": ", indent, key);
	put(p, v);
}

/* ---- the event ------------------------------------------------------------ */

/* Days since 1970-01-01 -> date (proleptic Gregorian; years counted from March, so that the leap day comes
 * last). */
static void civil_from_days(int64_t days, int64_t *year, int *month, int *day)
{
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097, yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;

	*day = (int)(doy - (153 * mp + 2) / 5 + 1);
	*month = (int)(mp < 10 ? mp + 3 : mp - 9);
	*year = yoe + era * 400 + (*month <= 2);
}

static json_t *realtime(struct pen *p, int64_t us)
{
	const int64_t day_us = INT64_C(86400000000);
	int64_t days, rest, year;
	int month, day;
	char z[64];

	if (us == OOM_NA)
		return json_null();
	days = us / day_us - (us % day_us < 0);
	rest = us - days * day_us;
	civil_from_days(days, &year, &month, &day);
	if (year < 0 || year > 9999)          /* RFC 3339 has no other years */
		return json_null();
	snprintf(z, sizeof(z), "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", (int)year, month, day,
		 (int)(rest / 3600000000), (int)(rest / 60000000 % 60), (int)(rest / 1000000 % 60),
		 (int)(rest % 1000000));
	return text(p, z);
}

static json_t *flag_list(struct pen *p, const struct oom_event *ev)
{
	struct oom_str names = oom_gfp_names(ev, &p->arena), one;
	json_t *a;

	if (!names.p)
		return json_null();
	a = json_array();
	while (a && names.n) {
		bool more = oom_take_until(&names, '|', &one);

		if (more)
			(void)oom_take_char(&names, '|');
		else
			one = names;
		if (one.n && json_array_append_new(a, string(p, one)))
			p->nomem = true;
		if (!more)
			break;
	}
	return a;
}

static json_t *trigger(struct pen *p, const struct oom_event *ev)
{
	json_t *o = object(p), *gfp = json_null();

	set(p, o, "pid", integer(ev->trigger_pid));
	set(p, o, "comm", string(p, ev->trigger_comm));
	set(p, o, "oom_score_adj", integer(ev->trigger_adj));
	set(p, o, "order", integer(ev->order));
	if (ev->gfp_raw.p || ev->gfp_flags.p || ev->gfp_mask != OOM_NA) {
		gfp = object(p);
		set(p, gfp, "raw", ev->gfp_raw.p || ev->gfp_mask == OOM_NA ? string(p, ev->gfp_raw) :
			string(p, oom_arena_fmt(&p->arena, "0x%llx", (unsigned long long)ev->gfp_mask)));
		set(p, gfp, "flags", flag_list(p, ev));
	}
	set(p, o, "gfp_mask", gfp);
	set(p, o, "uid", integer(ev->trigger_uid));
	return o;
}

static json_t *memcg(struct pen *p, const struct oom_event *ev)
{
	json_t *o;

	if (!ev->oom_memcg.p && !ev->task_memcg.p && ev->memcg_limit_kb == OOM_NA &&
	    ev->memcg_usage_kb == OOM_NA)
		return json_null();
	o = object(p);
	set(p, o, "oom_path", string(p, ev->oom_memcg));
	set(p, o, "task_path", string(p, ev->task_memcg));
	set(p, o, "version", integer(ev->memcg_version));
	set(p, o, "limit_kb", integer(ev->memcg_limit_kb));
	set(p, o, "usage_kb", integer(ev->memcg_usage_kb));
	set(p, o, "memsw_limit_kb", integer(ev->memsw_limit_kb));
	set(p, o, "memsw_usage_kb", integer(ev->memsw_usage_kb));
	set(p, o, "swap_limit_kb", integer(ev->memcg_swap_limit_kb));
	set(p, o, "swap_usage_kb", integer(ev->memcg_swap_usage_kb));
	return o;
}

static json_t *identity(struct pen *p, struct oom_str cgroup)
{
	struct oom_identity id;
	json_t *o;

	if (!cgroup.p)
		return json_null();
	oom_identify(cgroup, &id);
	o = object(p);
	set(p, o, "cgroup", string(p, cgroup));
	set(p, o, "unit", string(p, id.unit));
	set(p, o, "slice", string(p, id.slice));
	set(p, o, "user_id", integer(id.user_id));
	set(p, o, "pod_uid", text(p, id.pod_uid[0] ? id.pod_uid : NULL));
	set(p, o, "container_id", string(p, id.container_id));
	set(p, o, "runtime", text(p, id.runtime));
	set(p, o, "qos", text(p, id.qos));
	return o;
}

/* The kernel prints a score for the chosen process alone (up to 5.0); else it is known if its points are. */
static int64_t victim_score(const struct oom_event *ev, const struct oom_replay *r,
			    const struct oom_victim *v)
{
	const struct oom_score *c = &r->actual_score;
	const struct oom_task *t;

	if (v->pid == ev->chosen_pid && ev->chosen_score != OOM_NA)
		return ev->chosen_score;
	if (r->actual < 0 || v->role != OOM_ROLE_CHOSEN)
		return OOM_NA;
	t = &ev->task[r->actual];
	if ((t->pid != v->pid && t->tgid != v->pid) || !oom_explain_has_points(r, t, c) ||
	    c->points.lo != c->points.hi)
		return OOM_NA;
	return oom_score_per_mille(r->profile, c->points.lo, r->total);
}

static json_t *victim(struct pen *p, const struct oom_event *ev, const struct oom_replay *r,
		      const struct oom_victim *v)
{
	json_t *o = object(p), *reap = object(p);
	int64_t latency = OOM_NA;

	if (v->killed_us != OOM_NA && v->reap_us != OOM_NA &&
	    (__builtin_sub_overflow(v->reap_us, v->killed_us, &latency) || latency < 0))
		latency = OOM_NA;
	set(p, o, "pid", integer(v->pid));
	set(p, o, "comm", string(p, v->comm));
	set(p, o, "uid", integer(v->uid));
	set(p, o, "role", name_of(p, oom_role_names, v->role, OOM_ROLE_CHOSEN));
	set(p, o, "total_vm_kb", integer(v->total_vm_kb));
	set(p, o, "anon_rss_kb", integer(v->anon_rss_kb));
	set(p, o, "file_rss_kb", integer(v->file_rss_kb));
	set(p, o, "shmem_rss_kb", integer(v->shmem_rss_kb));
	set(p, o, "pgtables_kb", integer(v->pgtables_kb));
	set(p, o, "oom_score_adj", integer(v->oom_score_adj));
	set(p, o, "score", integer(victim_score(ev, r, v)));
	set(p, reap, "outcome", name_of(p, oom_reap_names, v->reap, OOM_REAP_UNSEEN));
	set(p, reap, "anon_rss_kb_after", integer(v->reap_anon_rss_kb));
	set(p, reap, "latency_us", integer(latency));
	set(p, o, "reap", reap);
	set(p, o, "line", integer(v->line));
	return o;
}

/* ---- the replay ------------------------------------------------------------ */

static bool per_mille(const struct oom_replay *r)
{
	return r->profile && r->profile->flags & OOM_PROFILE_PER_MILLE;
}

static json_t *points(const struct oom_replay *r, const struct oom_task *t, const struct oom_score *c)
{
	return oom_explain_has_points(r, t, c) ? known(c->points) : json_null();
}

static void set_points_range(struct pen *p, json_t *o, const struct oom_replay *r, const struct oom_task *t,
			     const struct oom_score *c)
{
	if (oom_explain_has_points(r, t, c) && c->points.lo < c->points.hi)
		set(p, o, "points_range", bounds(p, c->points));
}

static json_t *winner(struct pen *p, const struct oom_event *ev, const struct oom_replay *r)
{
	const struct oom_score *c = &r->winner_score;
	const struct oom_task *t;
	int64_t score = OOM_NA;
	json_t *o;

	if (r->winner < 0 || !r->profile)
		return json_null();
	t = &ev->task[r->winner];
	if (oom_explain_has_points(r, t, c) && c->points.lo == c->points.hi)
		score = oom_score_per_mille(r->profile, c->points.lo, r->total);
	o = object(p);
	set(p, o, "pid", integer(t->pid));
	set(p, o, "points", points(r, t, c));
	set(p, o, "score", integer(score));
	set(p, o, "comm", string(p, t->comm));
	set_points_range(p, o, r, t, c);
	return o;
}

/* What the terms add up to, beside the points that the kernel itself gave. */
static json_t *formula(const struct oom_score *c)
{
	const struct oom_range *x[] = { &c->rss, &c->swap, &c->pgtables };
	int64_t sum = c->adj_pages;

	if (sum == OOM_NA)
		return json_null();
	for (size_t i = 0; i < OOM_ARRAY_SIZE(x); i++) {
		if (x[i]->lo != x[i]->hi || x[i]->lo == OOM_NA)
			return json_null();
		sum += x[i]->lo;
	}
	return integer(sum);
}

static json_t *candidate(struct pen *p, const struct oom_event *ev, const struct oom_replay *r, size_t i,
			 size_t rank)
{
	const struct oom_task *t = &ev->task[i];
	const struct oom_score *c = r->profile && i < r->nscores ? &r->score[i] : NULL;
	const bool eligible = c && c->why_not == OOM_WHY_ELIGIBLE;
	const bool pages = c && !per_mille(r);
	json_t *o = object(p);

	set(p, o, "rank", rank ? integer((int64_t)rank) : json_null());
	set(p, o, "pid", integer(t->pid));
	set(p, o, "tgid", integer(t->tgid));
	set(p, o, "comm", string(p, t->comm));
	set(p, o, "uid", integer(t->uid));
	set(p, o, "points", c ? points(r, t, c) : json_null());
	set(p, o, "rss_pages", integer(t->rss_pages));
	set(p, o, "swap_pages", integer(t->swap_pages));
	set(p, o, "pgtables_pages", c ? known(c->pgtables) : json_null());
	set(p, o, "adj", integer(t->oom_score_adj));
	/* without totalpages an adjustment has no size, but none is 0 */
	set(p, o, "adj_pages",
	    pages && (r->total.lo == r->total.hi || !t->oom_score_adj) ? integer(c->adj_pages) : json_null());
	set(p, o, "eligible", c ? json_boolean(eligible) : json_null());
	set(p, o, "why_not", c && !eligible ? text(p, oom_why_not_names[c->why_not]) : json_null());
	if (c)
		set_points_range(p, o, r, t, c);
	if (ev->ballot == OOM_BALLOT_RECORDED) {
		set(p, o, "kernel_points", integer(t->kernel_points));
		set(p, o, "formula_points", c && eligible ? formula(c) : json_null());
	}
	return o;
}

static void put_replay(struct pen *p, const struct oom_event *ev, const struct oom_replay *r)
{
	const char *in = "      ";

	fprintf(p->out, "{\n%s\"profile\": ", in);
	put(p, text(p, r->profile ? r->profile->name : NULL));
	member(p, in, "verdict", text(p, oom_verdict_names[r->verdict]));
	member(p, in, "reason", text(p, oom_reason_name(r->reason)));
	member(p, in, "text", string(p, r->text));
	member(p, in, "winner", winner(p, ev, r));
	member(p, in, "margin_pages", per_mille(r) ? json_null() : integer(r->margin));
	fprintf(p->out, ",\n%s\"ranking\": [", in);
	for (size_t k = 0; k < ev->ntasks; k++) {
		fprintf(p->out, "%s\n%s  ", k ? "," : "", in);
		put(p, candidate(p, ev, r, r->rank ? r->rank[k] : k, r->rank ? k + 1 : 0));
		oom_arena_reset(&p->arena);
	}
	fprintf(p->out, "%s%s]", ev->ntasks ? "\n" : "", ev->ntasks ? in : "");
	member(p, in, "profile_from", text(p, r->profile_how));
	member(p, in, "points_unit", text(p, !r->profile ? NULL : per_mille(r) ? "per_mille" : "pages"));
	member(p, in, "margin", integer(r->margin));
	member(p, in, "totalpages_from", string(p, r->total_how));
	member(p, in, "evidence_line", integer(r->evidence_line));
	fprintf(p->out, "\n    }");
}

static json_t *source(struct pen *p, const struct oom_event *ev)
{
	json_t *o = object(p);

	set(p, o, "path", string(p, ev->path));
	set(p, o, "first_line", integer(ev->first_line));
	set(p, o, "last_line", integer(ev->last_line));
	return o;
}

static json_t *time_of(struct pen *p, const struct oom_event *ev)
{
	json_t *o = object(p);

	set(p, o, "monotonic_us", integer(ev->boot_us));
	set(p, o, "realtime", realtime(p, ev->wall_us));
	set(p, o, "stamp", string(p, ev->stamp));
	return o;
}

static json_t *note(struct pen *p, const struct oom_note *n)
{
	json_t *o = object(p);

	set(p, o, "kind", string(p, n->kind));
	set(p, o, "line", integer(n->line));
	set(p, o, "text", string(p, n->text));
	return o;
}

/* ---- what only a recorder knows ------------------------------------------------------------ */

/* A part of the event as its field table has it. */
static json_t *part(struct pen *p, const struct oom_record *rec, const void *v)
{
	json_t *o = object(p);

	for (size_t i = 0; i < rec->nfields; i++) {
		const struct oom_field *f = &rec->field[i];

		set(p, o, f->key, f->type == OOM_TYPE_STR ? string(p, oom_field_str(f, v)) :
				  f->type == OOM_TYPE_ENUM ? name_of(p, f->names, oom_field_int(f, v), 0) :
							     integer(oom_field_int(f, v)));
	}
	return o;
}

static void put_parts(struct pen *p, const char *key, const struct oom_record *rec, const void *v, size_t n)
{
	const char *in = "      ";

	fprintf(p->out, ",\n%s\"%s\": [", in, key);
	for (size_t i = 0; i < n; i++) {
		fprintf(p->out, "%s\n%s  ", i ? "," : "", in);
		put(p, part(p, rec, (const char *)v + i * rec->size));
		oom_arena_reset(&p->arena);
	}
	fprintf(p->out, "%s%s]", n ? "\n" : "", n ? in : "");
}

static const char *key_of(struct pen *p, struct oom_str s)
{
	struct oom_str utf8 = oom_str_utf8(&p->arena, s), z = { 0 };

	if (s.p && (!utf8.p || !(z = oom_arena_fmt(&p->arena, "%.*s", (int)utf8.n, utf8.p)).p))
		p->nomem = true;
	return z.p ? z.p : "";
}

/* {"memory": {"some_avg10": 4321}}: by zone and name. */
static json_t *by_zone(struct pen *p, const struct oom_event *ev, enum oom_area area)
{
	json_t *all = NULL, *zone;

	for (size_t i = 0; i < ev->nmemory; i++) {
		const struct oom_memory *m = &ev->memory[i];
		const char *key, *name;

		if (m->area != area)
			continue;
		all = all ? all : object(p);
		key = key_of(p, m->zone);
		name = key_of(p, m->name);
		/* a value that could not be put into its object is gone: ask for it */
		if (!json_object_get(all, key))
			set(p, all, key, object(p));
		zone = json_object_get(all, key);
		set(p, zone, name, integer(m->value));
	}
	return all ? all : json_null();
}

static json_t *feeds(struct pen *p, const struct oom_event *ev)
{
	struct oom_str rest = ev->feeds, one;
	json_t *a = json_array();

	while (a && rest.n) {
		if (!oom_take_until(&rest, ' ', &one)) {
			one = rest;
			rest.n = 0;
		} else {
			(void)oom_take_char(&rest, ' ');
		}
		if (one.n && json_array_append_new(a, string(p, one)))
			p->nomem = true;
	}
	return a;
}

static void put_recorded(struct pen *p, const struct oom_event *ev, const struct oom_replay *r)
{
	const char *in = "      ";
	const struct oom_ballot_check *k = &r->ballot;
	bool votes = ev->ballot == OOM_BALLOT_RECORDED;

	fprintf(p->out, ",\n    \"recorded\": {\n%s\"feeds\": ", in);
	put(p, feeds(p, ev));
	member(p, in, "ballot", name_of(p, oom_ballot_names, ev->ballot, OOM_BALLOT_NONE));
	member(p, in, "ballot_lost", integer(ev->ballot_lost));
	member(p, in, "ballot_points", votes ? integer((int64_t)k->points) : json_null());
	member(p, in, "ballot_matches", votes ? integer((int64_t)(k->compared - k->differ)) : json_null());
	member(p, in, "ballot_differs", votes ? integer((int64_t)k->differ) : json_null());
	member(p, in, "ballot_off_pages", votes && k->compared ? integer(k->off) : json_null());
	member(p, in, "drift_pages", integer(r->drift_bound));
	put_parts(p, "lives", &oom_life_record, ev->life, ev->nlives);
	put_parts(p, "flight", &oom_flight_record, ev->flight, ev->nflights);
	member(p, in, "psi", by_zone(p, ev, OOM_AREA_PSI));
	member(p, in, "counters", by_zone(p, ev, OOM_AREA_COUNTER));
	oom_arena_reset(&p->arena);
	fprintf(p->out, "\n    }");
}

static void put_cause(struct pen *p, const struct oom_replay *r)
{
	struct oom_diagnosis d;

	p->nomem |= oom_diagnose(r, &d) < 0;
	if (!p->nomem) {
		fputs(",\n    ", p->out);
		p->nomem |= oom_json_cause(&d, "    ", p->out) < 0;
	}
	oom_diagnosis_release(&d);
}

static void put_incident(struct pen *p, const struct oom_event *ev)
{
	if (!oom_event_has_note(ev, OOM_NOTE_COLLATERAL))
		return;
	fputs(",\n    ", p->out);
	p->nomem |= oom_json_incident(ev, "    ", p->out) < 0;
}

static void put_event(struct pen *p, const struct oom_event *ev, const struct oom_replay *r)
{
	const char *in = "    ";

	fprintf(p->out, "{\n%s\"id\": ", in);
	put(p, integer(ev->id));
	member(p, in, "source", source(p, ev));
	member(p, in, "host", string(p, ev->host));
	member(p, in, "kernel", string(p, ev->kernel));
	member(p, in, "time", time_of(p, ev));
	member(p, in, "trigger", trigger(p, ev));
	member(p, in, "scope", name_of(p, oom_scope_names, ev->scope, OOM_SCOPE_UNKNOWN));
	member(p, in, "constraint", string(p, ev->constraint));
	member(p, in, "memcg", memcg(p, ev));
	member(p, in, "totalpages", known(r->total));
	member(p, in, "page_size", integer(ev->page_size));
	member(p, in, "tasks", integer((int64_t)ev->ntasks));
	member(p, in, "table_complete", json_boolean(ev->table_complete == 1));
	fprintf(p->out, ",\n%s\"victims\": [", in);
	for (size_t i = 0; i < ev->nvictims; i++) {
		fprintf(p->out, "%s\n%s  ", i ? "," : "", in);
		put(p, victim(p, ev, r, &ev->victim[i]));
		oom_arena_reset(&p->arena);
	}
	fprintf(p->out, "%s%s]", ev->nvictims ? "\n" : "", ev->nvictims ? in : "");
	member(p, in, "outcome", name_of(p, oom_outcome_names, ev->outcome, OOM_OUTCOME_TRUNCATED));
	fprintf(p->out, ",\n%s\"replay\": ", in);
	put_replay(p, ev, r);
	member(p, in, "totalpages_range", bounds(p, r->total));
	member(p, in, "kernel_from", string(p, ev->kernel_from));
	member(p, in, "identity", identity(p, oom_victim_cgroup(ev)));
	fprintf(p->out, ",\n%s\"notes\": [", in);
	for (size_t i = 0; i < ev->nnotes; i++) {
		fprintf(p->out, "%s\n%s  ", i ? "," : "", in);
		put(p, note(p, &ev->note[i]));
		oom_arena_reset(&p->arena);
	}
	fprintf(p->out, "%s%s]", ev->nnotes ? "\n" : "", ev->nnotes ? in : "");
	put_cause(p, r);
	if (oom_event_recorded(ev))
		put_recorded(p, ev, r);
	put_incident(p, ev);
	fprintf(p->out, "\n  }");
}

int oom_json_event(const struct oom_event *ev, const struct oom_replay *r, FILE *out)
{
	struct pen p;

	pen_init(&p, out);
	put_event(&p, ev, r);
	return pen_finish(&p);
}

int oom_json_source(const struct oom_source_info *s, int64_t events, FILE *out)
{
	struct pen p;
	json_t *o;

	pen_init(&p, out);
	o = object(&p);
	set(&p, o, "path", string(&p, s->path));
	set(&p, o, "format", text(&p, s->format));
	set(&p, o, "bytes", integer(s->bytes));
	set(&p, o, "lines", integer(s->lines));
	set(&p, o, "events", integer(events));
	set(&p, o, "damaged_lines", integer(s->damaged_lines));
	set(&p, o, "lost", integer(s->lost));
	put(&p, o);
	return pen_finish(&p);
}

int oom_json_candidate(const struct oom_replay *r, size_t task, size_t rank, const char *key, int64_t value, FILE *out)
{
	struct pen p;
	json_t *o;

	pen_init(&p, out);
	o = candidate(&p, r->event, r, task, rank);
	if (key)
		set(&p, o, key, integer(value));
	put(&p, o);
	return pen_finish(&p);
}

int oom_json_string(struct oom_str s, FILE *out)
{
	struct pen p;

	pen_init(&p, out);
	put(&p, string(&p, s));
	return pen_finish(&p);
}
