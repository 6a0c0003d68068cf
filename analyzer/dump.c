/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The numbers of a memory dump, added up in kB. */
#include "dump.h"

#include "evaluate.h"

/* More than any machine has: damage, or a counter that went below zero and was printed unsigned. */
#define KB_MAX ((int64_t)1 << 50)

bool oom_kb_ok(int64_t kb)
{
	return kb >= 0 && kb <= KB_MAX;
}

int64_t oom_memory_kb(const struct oom_event *ev, const struct oom_memory *m)
{
	int64_t kb = OOM_NA;

	switch ((enum oom_unit)m->unit) {
	case OOM_UNIT_PAGES:
		kb = oom_kb_of_pages(ev, m->value);
		break;
	case OOM_UNIT_BYTES:
		kb = m->value / 1024;
		break;
	case OOM_UNIT_KB:
		kb = m->value;
		break;
	case OOM_UNIT_NONE:
	case OOM_UNIT_US:
		break;
	}
	return oom_kb_ok(kb) ? kb : OOM_NA;
}

int64_t oom_kb_of_pages(const struct oom_event *ev, int64_t pages)
{
	if (pages == 0)
		return 0;
	if (!oom_eval_pages_ok(pages) || ev->page_size < 1024 || ev->page_size > 1 << 20)
		return OOM_NA;
	return pages * (ev->page_size / 1024);
}

struct oom_sum oom_memory_sum(const struct oom_event *ev, enum oom_area area, int64_t node, const char *name)
{
	struct oom_sum sum = { OOM_NA, OOM_NA, 0 };

	for (size_t i = 0; i < ev->nmemory; i++) {
		const struct oom_memory *m = &ev->memory[i];
		int64_t kb;

		if (m->area != area || (node != OOM_ANY_NODE && m->node != node) || !oom_str_is(m->name, name))
			continue;
		kb = oom_memory_kb(ev, m);
		if (kb == OOM_NA || (sum.kb != OOM_NA && sum.kb > KB_MAX))
			continue;
		if (sum.kb == OOM_NA)
			sum = (struct oom_sum){ 0, m->line, 0 };
		sum.kb += kb;
		sum.n++;
	}
	return sum;
}

struct oom_sum oom_hugetlb_sum(const struct oom_event *ev, int64_t node, const char *name)
{
	struct oom_sum sum = { OOM_NA, OOM_NA, 0 };

	for (size_t i = 0; i < ev->nmemory; i++) {
		const struct oom_memory *m = &ev->memory[i];
		struct oom_str zone = m->zone;
		int64_t size, kb;

		if (m->area != OOM_AREA_HUGEPAGES || (node != OOM_ANY_NODE && m->node != node) ||
		    !oom_str_is(m->name, name) || m->value < 0 || !oom_take_i64(&zone, &size) ||
		    __builtin_mul_overflow(size, m->value, &kb) || !oom_kb_ok(kb) || (sum.kb != OOM_NA && sum.kb > KB_MAX))
			continue;
		if (sum.kb == OOM_NA || (!sum.kb && kb))
			sum = (struct oom_sum){ 0, m->line, sum.n };
		sum.kb += kb;
		sum.n++;
	}
	return sum;
}
