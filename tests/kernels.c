/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints docs/KERNELS.md from the tables that the program itself uses. */
#include <oomlens/cause.h>
#include <oomlens/parse.h>

/* A cell: a bar would end it. */
static void put_cell(const char *s)
{
	for (; s && *s; s++)
		printf(*s == '|' ? "\\%c" : "%c", *s);
}

static void put_profiles(void)
{
	printf("## Rules of selection\n\n"
	       "One row per rule set; the name is the first release with it.\n"
	       "Distributions backport, so the release string in the log decides, and where it leaves a choice every candidate is tried: a verdict must hold under all of them.\n\n"
	       "| name | from | to | badness | since |\n| --- | --- | --- | --- | --- |\n");
	for (size_t i = 0; i < oom_profile_count; i++) {
		const struct oom_profile *p = &oom_profiles[i];
		const char *cell[] = { p->name, p->since, p->until, p->formula, p->change };

		for (size_t k = 0; k < OOM_ARRAY_SIZE(cell); k++) {
			printf("| ");
			put_cell(cell[k]);
			printf(" ");
		}
		printf("|\n");
	}
}

static void put_rules(void)
{
	static struct oom_rule_use rule[512];
	struct oom_parser *p = NULL;
	size_t n;

	if (oom_parser_new(&p) < 0)
		return;
	n = oom_parser_rules(p, rule, OOM_ARRAY_SIZE(rule));
	printf("\n## Lines\n\n"
	       "The shapes that the parser knows, whatever kernel printed them.\n"
	       "`{#n}` is a number, `{x*}` may hold anything and is matched from the outside in, `[...]` may lack.\n\n"
	       "| name | shape | kernels |\n| --- | --- | --- |\n");
	for (size_t i = 0; i < n && i < OOM_ARRAY_SIZE(rule); i++) {
		printf("| %s | `", rule[i].name);
		put_cell(rule[i].pattern);
		printf("` | ");
		put_cell(rule[i].seen);
		printf(" |\n");
	}
	oom_parser_free(p);
}

static void put_causes(void)
{
	printf("\n## Causes\n\n"
	       "Why there was no memory, in the order of the table in `analyzer/cause.c`.\n\n"
	       "| keyword | cause | what would help | wrong if |\n| --- | --- | --- | --- |\n");
	for (size_t i = 0; i < oom_cause_count; i++) {
		const struct oom_cause *c = &oom_causes[i];
		const char *cell[] = { c->keyword, c->title, c->advice ? c->advice : "", c->refute ? c->refute : "" };

		for (size_t k = 0; k < OOM_ARRAY_SIZE(cell); k++) {
			printf("| ");
			put_cell(cell[k]);
			printf(" ");
		}
		printf("|\n");
	}
}

int main(void)
{
	printf("# Kernels\n\n"
	       "What oomlens knows of the kernels from 2.6.36 (and RHEL 6's 2.6.32) to 7.1.\n"
	       "This page is printed from the tables in `analyzer/badness.c`, `analyzer/rules.c` and `analyzer/cause.c` by "
	       "`make docs`.\n\n");
	put_profiles();
	put_rules();
	put_causes();
	return ferror(stdout) ? 1 : 0;
}
