/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <oomlens/metrics.h>

#include <errno.h>
#include <inttypes.h>

#define LABEL_MAX 128
#define WORDS_MAX 64         /* series of labels that are words of ours; a hostile store may hold others */

const struct oom_metric_info oom_metric_infos[OOM_METRIC_COUNT] = {
	[OOM_METRIC_KILLS] = { "oomlens_kills_total", "counter",
		"Processes killed by the OOM killer, by whose memory ran out.", { "scope" }, true, false },
	[OOM_METRIC_UNIT_KILLS] = { "oomlens_unit_kills_total", "counter",
		"Processes killed, by systemd unit of the event's victim; also _container, _scope (sessions ...), _none and _other.", { "unit" }, true, true },
	[OOM_METRIC_HOST_KILLS] = { "oomlens_host_kills_total", "counter",
		"Processes killed, by host name in the log.", { "host" }, true, true },
	[OOM_METRIC_EVENTS] = { "oomlens_events_total", "counter",
		"OOM events, by how they ended and whether the replay agrees with the kernel.", { "outcome", "verdict" }, true, false },
	[OOM_METRIC_VICTIMS] = { "oomlens_victims_total", "counter",
		"Victims by what became of their memory; slow: freed after a second or more.", { "memory" }, true, false },
	[OOM_METRIC_RECORDED] = { "oomlens_recorded_victims_total", "counter",
		"Victims that the recorder saw, by what the kernel log has of them.", { "class" }, true, false },
	[OOM_METRIC_LAST_KILL] = { "oomlens_last_kill_timestamp_seconds", "gauge",
		"When the latest kill was, of those whose time is known.", { NULL }, true, false },
	[OOM_METRIC_UNIT_LAST_KILL] = { "oomlens_unit_last_kill_timestamp_seconds", "gauge",
		"When the latest kill of a unit was.", { "unit" }, true, true },
	[OOM_METRIC_STORED] = { "oomlens_stored_events", "gauge",
		"OOM events that the store holds; falls when old ones are removed.", { NULL }, false, false },
	[OOM_METRIC_RECORDS_LOST] = { "oomlens_log_records_lost_total", "counter",
		"Records of the kernel log that were overwritten before a recorder could read them.", { NULL }, false, false },
	[OOM_METRIC_FACTS_LOST] = { "oomlens_facts_lost_total", "counter",
		"Facts that the feeds of recorders lost.", { NULL }, false, false },
	[OOM_METRIC_LAST_WRITE] = { "oomlens_recorder_last_write_timestamp_seconds", "gauge",
		"When a recorder last wrote to the store, which it does when there is something to write.", { NULL }, false, false },
	[OOM_METRIC_RECORDER_UP] = { "oomlens_recorder_up", "gauge",
		"Whether this machine's recorder runs; absent if none ever ran since boot.", { NULL }, false, false },
	[OOM_METRIC_RECORDER_TROUBLE] = { "oomlens_recorder_trouble", "gauge",
		"1 if the recorder cannot write its store; events then wait in memory and in the spool.", { NULL }, false, false },
	[OOM_METRIC_RECORDER_WAITING] = { "oomlens_recorder_waiting_events", "gauge",
		"Events that wait to be stored.", { NULL }, false, false },
	[OOM_METRIC_RECORDER_DROPPED] = { "oomlens_recorder_dropped_events_total", "counter",
		"Events that the recorder dropped since its start, because memory and spool were full.", { NULL }, false, false },
	[OOM_METRIC_FEED_OPEN] = { "oomlens_recorder_feed_open", "gauge",
		"Whether the recorder could open this feed of the kernel.", { "feed" }, false, false },
	[OOM_METRIC_BUILD] = { "oomlens_build_info", "gauge",
		"The version of oomlens that exports.", { "version" }, false, false },
	[OOM_METRIC_EXPORTED] = { "oomlens_export_timestamp_seconds", "gauge",
		"When these metrics were exported.", { NULL }, false, false },
};

static const char heading[] = "# oomlens export: the counters go on from here;";

/* ---- series ------------------------------------------------------------------------------------------ */

void oom_metrics_init(struct oom_metrics *ret, size_t most)
{
	*ret = (struct oom_metrics){ .most = most };
}

void oom_metrics_release(struct oom_metrics *m)
{
	oom_arena_release(&m->arena);
	oom_metrics_init(m, m->most);
}

