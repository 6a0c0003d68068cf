/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Selectors and edits as text, and whom a selector means. */
#include <oomlens/whatif.h>

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

/* ---- numbers ---------------------------------------------------------------------------------------- */

static bool ends_unit(struct oom_str s)
{
	return !s.n || oom_str_is(s, "B") || oom_str_is(s, "iB");
}

bool oom_take_bytes(struct oom_str *s, int64_t *ret)
{
	static const char units[] = "KMGTP";
	struct oom_str rest = *s;
	int64_t whole, tenths = 0, scale = 1, bytes;
	const char *unit;

	if (!rest.n || rest.p[0] == '-' || !oom_take_i64(&rest, &whole))
		return false;
	if (oom_take_char(&rest, '.')) {       /* one digit is enough for people */
		if (!rest.n || rest.p[0] < '0' || rest.p[0] > '9')
			return false;
		tenths = rest.p[0] - '0';
		rest = oom_str_sub(rest, 1, rest.n);
	}
	unit = rest.n ? memchr(units, rest.p[0] & ~0x20, sizeof(units) - 1) : NULL;
	if (unit) {
		scale = (int64_t)1 << (10 * (unit - units + 1));
		rest = oom_str_sub(rest, 1, rest.n);
	}
	if (!ends_unit(rest) || (scale == 1 && tenths))
		return false;
	if (__builtin_mul_overflow(whole, scale, &bytes) ||
	    __builtin_add_overflow(bytes, scale * tenths / 10, &bytes))
		return false;
	*s = oom_str_sub(*s, s->n, 0);
	*ret = bytes;
	return true;
}

/* ---- selectors -------------------------------------------------------------------------------------- */

static int no(struct oom_err *err, struct oom_str text, const char *why)
{
	return oom_err_set(err, EINVAL, "'%.*s' is no selector: %s", (int)(text.n < 200 ? text.n : 200), text.p ? text.p : "",
			   why);
}

static int parse_uid(struct oom_str text, oom_uid_of *uid_of, struct oom_selector *ret, struct oom_err *reterr)
{
	struct oom_str rest = ret->text;
	char name[64];

	if (oom_take_i64(&rest, &ret->number) && !rest.n)
		return ret->number >= 0 && ret->number < UINT32_MAX ? 0 : no(reterr, text, "there is no such uid");
	if (!uid_of || ret->text.n >= sizeof(name))
		return no(reterr, text, "a uid is a number here");
	memcpy(name, ret->text.p, ret->text.n);
	name[ret->text.n] = '\0';
	ret->number = uid_of(name);
	return ret->number == OOM_NA ? no(reterr, text, "there is no user of this name") : 0;
}

