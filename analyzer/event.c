/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <oomlens/event.h>

#include <errno.h>
#include <stdarg.h>
#include <string.h>

static int copy_strings(struct oom_arena *a, const struct oom_record *r, void *rec)
{
	for (size_t i = 0; i < r->nfields; i++) {
		struct oom_str s;

		if (r->field[i].type != OOM_TYPE_STR)
			continue;
		if (oom_arena_str(a, oom_field_str(&r->field[i], rec), &s) < 0)
			return -ENOMEM;
		oom_field_set_str(&r->field[i], rec, s);
	}
	return 0;
}

/* Unknown integers are OOM_NA; strings are NULL from the zeroing; enumerations start at 0. */
static void record_clear(const struct oom_record *r, void *rec)
{
	for (size_t i = 0; i < r->nfields; i++)
		if (r->field[i].type == OOM_TYPE_INT)
			oom_field_set_int(&r->field[i], rec, OOM_NA);
}

void oom_event_init(struct oom_event *ev)
{
	static const size_t zero[] = {
		offsetof(struct oom_event, global_oom), offsetof(struct oom_event, allocating_task),
		offsetof(struct oom_event, oom_group), offsetof(struct oom_event, sysrq), offsetof(struct oom_event, has_invoked),
		offsetof(struct oom_event, has_table), offsetof(struct oom_event, table_complete),
		offsetof(struct oom_event, has_mem_info), offsetof(struct oom_event, suppressed),
		offsetof(struct oom_event, damaged_lines),
	};

	memset(ev, 0, sizeof(*ev));
	record_clear(&oom_event_record, ev);
	for (size_t i = 0; i < OOM_ARRAY_SIZE(zero); i++)
		memset((char *)ev + zero[i], 0, sizeof(int64_t));
	for (size_t i = 0; i < OOM_AT_COUNT; i++)
		ev->at[i] = OOM_NA;
}

void oom_event_release(struct oom_event *ev)
{
	if (!ev)
		return;
	oom_arena_release(&ev->arena);
	memset(ev, 0, sizeof(*ev));
}

/* ---- parts ------------------------------------------------------------------------------------------- */

static void *part_array(const struct oom_event *ev, const struct oom_record *r)
{
	void *p;

	memcpy(&p, (const char *)ev + r->array, sizeof(p));
	return p;
}

static size_t part_size(const struct oom_event *ev, size_t offset)
{
	size_t n;

	memcpy(&n, (const char *)ev + offset, sizeof(n));
	return n;
}

static void part_set(struct oom_event *ev, const struct oom_record *r, void *array, size_t n, size_t cap)
{
	memcpy((char *)ev + r->array, &array, sizeof(array));
	memcpy((char *)ev + r->count, &n, sizeof(n));
	memcpy((char *)ev + r->cap, &cap, sizeof(cap));
}

static int clone_part(struct oom_event *dst, const struct oom_event *src, const struct oom_record *r)
{
	size_t n = part_size(src, r->count);
	char *array;

	part_set(dst, r, NULL, 0, 0);
	if (!n)
		return 0;
	array = oom_arena_alloc(&dst->arena, n * r->size);
	if (!array)
		return -ENOMEM;
	memcpy(array, part_array(src, r), n * r->size);
	for (size_t i = 0; i < n; i++)
		if (copy_strings(&dst->arena, r, array + i * r->size) < 0)
			return -ENOMEM;
	part_set(dst, r, array, n, n);
	return 0;
}

int oom_event_clone(struct oom_event *dst, const struct oom_event *src)
{
	int r;

	*dst = *src;
	dst->arena = (struct oom_arena){ .limit = src->arena.limit };
	r = copy_strings(&dst->arena, &oom_event_record, dst);
	for (size_t i = 0; i < OOM_PARTS && r == 0; i++)
		r = clone_part(dst, src, oom_parts[i]);
	if (r < 0)
		oom_event_release(dst);
	return r;
}

void *oom_event_add(struct oom_event *ev, const struct oom_record *r)
{
	size_t n = part_size(ev, r->count), cap = part_size(ev, r->cap);
	char *array;

	if (n >= OOM_MAX_PARTS)
		return NULL;
	array = oom_arena_grow(&ev->arena, part_array(ev, r), n, &cap, r->size);
	if (!array)
		return NULL;
	part_set(ev, r, array, n + 1, cap);
	array += n * r->size;
	memset(array, 0, r->size);
	record_clear(r, array);
	return array;
}

struct oom_task *oom_event_add_task(struct oom_event *ev)
{
	return oom_event_add(ev, &oom_task_record);
}

struct oom_victim *oom_event_add_victim(struct oom_event *ev)
{
	return oom_event_add(ev, &oom_victim_record);
}

struct oom_memory *oom_event_add_memory(struct oom_event *ev)
{
	return oom_event_add(ev, &oom_memory_record);
}

struct oom_prior *oom_event_add_prior(struct oom_event *ev)
{
	return oom_event_add(ev, &oom_prior_record);
}

