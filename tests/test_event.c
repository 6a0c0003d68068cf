/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events of any content, and their comparison field by field. */
#include "unit.h"
#include "test_event.h"

#include <string.h>

static uint32_t seed = 1;

static uint32_t dice(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static struct oom_str any_text(struct oom_event *ev)
{
	static const struct oom_str odd[] = {
		{ "", 0 },	    { "x) total-vm:9kB", 15 },	  { "\xff\xfe\0a\x1b[31m", 9 },
		{ "a\"b\\c'd", 7 }, { "\xed\xb0\x80\xed", 4 },	  { "tab\there", 8 },
		{ "\0", 1 },	    { "\xf0\x9f\x92\xa9 ok", 7 }, { "Normal", 6 },
	};
	struct oom_str s;

	if (dice(6) == 0)
		return OOM_STR_NULL;
	assert_int_equal(oom_arena_str(&ev->arena, odd[dice(OOM_ARRAY_SIZE(odd))], &s), 0);
	return s;
}

static int64_t any_int(void)
{
	switch (dice(8)) {
	case 0:  return OOM_NA;
	case 1:  return 0;
	case 2:  return -1000;
	case 3:  return INT64_MAX;
	case 4:  return -9007199254740993;
	default: return dice(100000);
	}
}

static void fill(struct oom_event *ev, const struct oom_record *r, void *rec)
{
	for (size_t i = 0; i < r->nfields; i++) {
		const struct oom_field *f = &r->field[i];
		int64_t n = 0;

		if (f->type == OOM_TYPE_STR) {
			oom_field_set_str(f, rec, any_text(ev));
		} else if (f->type == OOM_TYPE_INT) {
			oom_field_set_int(f, rec, any_int());
		} else {
			while (f->names[n])
				n++;
			oom_field_set_int(f, rec, dice((uint32_t)n));
		}
	}
}

void test_event_random(struct oom_event *ev, size_t parts)
{
	oom_event_init(ev);
	fill(ev, &oom_event_record, ev);
	for (size_t p = 0; p < OOM_PARTS; p++) {
		for (size_t i = 0; i < parts; i++) {
			void *rec = oom_event_add(ev, oom_parts[p]);

			assert_non_null(rec);
			fill(ev, oom_parts[p], rec);
		}
	}
}

static void same_record(const struct oom_record *r, const void *a, const void *b)
{
	for (size_t i = 0; i < r->nfields; i++) {
		const struct oom_field *f = &r->field[i];

		if (f->type == OOM_TYPE_STR ? !oom_str_eq(oom_field_str(f, a), oom_field_str(f, b)) :
					      oom_field_int(f, a) != oom_field_int(f, b))
			fail_msg("%s.%s differs", r->table, f->key);
	}
}

void test_event_same(const struct oom_event *a, const struct oom_event *b)
{
	same_record(&oom_event_record, a, b);
	for (size_t p = 0; p < OOM_PARTS; p++) {
		const struct oom_record *r = oom_parts[p];
		const char *pa, *pb;
		size_t na, nb;

		memcpy(&na, (const char *)a + r->count, sizeof(na));
		memcpy(&nb, (const char *)b + r->count, sizeof(nb));
		memcpy(&pa, (const char *)a + r->array, sizeof(pa));
		memcpy(&pb, (const char *)b + r->array, sizeof(pb));
		if (na != nb)
			fail_msg("%zu rows of %s went in, %zu came out", na, r->table, nb);
		for (size_t i = 0; i < na; i++)
			same_record(r, pa + i * r->size, pb + i * r->size);
	}
}
