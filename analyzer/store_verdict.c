/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was derived from an event as a whole: its verdict and its digest. */
#include <oomlens/digest.h>

#include "store_impl.h"

static int64_t position(ptrdiff_t i)
{
	return i < 0 ? OOM_NA : (int64_t)i;
}

static int put_verdict(struct oom_store *s, const struct oom_replay *r, int64_t id, struct oom_err *reterr)
{
	struct oom_sql_stmt *st;
	const struct oom_profile *p = r->profile;
	struct oom_str unit = p && p->flags & OOM_PROFILE_PER_MILLE ? OOM_STR("per_mille") : OOM_STR("pages");
	bool total = r->total.lo <= r->total.hi;
	int i = 0, ret;

	ret = oom_store_statement(s, OOM_ST_ADD_VERDICT, &st, reterr);
	if (ret)
		return ret;
	oom_sql_unbind(st);
	oom_sql_bind_int(st, ++i, id);
	oom_sql_bind_text(st, ++i, OOM_STR(OOMLENS_VERSION));
	oom_sql_bind_text(st, ++i, oom_str_from(oom_verdict_names[r->verdict]));
	oom_sql_bind_text(st, ++i, oom_str_from(oom_reason_name(r->reason)));
	oom_sql_bind_text(st, ++i, r->text);
	oom_sql_bind_int(st, ++i, r->evidence_line);
	oom_sql_bind_text(st, ++i, oom_str_from(p ? p->name : NULL));
	oom_sql_bind_text(st, ++i, oom_str_from(r->profile_how));
	oom_sql_bind_text(st, ++i, p ? unit : OOM_STR_NULL);
	oom_sql_bind_int(st, ++i, total ? r->total.lo : OOM_NA);
	oom_sql_bind_int(st, ++i, total ? r->total.hi : OOM_NA);
	oom_sql_bind_text(st, ++i, r->total_how);
	oom_sql_bind_int(st, ++i, (int64_t)r->neligible);
	oom_sql_bind_int(st, ++i, position(r->winner));
	oom_sql_bind_int(st, ++i, position(r->runner_up));
	oom_sql_bind_int(st, ++i, position(r->actual));
	oom_sql_bind_int(st, ++i, r->margin);
	oom_sql_bind_int(st, ++i, r->drift_bound);
	return oom_sql_run(s->sql, st, reterr);
}

int oom_store_same_verdict(struct oom_store *s, const struct oom_replay *r, int64_t id, struct oom_err *reterr)
{
	struct oom_sql_stmt *st;
	int ret = oom_store_statement(s, OOM_ST_SAME_VERDICT, &st, reterr);

	if (ret)
		return ret;
	oom_sql_bind_int(st, 1, id);
	oom_sql_bind_text(st, 2, oom_str_from(oom_verdict_names[r->verdict]));
	oom_sql_bind_text(st, 3, oom_str_from(oom_reason_name(r->reason)));
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
	struct oom_sql_stmt *st;
	struct oom_digest d;
	int i = 0, ret;

	ret = oom_store_statement(s, OOM_ST_ADD_DIGEST, &st, reterr);
	if (ret)
		return ret;
	oom_digest(r, &d);
	largest = task_at(ev, d.largest);
	unadjusted = task_at(ev, d.unadjusted);
	oom_sql_unbind(st);
	oom_sql_bind_int(st, ++i, id);
	oom_sql_bind_int(st, ++i, d.candidates);
	oom_sql_bind_int(st, ++i, d.eligible);
	oom_sql_bind_int(st, ++i, largest->pid);
	oom_sql_bind_text(st, ++i, largest->comm);
	oom_sql_bind_int(st, ++i, d.largest_pages);
	oom_sql_bind_int(st, ++i, unadjusted->pid);
	oom_sql_bind_text(st, ++i, unadjusted->comm);
	oom_sql_bind_int(st, ++i, d.adj_decided);
	oom_sql_bind_int(st, ++i, d.unkillable_tasks);
	oom_sql_bind_int(st, ++i, d.unkillable_pages);
	oom_sql_bind_int(st, ++i, d.free_kb);
	oom_sql_bind_int(st, ++i, d.grower < 0 ? OOM_NA : ev->flight[d.grower].pid);
	oom_sql_bind_text(st, ++i, d.grower < 0 ? OOM_STR_NULL : ev->flight[d.grower].comm);
	oom_sql_bind_int(st, ++i, d.growth_kb);
	oom_sql_bind_int(st, ++i, d.growth_us);
	oom_sql_bind_text(st, ++i, d.identity.unit);
	oom_sql_bind_text(st, ++i, d.identity.slice);
	oom_sql_bind_int(st, ++i, d.identity.user_id);
	oom_sql_bind_text(st, ++i, d.identity.pod_uid[0] ? oom_str_from(d.identity.pod_uid) : OOM_STR_NULL);
	oom_sql_bind_text(st, ++i, d.identity.container_id);
	oom_sql_bind_text(st, ++i, oom_str_from(d.identity.runtime));
	oom_sql_bind_text(st, ++i, oom_str_from(d.identity.qos));
	oom_sql_bind_text(st, ++i, oom_str_from(d.cause));
	oom_sql_bind_int(st, ++i, d.weight);
	return oom_sql_run(s->sql, st, reterr);
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