static struct oom_str without_last_slash(struct oom_str path)
{
	while (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	return path;
}

static int parse_cgroup(struct oom_str text, struct oom_selector *ret, struct oom_err *reterr)
{
	ret->kind = OOM_SELECT_CGROUP;
	ret->words = text;
	ret->text = text;
	(void)oom_take_lit(&ret->text, "cgroup:");
	ret->text = without_last_slash(ret->text);
	return oom_str_starts(ret->text, "/") ? 0 : no(reterr, text, "a cgroup's path begins with '/'");
}

int oom_selector_parse(struct oom_str text, oom_uid_of *uid_of, struct oom_selector *ret, struct oom_err *reterr)
{
	static const struct { const char *prefix; enum oom_selector_kind kind; } kinds[] = {
		{ "comm:", OOM_SELECT_COMM }, { "cgroup:", OOM_SELECT_CGROUP }, { "uid:", OOM_SELECT_UID },
		{ "unit:", OOM_SELECT_UNIT },
	};
	struct oom_str rest = text;

	memset(ret, 0, sizeof(*ret));
	ret->words = text;
	if (text.p && memchr(text.p, '\0', text.n))
		return no(reterr, text, "it holds a NUL byte");
	for (size_t i = 0; i < OOM_ARRAY_SIZE(kinds); i++) {
		if (!oom_take_lit(&rest, kinds[i].prefix))
			continue;
		ret->kind = kinds[i].kind;
		ret->text = rest;
		if (!rest.n || rest.n > 4096)
			return no(reterr, text, rest.n ? "it is too long" : "nothing follows the colon");
		if (ret->kind == OOM_SELECT_CGROUP)
			return parse_cgroup(text, ret, reterr);
		return ret->kind == OOM_SELECT_UID ? parse_uid(text, uid_of, ret, reterr) : 0;
	}
	ret->kind = OOM_SELECT_PID;
	if (!oom_take_i64(&rest, &ret->number) || rest.n)
		return no(reterr, text, "there are PID, comm:NAME, cgroup:PATH, uid:N and unit:NAME");
	return ret->number > 0 && ret->number <= INT32_MAX ? 0 : no(reterr, text, "there is no such pid");
}

/* ---- whom it means ---------------------------------------------------------------------------------- */

/* Cut, not refused: names of the kernel are short, and a longer one cannot match in its cut form. */
static bool matches(struct oom_str pattern, const char *suffix, struct oom_str name)
{
	char p[4096 + 16], n[256];

	if (!name.p || pattern.n > 4096 || name.n >= sizeof(n) || memchr(name.p, '\0', name.n))
		return false;
	snprintf(p, sizeof(p), "%.*s%s", (int)pattern.n, pattern.p, suffix);
	memcpy(n, name.p, name.n);
	n[name.n] = '\0';
	return fnmatch(p, n, 0) == 0;
}

static bool is_below(struct oom_str path, struct oom_str top)
{
	if (oom_str_is(top, "/"))
		return path.p != NULL;
	return path.p && path.n >= top.n && memcmp(path.p, top.p, top.n) == 0 &&
	       (path.n == top.n || path.p[top.n] == '/');
}

static bool is_row_of(const struct oom_task *t, int64_t pid)
{
	return pid != OOM_NA && (t->tgid == pid || (t->tgid == OOM_NA && t->pid == pid));
}

/* A log tells the cgroup of a row in three ways only: its recorder knew, the whole table is of one cgroup, or it is
 * that of the process that was chosen. */
static int known_cgroup(const struct oom_event *ev, size_t task, struct oom_str *ret)
{
	const struct oom_task *t = &ev->task[task];

	*ret = t->cgroup.p ? t->cgroup : OOM_STR_NULL;
	if (!ret->p && ev->task_memcg.p && is_row_of(t, ev->chosen_pid))
		*ret = ev->task_memcg;
	return ret->p != NULL;
}

int oom_task_in_cgroup(const struct oom_event *ev, size_t task, struct oom_str path)
{
	struct oom_str own;

	if (oom_str_is(path, "/"))
		return 1;
	if (known_cgroup(ev, task, &own))
		return is_below(own, path);
	if (ev->scope == OOM_SCOPE_MEMCG && is_below(ev->oom_memcg, path))
		return 1;
	if (ev->scope == OOM_SCOPE_MEMCG && ev->oom_memcg.p && !is_below(path, ev->oom_memcg))
		return 0;
	if (ev->oom_group != 1 || !oom_str_eq(ev->oom_group_path, path))
		return -1;
	for (size_t i = 0; i < ev->nvictims; i++)
		if (is_row_of(&ev->task[task], ev->victim[i].pid))
			return 1;
	return 0;                              /* all of the group were killed, and it was not */
}

static bool next_part(struct oom_str *path, struct oom_str *part)
{
	while (oom_take_char(path, '/'))
		;
	if (!path->n)
		return false;
	if (!oom_take_until(path, '/', part)) {
		*part = *path;
		*path = oom_str_sub(*path, path->n, 0);
	}
	return true;
}

static int in_unit(const struct oom_selector *s, const struct oom_event *ev, size_t task)
{
	struct oom_str path, part;

	if (!known_cgroup(ev, task, &path)) {
		path = ev->oom_memcg;          /* all rows are below it; whose part it is not, may be further down */
		if (ev->scope != OOM_SCOPE_MEMCG || !path.p)
			return -1;
		while (next_part(&path, &part))
			if (matches(s->text, "", part) || matches(s->text, ".service", part))
				return 1;
		return -1;
	}
	while (next_part(&path, &part))
		if (matches(s->text, "", part) || matches(s->text, ".service", part))
			return 1;
	return 0;
}

int oom_selector_match(const struct oom_selector *s, const struct oom_event *ev, size_t task)
{
	const struct oom_task *t = &ev->task[task];

	switch (s->kind) {
	case OOM_SELECT_PID:
		return t->tgid == s->number || t->pid == s->number;
	case OOM_SELECT_COMM:
		return matches(s->text, "", t->comm);
	case OOM_SELECT_UID:
		return t->uid == s->number;
	case OOM_SELECT_CGROUP:
		return oom_task_in_cgroup(ev, task, s->text);
	case OOM_SELECT_UNIT:
		return in_unit(s, ev, task);
	}
	return 0;
}

/* ---- edits ------------------------------------------------------------------------------------------ */

static int bad_edit(struct oom_err *err, struct oom_str text, const char *why)
{
	return oom_err_set(err, EINVAL, "'%.*s': %s", (int)(text.n < 200 ? text.n : 200), text.p ? text.p : "", why);
}

/* SELECTOR=VALUE; a name may hold '=', a value may not. */
static bool split(struct oom_str text, struct oom_str *who, struct oom_str *value)
{
	ptrdiff_t at = oom_str_rfind(text, "=");

	if (at < 0)
		return false;
	*who = oom_str_sub(text, 0, (size_t)at);
	*value = oom_str_sub(text, (size_t)at + 1, text.n);
	return true;
}

static int parse_adj(struct oom_str text, struct oom_str *who, struct oom_str value, struct oom_edit *e,
		     struct oom_err *reterr)
{
	bool forced = oom_str_ends(*who, "=");