/* Printable, of a length that a time series can bear, and never cut inside of a character. */
static int clean(struct oom_arena *a, struct oom_str s, struct oom_str *ret)
{
	struct oom_str whole = s.p ? oom_str_safe(a, s) : OOM_STR("_none"), rest = whole;
	size_t n = 0, one, cols;

	if (!whole.p)
		return -ENOMEM;
	while ((one = oom_str_glyph(rest, &cols)) != 0 && n + one <= LABEL_MAX) {
		n += one;
		rest = oom_str_sub(rest, one, rest.n);
	}
	*ret = oom_str_sub(whole, 0, n);
	return 0;
}

static struct oom_series *find(struct oom_metrics *m, enum oom_metric which, const struct oom_str label[OOM_METRIC_LABELS])
{
	for (size_t i = 0; i < m->of[which].n; i++) {
		struct oom_series *s = &m->of[which].series[i];

		if (oom_str_eq(s->label[0], label[0]) && oom_str_eq(s->label[1], label[1]))
			return s;
	}
	return NULL;
}

static struct oom_series *insert(struct oom_metrics *m, enum oom_metric which, const struct oom_str label[OOM_METRIC_LABELS])
{
	struct oom_series *s = oom_arena_grow(&m->arena, m->of[which].series, m->of[which].n, &m->of[which].cap, sizeof(*s));

	if (!s)
		return NULL;
	m->of[which].series = s;
	s += m->of[which].n;
	*s = (struct oom_series){ .value = 0 };
	for (size_t i = 0; i < OOM_METRIC_LABELS; i++)
		if (oom_str_eq(label[i], OOM_STR_NULL))
			s->label[i] = OOM_STR_NULL;
		else if (oom_arena_str(&m->arena, label[i], &s->label[i]))
			return NULL;
	m->of[which].n++;
	return s;
}

/* The series of the labels; one that is new goes to "_other" where there are enough. */
static int series_of(struct oom_metrics *m, enum oom_metric which, struct oom_str a, struct oom_str b,
		     struct oom_series **ret)
{
	const struct oom_metric_info *info = &oom_metric_infos[which];
	struct oom_str label[OOM_METRIC_LABELS] = { a, b };
	struct oom_arena scratch = { 0 };
	int r = 0;

	for (size_t i = 0; !r && i < OOM_METRIC_LABELS; i++) {
		if (info->label[i])
			r = clean(&scratch, label[i], &label[i]);
		else
			label[i] = OOM_STR_NULL;
	}
	*ret = r ? NULL : find(m, which, label);
	if (!r && !*ret && m->of[which].n >= (info->from_logs ? m->most : WORDS_MAX)) {
		for (size_t i = 0; i < OOM_METRIC_LABELS; i++)
			if (info->label[i])
				label[i] = OOM_STR("_other");
		*ret = find(m, which, label);
	}
	if (!r && !*ret)
		*ret = insert(m, which, label);
	oom_arena_release(&scratch);
	return *ret ? 0 : -ENOMEM;
}

int oom_metric_add(struct oom_metrics *m, enum oom_metric which, struct oom_str a, struct oom_str b, int64_t by)
{
	struct oom_series *s;
	int r = series_of(m, which, a, b, &s);

	if (!r && by > 0 && __builtin_add_overflow(s->value, by, &s->value))
		s->value = INT64_MAX;
	return r;
}

int oom_metric_set(struct oom_metrics *m, enum oom_metric which, struct oom_str a, struct oom_str b, int64_t value)
{
	struct oom_series *s;
	int r = series_of(m, which, a, b, &s);

	if (!r)
		s->value = value;
	return r;
}

int oom_metric_raise(struct oom_metrics *m, enum oom_metric which, struct oom_str a, struct oom_str b, int64_t value)
{
	struct oom_series *s;
	int r = series_of(m, which, a, b, &s);

	if (!r && value > s->value)
		s->value = value;
	return r;
}

/* ---- as text ----------------------------------------------------------------------------------------- */

static void print_label(const char *name, struct oom_str value, const char *before, FILE *out)
{
	fprintf(out, "%s%s=\"", before, name);
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] == '\\' || value.p[i] == '"')
			putc('\\', out);
		putc(value.p[i], out);
	}
	putc('"', out);
}

