/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was derived from an event as a whole: its verdict and its digest. */
#include <oomlens/digest.h>

#include "store_impl.h"

static int64_t position(ptrdiff_t i)
{
	return i < 0 ? OOM_NA : (int64_t)i;
}

/* Words of a row on their way into a statement: what fails once fails for all. */
struct binder {
	struct oom_store *s;
	struct oom_sql_stmt *st;
	struct oom_err *err;
	int i, r;
};

static void bind_int(struct binder *b, int64_t v)
{
	oom_sql_bind_int(b->st, ++b->i, v);
}

static void bind_word(struct binder *b, struct oom_str text)
{
	int64_t id = OOM_NA;

	if (!b->r && text.p)
		b->r = oom_dict_text(b->s, OOM_DICT_WORD, text, &id, b->err);
	oom_sql_bind_int(b->st, ++b->i, id);
}

static void bind_name(struct binder *b, const char *name)
{
	bind_word(b, oom_str_from(name));
}

static int put_verdict(struct oom_store *s, const struct oom_replay *r, int64_t id, struct oom_err *reterr)
{
	const struct oom_profile *p = r->profile;
	struct binder b = { .s = s, .err = reterr };
	struct oom_adj_pages adj = oom_store_adj_pages(r);
	bool total = r->total.lo <= r->total.hi;

	b.r = oom_store_statement(s, OOM_ST_ADD_VERDICT, &b.st, reterr);
	if (b.r)
		return b.r;
	oom_sql_unbind(b.st);
	bind_int(&b, id);
	bind_name(&b, OOMLENS_VERSION);
	bind_name(&b, oom_verdict_names[r->verdict]);
	bind_name(&b, oom_reason_name(r->reason));
	oom_sql_bind_text(b.st, ++b.i, r->text);
	bind_int(&b, r->evidence_line);
	bind_name(&b, p ? p->name : NULL);
	bind_name(&b, r->profile_how);
	bind_name(&b, !p ? NULL : p->flags & OOM_PROFILE_PER_MILLE ? "per_mille" : "pages");
	bind_int(&b, total ? r->total.lo : OOM_NA);
	bind_int(&b, total ? r->total.hi : OOM_NA);
	bind_word(&b, r->total_how);
	bind_int(&b, adj.shown);
	bind_int(&b, adj.lo);
	bind_int(&b, adj.hi);
	bind_int(&b, (int64_t)r->neligible);
	bind_int(&b, position(r->winner));
	bind_int(&b, position(r->runner_up));
	bind_int(&b, position(r->actual));
	bind_int(&b, r->margin);
	bind_int(&b, r->drift_bound);
	return b.r ? b.r : oom_sql_run(s->sql, b.st, reterr);
}

int oom_store_same_verdict(struct oom_store *s, const struct oom_replay *r, int64_t id, struct oom_err *reterr)
{
	struct oom_sql_stmt *st;
	int64_t verdict, reason;
	int ret = oom_dict_known(s, oom_str_from(oom_verdict_names[r->verdict]), &verdict, reterr);

	if (ret == 1)
		ret = oom_dict_known(s, oom_str_from(oom_reason_name(r->reason)), &reason, reterr);
	if (ret != 1)
		return ret;
	ret = oom_store_statement(s, OOM_ST_SAME_VERDICT, &st, reterr);
	if (ret)
		return ret;
	oom_sql_bind_int(st, 1, id);
	oom_sql_bind_int(st, 2, verdict);
	oom_sql_bind_int(st, 3, reason);
	ret = oom_sql_step(s->sql, st, reterr);
	oom_sql_reset(st);
	return ret;
}

static const struct oom_task *task_at(const struct oom_event *ev, ptrdiff_t row)
{
	static const struct oom_task none = { .pid = OOM_NA };

	return row < 0 ? &none : &ev->task[row];
}

static int put_digest(struct oom_store *s, const struct oom_replay *r, int64_t id, struct oom_err *reterr)
{
	const struct oom_event *ev = r->event;
	const struct oom_task *largest, *unadjusted;
	struct binder b = { .s = s, .err = reterr };
	struct oom_digest d;

	b.r = oom_store_statement(s, OOM_ST_ADD_DIGEST, &b.st, reterr);
	if (b.r)
		return b.r;
	oom_digest(r, &d);
	largest = task_at(ev, d.largest);
	unadjusted = task_at(ev, d.unadjusted);
	oom_sql_unbind(b.st);
	bind_int(&b, id);
	bind_int(&b, d.candidates);
	bind_int(&b, d.eligible);
	bind_int(&b, largest->pid);
	bind_word(&b, largest->comm);
	bind_int(&b, d.largest_pages);
	bind_int(&b, unadjusted->pid);
	bind_word(&b, unadjusted->comm);
	bind_int(&b, d.adj_decided);
	bind_int(&b, d.unkillable_tasks);
	bind_int(&b, d.unkillable_pages);
	bind_int(&b, d.free_kb);
	bind_int(&b, d.grower < 0 ? OOM_NA : ev->flight[d.grower].pid);
	bind_word(&b, d.grower < 0 ? OOM_STR_NULL : ev->flight[d.grower].comm);
	bind_int(&b, d.growth_kb);
	bind_int(&b, d.growth_us);
	bind_word(&b, d.identity.unit);
	bind_word(&b, d.identity.slice);
	bind_int(&b, d.identity.user_id);
	bind_name(&b, d.identity.pod_uid[0] ? d.identity.pod_uid : NULL);
	bind_word(&b, d.identity.container_id);
	bind_name(&b, d.identity.runtime);
	bind_name(&b, d.identity.qos);
	bind_name(&b, d.cause);
	bind_int(&b, d.weight);
	return b.r ? b.r : oom_sql_run(s->sql, b.st, reterr);
}

int oom_store_put_verdict(struct oom_store *s, const struct oom_replay *r, int64_t id, struct oom_err *reterr)
{
	int ret = put_verdict(s, r, id, reterr);

	return ret ? ret : put_digest(s, r, id, reterr);
}

int oom_store_clear_verdict(struct oom_store *s, int64_t id, struct oom_err *reterr)
{
	static const unsigned of[] = { OOM_ST_CLEAR_VERDICT, OOM_ST_CLEAR_DIGEST };
	int r = 0;

	for (size_t i = 0; !r && i < OOM_ARRAY_SIZE(of); i++) {
		struct oom_sql_stmt *st;

		r = oom_store_statement(s, of[i], &st, reterr);
		if (r)
			return r;
		oom_sql_bind_int(st, 1, id);
		r = oom_sql_run(s->sql, st, reterr);
	}
	return r;
}