	if (forced)
		who->n--;
	e->relative = !forced && value.n && (value.p[0] == '+' || value.p[0] == '-');
	if (oom_take_char(&value, '+') && oom_str_starts(value, "-"))
		return bad_edit(reterr, text, "two signs");
	if (!oom_take_i64(&value, &e->value) || value.n)
		return bad_edit(reterr, text, "the value is no number");
	if (e->value < (e->relative ? -2000 : -1000) || e->value > (e->relative ? 2000 : 1000))
		return bad_edit(reterr, text, "oom_score_adj goes from -1000 to 1000");
	return 0;
}

static int parse_switch(struct oom_str text, struct oom_str value, struct oom_edit *e, struct oom_err *reterr)
{
	if (!oom_str_is(value, "0") && !oom_str_is(value, "1"))
		return bad_edit(reterr, text, "the value is 0 or 1");
	e->value = value.p[0] - '0';
	return 0;
}

static int parse_size(struct oom_str text, struct oom_str value, struct oom_edit *e, struct oom_err *reterr)
{
	if (oom_take_bytes(&value, &e->value) && e->value <= (int64_t)1 << 55)
		return 0;
	return bad_edit(reterr, text, "the value is no number of bytes (4096, 64K, 512M, 1.5G)");
}

int oom_edit_parse(enum oom_edit_kind kind, struct oom_str text, oom_uid_of *uid_of, struct oom_edit *ret,
		   struct oom_err *reterr)
{
	struct oom_str who = text, value = text;
	int r;

	memset(ret, 0, sizeof(*ret));
	ret->kind = kind;
	ret->words = text;
	if (kind == OOM_EDIT_WITHOUT)
		return oom_selector_parse(text, uid_of, &ret->sel, reterr);
	if (kind == OOM_EDIT_SWAP)
		return parse_size(text, text, ret, reterr);
	if (kind == OOM_EDIT_ALLOCATING)
		return parse_switch(text, text, ret, reterr);
	if (!split(text, &who, &value))
		return bad_edit(reterr, text, "a value is missing, as in PID=500 or /a/b=512M");
	r = kind == OOM_EDIT_SET ? parse_adj(text, &who, value, ret, reterr)
	  : kind == OOM_EDIT_GROUP ? parse_switch(text, value, ret, reterr)
				   : parse_size(text, value, ret, reterr);
	if (r < 0)
		return r;
	if (kind == OOM_EDIT_LIMIT || kind == OOM_EDIT_GROUP)
		return parse_cgroup(who, &ret->sel, reterr);
	return oom_selector_parse(who, uid_of, &ret->sel, reterr);
}
