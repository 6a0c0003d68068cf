/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nodes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "procfs.h"

static const struct { const char *key; uint16_t offset; } fields[] = {
#define F(key_, m) { key_, offsetof(struct oom_node, m) }
	F("present",             present),
	F("spanned",             spanned),
	F("managed",             managed),
	F("nr_free_pages",       free),
	F("nr_inactive_file",    file),
	F("nr_active_file",      file),
	F("nr_slab_reclaimable", file),
#undef F
};

static void add_field(struct oom_node *node, struct oom_str line)
{
	struct oom_str key;
	int64_t v, sum;

	(void)oom_take_blanks(&line);
	if (!oom_take_word(&line, &key) || !oom_take_blanks(&line) || !oom_take_i64(&line, &v) || v < 0)
		return;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(fields); i++) {
		char *at = (char *)node + fields[i].offset;

		if (!oom_str_is(key, fields[i].key))
			continue;
		memcpy(&sum, at, sizeof(sum));
		if (!__builtin_add_overflow(sum, v, &sum))
			memcpy(at, &sum, sizeof(sum));
	}
}

/* The zone's own lines, and behind the first zone of a node those of the node. */
static struct oom_node *take_line(struct oom_nodes *n, struct oom_node *node, struct oom_str line)
{
	int64_t id;

	if (!oom_take_lit(&line, "Node ")) {
		if (node)
			add_field(node, line);
		return node;
	}
	if (!oom_take_i64(&line, &id) || id < 0 || id >= OOM_NODES_MAX)
		return NULL;
	if (n->n <= (size_t)id)
		n->n = (size_t)id + 1;
	return &n->node[id];
}

static void read_zones(struct oom_nodes *n, int fd, char *buf, size_t cap)
{
	struct oom_node *node = NULL;
	struct oom_str rest, line;
	size_t have = 0;
	ssize_t got;

	while (have < cap && ((got = read(fd, buf + have, cap - have)) > 0 || (got < 0 && errno == EINTR))) {
		const char *end;

		if (got < 0)
			continue;
		have += (size_t)got;
		end = memrchr(buf, '\n', have);
		if (!end)
			continue;
		rest = (struct oom_str){ buf, (size_t)(end - buf) + 1 };
		have -= rest.n;
		while (oom_proc_line(&rest, &line))
			node = take_line(n, node, line);
		memmove(buf, end + 1, have);
	}
}

void oom_nodes_read(struct oom_nodes *n, int proc, char *buf, size_t cap)
{
	int fd = openat(proc, "zoneinfo", O_RDONLY | O_CLOEXEC);

	memset(n->node, 0, sizeof(n->node));
	n->n = n->with_memory = n->nsets = 0;
	n->full = false;
	if (fd < 0)
		return;
	read_zones(n, fd, buf, cap);
	close(fd);
	for (size_t i = 0; i < n->n; i++)
		n->with_memory += n->node[i].present > 0;
}

static bool parse_list(struct oom_str list, struct oom_node_set *ret)
{
	int64_t from, to;

	memset(ret, 0, sizeof(*ret));
	if (!list.n || list.n >= sizeof(ret->text))
		return false;
	memcpy(ret->text, list.p, list.n);
	do {
		if (!oom_take_i64(&list, &from))
			return false;
		to = from;
		if (oom_take_char(&list, '-') && !oom_take_i64(&list, &to))
			return false;
		if (from < 0 || to < from || to >= OOM_NODES_MAX)
			return false;
		for (int64_t i = from; i <= to; i++)
			ret->bit[i / 64] |= (uint64_t)1 << (i % 64);
	} while (oom_take_char(&list, ','));
	return list.n == 0;
}

int32_t oom_nodes_set(struct oom_nodes *n, struct oom_str list)
{
	struct oom_node_set *set;

	list = oom_str_trim(list);
	for (size_t i = 0; i < n->nsets; i++)
		if (oom_str_is(list, n->set[i].text))
			return (int32_t)i;
	if (n->nsets == OOM_NODE_SETS_MAX) {
		n->full = true;
		return -1;
	}
	set = &n->set[n->nsets];
	return parse_list(list, set) ? (int32_t)n->nsets++ : -1;
}

int32_t oom_nodes_mask(struct oom_nodes *n, uint64_t mask)
{
	char list[64 * 4];
	size_t len = 0;

	for (size_t i = 0; i < n->nsets; i++)
		if (n->set[i].bit[0] == mask)
			return (int32_t)i;
	for (int i = 0, end; i < 64 && mask; i = end + 1) {
		end = i;
		if (!(mask >> i & 1))
			continue;
		while (end < 63 && mask >> (end + 1) & 1)
			end++;
		len += (size_t)snprintf(list + len, sizeof(list) - len, end > i ? "%s%d-%d" : "%s%d", len ? "," : "", i, end);
	}
	return len ? oom_nodes_set(n, (struct oom_str){ list, len }) : -1;
}

struct oom_str oom_nodes_bind(struct oom_str text)
{
	struct oom_str line, word;

	/* "7f0000000000 bind=static:0-1 anon=1 ...": without a policy of its own a mapping shows the
	 * task's */
	if (!oom_proc_line(&text, &line) || !oom_take_word(&line, &word) || !oom_take_blanks(&line) ||
	    !oom_take_word(&line, &word) || !oom_take_lit(&word, "bind"))
		return OOM_STR_NULL;
	return oom_take_until(&word, ':', &line) ? oom_str_sub(word, 1, word.n) : OOM_STR_NULL;
}

bool oom_nodes_meet(const struct oom_node_set *a, const struct oom_node_set *b)
{
	for (size_t i = 0; i < OOM_ARRAY_SIZE(a->bit); i++)
		if (a->bit[i] & b->bit[i])
			return true;
	return false;
}

static bool in_set(const struct oom_node_set *set, size_t node)
{
	return set->bit[node / 64] >> (node % 64) & 1;
}

bool oom_nodes_all(const struct oom_nodes *n, const struct oom_node_set *set)
{
	for (size_t i = 0; i < n->n; i++)
		if (n->node[i].present > 0 && !in_set(set, i))
			return false;
	return true;
}

struct oom_node oom_nodes_sum(const struct oom_nodes *n, const struct oom_node_set *set)
{
	struct oom_node sum = { 0 };

	for (size_t i = 0; i < n->n; i++) {
		if (!in_set(set, i))
			continue;
		sum.present += n->node[i].present;
		sum.spanned += n->node[i].spanned;
		sum.managed += n->node[i].managed;
		sum.free += n->node[i].free;
		sum.file += n->node[i].file;
	}
	return sum;
}