static void print_series(const struct oom_metric_info *info, const struct oom_series *s, FILE *out)
{
	fputs(info->name, out);
	for (size_t i = 0; i < OOM_METRIC_LABELS && info->label[i]; i++)
		print_label(info->label[i], s->label[i], i ? "," : "{", out);
	fprintf(out, "%s %" PRId64 "\n", info->label[0] ? "}" : "", s->value);
}

void oom_metrics_print(const struct oom_metrics *m, FILE *out)
{
	fprintf(out, "%s store %" PRIu64 ":%" PRIu64 " event %" PRId64 "\n", heading, m->device, m->inode, m->event);
	for (size_t i = 0; i < OOM_METRIC_COUNT; i++) {
		const struct oom_metric_info *info = &oom_metric_infos[i];

		if (!m->of[i].n)
			continue;
		fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", info->name, info->help, info->name, info->type);
		for (size_t k = 0; k < m->of[i].n; k++)
			print_series(info, &m->of[i].series[k], out);
	}
}

/* ---- and back ---------------------------------------------------------------------------------------- */

static bool take_u64(struct oom_str *s, uint64_t *ret)
{
	uint64_t v = 0;
	size_t i = 0;

	for (; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++)
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (uint64_t)(s->p[i] - '0'), &v))
			return false;
	if (!i)
		return false;
	*s = oom_str_sub(*s, i, s->n);
	*ret = v;
	return true;
}

static bool take_heading(struct oom_str line, struct oom_metrics *m)
{
	return oom_take_lit(&line, heading) && oom_take_lit(&line, " store ") && take_u64(&line, &m->device) &&
	       oom_take_lit(&line, ":") && take_u64(&line, &m->inode) && oom_take_lit(&line, " event ") &&
	       oom_take_i64(&line, &m->event) && !line.n && m->event >= 0;
}

/* name="value", with the escapes of print_label() taken back into buf. */
static bool take_label(struct oom_str *s, const char *name, char buf[LABEL_MAX], struct oom_str *ret)
{
	size_t n = 0, i = 0;

	if (!oom_take_lit(s, name) || !oom_take_lit(s, "=\""))
		return false;
	for (; i < s->n && s->p[i] != '"'; i++) {
		if (s->p[i] == '\\' && ++i == s->n)
			return false;
		if (n == LABEL_MAX)
			return false;
		buf[n++] = s->p[i];
	}
	*s = oom_str_sub(*s, i, s->n);
	*ret = (struct oom_str){ buf, n };
	return oom_take_char(s, '"');
}

/* A line of a metric that goes on; others say nothing. */
static int read_series(struct oom_metrics *m, struct oom_str line)
{
	char buf[OOM_METRIC_LABELS][LABEL_MAX];

	for (unsigned i = 0; i < OOM_METRIC_COUNT; i++) {
		const struct oom_metric_info *info = &oom_metric_infos[i];
		struct oom_str label[OOM_METRIC_LABELS] = { OOM_STR_NULL, OOM_STR_NULL }, s = line;
		int64_t value;

		if (!info->goes_on || !oom_take_lit(&s, info->name) || !s.n || !strchr("{ ", s.p[0]))
			continue;
		for (size_t k = 0; k < OOM_METRIC_LABELS && info->label[k]; k++)
			if (!oom_take_char(&s, k ? ',' : '{') || !take_label(&s, info->label[k], buf[k], &label[k]))
				return -EINVAL;
		if (info->label[0] && !oom_take_char(&s, '}'))
			return -EINVAL;
		if (!oom_take_char(&s, ' ') || !oom_take_i64(&s, &value) || s.n || value < 0)
			return -EINVAL;
		return (info->type[0] == 'c' ? oom_metric_add : oom_metric_raise)(m, (enum oom_metric)i, label[0], label[1],
										  value);
	}
	return 0;
}

int oom_metrics_read(struct oom_metrics *m, struct oom_str text)
{
	struct oom_str line;
	bool first = true;
	int r = 0;

	while (!r && oom_take_until(&text, '\n', &line)) {
		(void)oom_take_char(&text, '\n');
		if (first)
			r = take_heading(line, m) ? 0 : -EINVAL;
		else if (line.n && line.p[0] != '#')
			r = read_series(m, line);
		first = false;
	}
	if (!r && (first || text.n))
		r = -EINVAL;
	if (r)
		oom_metrics_release(m);
	return r;
}
