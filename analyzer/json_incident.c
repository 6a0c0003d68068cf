/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The incident as JSON: the moments of an event that other programs wrote of too. */
#include <oomlens/incident.h>
#include <oomlens/render.h>

#include <inttypes.h>

static void integer(const char *key, int64_t v, FILE *out)
{
	if (v == OOM_NA)
		fprintf(out, ", \"%s\": null", key);
	else
		fprintf(out, ", \"%s\": %" PRId64, key, v);
}

static int string(const char *key, struct oom_str s, FILE *out)
{
	fprintf(out, ", \"%s\": ", key);
	if (s.p)
		return oom_json_string(s, out);
	fputs("null", out);
	return 0;
}

static int moment(const struct oom_moment *m, FILE *out)
{
	int r;

	fprintf(out, "{\"who\": \"%s\", \"what\": \"%s\"", oom_teller_names[m->teller], oom_moment_names[m->kind]);
	integer("monotonic_us", m->boot_us, out);
	r = string("stamp", m->stamp, out);
	integer("pid", m->pid, out);
	r = r ? r : string("comm", m->comm, out);
	r = r ? r : string("where", m->where, out);
	r = r ? r : string("text", m->text, out);
	integer("line", m->line, out);
	fputs("}", out);
	return r;
}

int oom_json_incident(const struct oom_event *ev, const char *indent, FILE *out)
{
	struct oom_incident in;
	int r = oom_incident_make(ev, NULL, &in);

	fputs("\"incident\": [", out);
	for (size_t i = 0; i < in.nmoments && r == 0; i++) {
		fprintf(out, "%s\n%s  ", i ? "," : "", indent);
		r = moment(&in.moment[i], out);
	}
	fprintf(out, "\n%s]", indent);
	oom_incident_release(&in);
	return r;
}