struct oom_life *oom_event_add_life(struct oom_event *ev)
{
	return oom_event_add(ev, &oom_life_record);
}

struct oom_flight *oom_event_add_flight(struct oom_event *ev)
{
	return oom_event_add(ev, &oom_flight_record);
}

struct oom_raw *oom_event_add_raw(struct oom_event *ev)
{
	return oom_event_add(ev, &oom_raw_record);
}

int oom_event_note(struct oom_event *ev, int64_t line, const char *kind, const char *fmt, ...)
{
	char text[512];
	struct oom_str s;
	struct oom_note *note;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (oom_arena_str(&ev->arena, oom_str_from(text), &s) < 0)
		return -ENOMEM;
	note = oom_event_add(ev, &oom_note_record);
	if (!note)
		return -ENOMEM;
	*note = (struct oom_note){ .line = line, .kind = oom_str_from(kind), .text = s };
	return 0;
}

bool oom_event_logged(const struct oom_event *ev)
{
	return ev->origin != OOM_ORIGIN_RECORD || ev->first_line != OOM_NA || ev->nraw;
}

bool oom_event_recorded(const struct oom_event *ev)
{
	return ev->feeds.n || ev->nlives || ev->nflights || ev->ballot != OOM_BALLOT_NONE;
}

bool oom_event_has_note(const struct oom_event *ev, const char *kind)
{
	for (size_t i = 0; i < ev->nnotes; i++)
		if (oom_str_is(ev->note[i].kind, kind))
			return true;
	return false;
}

const struct oom_task *oom_event_task(const struct oom_event *ev, int64_t pid)
{
	for (size_t i = 0; i < ev->ntasks; i++)
		if (ev->task[i].pid == pid)
			return &ev->task[i];
	for (size_t i = 0; i < ev->ntasks; i++)
		if (ev->task[i].tgid == pid)
			return &ev->task[i];
	return NULL;
}

const struct oom_victim *oom_event_victim(const struct oom_event *ev, int64_t pid)
{
	for (size_t i = 0; i < ev->nvictims; i++)
		if (ev->victim[i].pid == pid)
			return &ev->victim[i];
	return NULL;
}

struct oom_str oom_event_line(const struct oom_event *ev, int64_t line)
{
	size_t lo = 0, hi = ev->nraw;

	while (lo < hi) {                  /* raw lines stand in order */
		size_t mid = lo + (hi - lo) / 2;

		if (ev->raw[mid].line < line)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < ev->nraw && ev->raw[lo].line == line ? ev->raw[lo].text : OOM_STR_NULL;
}

/* ---- sameness ------------------------------------------------------------------------------------------ */

/* Two unlike 64-bit hashes side by side: enough against chance, and nobody gains by a collision. */
struct hash { uint64_t fnv, mul; };

static struct hash hash_bytes(struct hash h, const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = ((const unsigned char *)p)[i];

		h.fnv = (h.fnv ^ c) * 0x100000001b3ull;
		h.mul = ((h.mul << 5 | h.mul >> 59) ^ c) * 0x9e3779b97f4a7c15ull;
	}
	return h;
}

static struct hash hash_i64(struct hash h, int64_t v)
{
	return hash_bytes(h, &v, sizeof(v));
}

static struct hash hash_str(struct hash h, struct oom_str s)
{
	return hash_bytes(hash_i64(h, (int64_t)s.n), s.p, s.n);
}

/* What the kernel said, whatever the prefix of the log looked like. */
static struct hash hash_facts(struct hash h, const struct oom_event *ev)
{
	const int64_t n[] = { ev->trigger_pid, ev->order, ev->gfp_mask, ev->chosen_pid, ev->ram_pages, ev->swap_free_kb,
			      ev->memcg_usage_kb, ev->memcg_failcnt, (int64_t)ev->ntasks };

	h = hash_bytes(hash_str(h, ev->trigger_comm), n, sizeof(n));
	for (size_t i = 0; i < ev->ntasks; i++)
		h = hash_i64(hash_i64(h, ev->task[i].pid), ev->task[i].rss_pages);
	for (size_t i = 0; i < ev->nvictims; i++)
		h = hash_str(hash_i64(h, ev->victim[i].pid), ev->victim[i].comm);
	return h;
}

void oom_event_fingerprint(const struct oom_event *ev, char ret[33])
{
	struct hash h = { 0xcbf29ce484222325ull, 0 };

	h = hash_str(h, ev->machine_id.p ? ev->machine_id : ev->host);
	h = hash_str(h, ev->boot_id);
	h = hash_i64(h, ev->boot_us);
	/* Host, boot and clock name an event.  A log without a boot id tells boots apart by what the kernel said. */
	if (!ev->boot_id.p || ev->boot_us == OOM_NA)
		h = hash_facts(h, ev);
	/* Without any clock of the kernel, the same words at another time are another event. */
	if (ev->boot_us == OOM_NA)
		h = hash_str(h, ev->stamp);
	snprintf(ret, 33, "%016llx%016llx", (unsigned long long)h.fnv, (unsigned long long)h.mul);
}
