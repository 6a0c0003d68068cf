/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Causes and ledgers as JSON. */
#include <oomlens/render.h>

#include <inttypes.h>
#include <string.h>

struct pen {
	FILE *out;
	const char *indent;
	int code;        /* the first -ENOMEM */
};

static void string(struct pen *p, const char *key, struct oom_str s)
{
	int r = 0;

	fprintf(p->out, "\"%s\": ", key);
	if (s.p)
		r = oom_json_string(s, p->out);
	else
		fputs("null", p->out);
	p->code = p->code ? p->code : r;
}

static void integer(struct pen *p, const char *key, int64_t v)
{
	if (v == OOM_NA)
		fprintf(p->out, "\"%s\": null", key);
	else
		fprintf(p->out, "\"%s\": %" PRId64, key, v);
}

/* A further member of an object on one line. */
static void more(struct pen *p)
{
	fputs(", ", p->out);
}

/* A further member of an object that spans lines. */
static void line(struct pen *p, const char *deeper)
{
	fprintf(p->out, ",\n%s%s", p->indent, deeper);
}

static void finding(struct pen *p, const struct oom_finding *f)
{
	fputs("{", p->out);
	string(p, "keyword", oom_str_from(f->cause->keyword));
	more(p);
	string(p, "confidence", oom_str_from(oom_confidence_names[f->confidence]));
	more(p);
	fprintf(p->out, "\"primary\": %s", f->primary ? "true" : "false");
	more(p);
	integer(p, "kb", f->kb);
	line(p, "   ");
	string(p, "text", f->text);
	line(p, "   ");
	string(p, "advice", oom_str_from(f->cause->advice));
	line(p, "   ");
	string(p, "refute", oom_str_from(f->cause->refute));
	line(p, "   ");
	fputs("\"evidence\": [", p->out);
	for (size_t i = 0; i < f->nevidence; i++) {
		fprintf(p->out, "%s\n%s    {", i ? "," : "", p->indent);
		string(p, "text", f->evidence[i].text);
		more(p);
		integer(p, "line", f->evidence[i].line);
		fputs("}", p->out);
	}
	fputs("]}", p->out);
}

static void put_cause(struct pen *p, const struct oom_diagnosis *d)
{
	const struct oom_finding *first = &d->finding[0];

	fprintf(p->out, "{\n%s ", p->indent);
	string(p, "keyword", oom_str_from(first->cause->keyword));
	line(p, " ");
	string(p, "confidence", oom_str_from(oom_confidence_names[first->confidence]));
	line(p, " ");
	string(p, "text", first->text);
	line(p, " ");
	fputs("\"findings\": [", p->out);
	for (size_t i = 0; i < d->nfindings; i++) {
		fprintf(p->out, "%s\n%s  ", i ? "," : "", p->indent);
		finding(p, &d->finding[i]);
	}
	fprintf(p->out, "]\n%s}", p->indent);
}

static void row(struct pen *p, const struct oom_ledger *l, const struct oom_ledger_row *r)
{
	fputs("{", p->out);
	string(p, "key", oom_str_from(r->key));
	more(p);
	string(p, "name", oom_str_from(r->name));
	more(p);
	string(p, "group", oom_str_from(oom_ledger_group_names[r->group]));
	more(p);
	integer(p, "kb", r->kb);
	more(p);
	integer(p, "line", r->line);
	more(p);
	string(p, "of", r->of >= 0 ? oom_str_from(l->row[r->of].key) : OOM_STR_NULL);
	more(p);
	fprintf(p->out, "\"disjoint\": %s}", r->of == OOM_LEDGER_DISJOINT ? "true" : "false");
}

static void put_ledgers(struct pen *p, const struct oom_books *b)
{
	fputs("[", p->out);
	for (size_t i = 0; i < b->nledgers; i++) {
		const struct oom_ledger *l = &b->ledger[i];

		fprintf(p->out, "%s\n%s {", i ? "," : "", p->indent);
		string(p, "domain", oom_str_from(oom_ledger_domain_names[l->domain]));
		more(p);
		integer(p, "node", l->node);
		more(p);
		string(p, "path", l->path);
		line(p, "  ");
		integer(p, "total_kb", l->total_kb);
		more(p);
		integer(p, "line", l->total_line);
		more(p);
		integer(p, "unaccounted_kb", l->unaccounted_kb);
		more(p);
		fprintf(p->out, "\"whole\": %s", l->whole ? "true" : "false");
		line(p, "  ");
		string(p, "missing", oom_str_from(l->missing));
		line(p, "  ");
		fputs("\"rows\": [", p->out);
		for (size_t k = 0; k < l->nrows; k++) {
			fprintf(p->out, "%s\n%s   ", k ? "," : "", p->indent);
			row(p, l, &l->row[k]);
		}
		fputs("]}", p->out);
	}
	fputs("]", p->out);
}

int oom_json_cause(const struct oom_diagnosis *d, const char *indent, FILE *out)
{
	struct pen p = { .out = out, .indent = indent };

	fputs("\"cause\": ", out);
	put_cause(&p, d);
	fprintf(out, ",\n%s\"ledger\": ", indent);
	put_ledgers(&p, &d->books);
	return p.code;
}
