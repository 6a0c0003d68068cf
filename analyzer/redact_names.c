/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pseudonyms: a keyed hash (SipHash-2-4) of the name, so that they cannot be undone without the key. */
#include <string.h>

#include "redact.h"

/* ---- the hash ------------------------------------------------------------------------------------------- */

static uint64_t rotl(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1]; v[1] = rotl(v[1], 13) ^ v[0]; v[0] = rotl(v[0], 32);
	v[2] += v[3]; v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3]; v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1]; v[1] = rotl(v[1], 17) ^ v[2]; v[2] = rotl(v[2], 32);
}

static uint64_t siphash(const struct oom_redact_key *key, struct oom_str s)
{
	uint64_t v[4] = { key->k[0] ^ 0x736f6d6570736575, key->k[1] ^ 0x646f72616e646f6d, key->k[0] ^ 0x6c7967656e657261,
			  key->k[1] ^ 0x7465646279746573 };

	for (size_t at = 0; at <= s.n; at += 8) {
		uint64_t m = 0;
		bool last = s.n - at < 8;

		for (size_t i = 0; i < 8 && at + i < s.n; i++)
			m |= (uint64_t)(unsigned char)s.p[at + i] << (8 * i);
		m |= last ? (uint64_t)(s.n & 255) << 56 : 0;
		v[3] ^= m;
		sip_round(v);
		sip_round(v);
		v[0] ^= m;
	}
	v[2] ^= 255;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

struct oom_redact_key oom_redact_key_of(struct oom_str word)
{
	static const struct oom_redact_key fixed = { { 0x6f6f6d6c656e7331, 0x7265646163746b31 } };
	struct oom_redact_key k = { { siphash(&fixed, word), 0 } };

	k.k[1] = siphash(&k, word);
	return k;
}

/* ---- words ---------------------------------------------------------------------------------------------- */

static struct oom_str keep(struct oom_redactor *r, struct oom_str s)
{
	struct oom_str copy = OOM_STR_NULL;

	if (s.p && oom_arena_str(r->arena, s, &copy) < 0)
		r->nomem = true;
	return copy;
}

struct oom_str oom_redact_word(struct oom_redactor *r, const char *kind, struct oom_str word)
{
	static const char digits[] = "23456789abcdefghjkmnpqrstuvwxyz";       /* none that looks like another; no vowel words */
	uint64_t h = siphash(r->key, word);
	char tail[8];
	struct oom_str s;

	if (!word.n)
		return word;
	for (size_t i = 0; i < 7; i++, h /= 31)
		tail[i] = digits[h % 31];
	tail[7] = '\0';
	s = oom_arena_fmt(r->arena, "%s-%s", kind, tail);
	r->nomem |= !s.p;
	return s;
}

struct oom_str oom_redact_id(struct oom_redactor *r, struct oom_str id)
{
	static const char hex[] = "0123456789abcdef";
	uint64_t h = siphash(r->key, id);
	char *p = oom_arena_alloc(r->arena, id.n + 1);

	if (!p || !id.p) {
		r->nomem |= !p;
		return OOM_STR_NULL;
	}
	memcpy(p, id.p, id.n);
	for (size_t i = 0; i < id.n; i++) {
		if (!memchr("0123456789abcdefABCDEF", p[i], 22))
			continue;
		p[i] = hex[h & 15];
		h = (h >> 4) | (h << 60);
		if (i % 16 == 15)
			h = siphash(r->key, (struct oom_str){ (const char *)&h, sizeof(h) });
	}
	return (struct oom_str){ p, id.n };
}

/* ---- process names -------------------------------------------------------------------------------------- */

/* What every system runs: such a name tells nothing of whose system it is, and much of what happened. */
static const char *const common[] = {
	"init", "systemd", "systemd-journal", "systemd-logind", "systemd-udevd", "systemd-network", "systemd-resolve",
	"systemd-timesyn", "systemd-hostnam", "systemd-oomd", "systemd-machine", "systemd-userdbd", "(systemd)", "(sd-pam)", "kthreadd",
	"kswapd*", "kcompactd*", "khugepaged", "ksoftirqd/*", "kworker/*", "rcu_sched", "rcu_preempt", "migration/*", "oom_reaper",
	"udevd", "dbus-daemon", "dbus-broker", "sshd", "agetty", "login", "cron", "crond", "rsyslogd", "bash", "sh", "dash", "swapper/*",
	"swapoff", /* the rules of the verdict know it by its name */
};

static bool all_of(struct oom_str s, const char *set)
{
	for (size_t i = 0; i < s.n; i++)
		if (!memchr(set, s.p[i], strlen(set)))
			return false;
	return s.n > 0;
}

/* Behind a star stand CPUs and pools: "kworker/u8:3-acme_wq" names a driver's queue. */
static bool is_common(struct oom_str comm)
{
	for (size_t i = 0; i < OOM_ARRAY_SIZE(common); i++) {
		size_t n = strlen(common[i]);

		if (common[i][n - 1] != '*' ? oom_str_is(comm, common[i]) : comm.n >= n && !memcmp(comm.p, common[i], n - 1) &&
		    all_of(oom_str_sub(comm, n - 1, comm.n), "0123456789:uHn"))
			return true;
	}
	return false;
}

struct oom_str oom_redact_comm(struct oom_redactor *r, struct oom_str comm)
{
	if (!comm.n || is_common(comm))
		return keep(r, comm);
	return oom_redact_word(r, "task", comm);
}

/* ---- paths ---------------------------------------------------------------------------------------------- */

/* Parts of cgroup paths that managers make themselves. */
static const char *const parts[] = {
	"system.slice", "user.slice", "machine.slice", "init.scope", "app.slice", "session.slice", "background.slice", "docker",
	"kubepods", "kubepods.slice", "burstable", "besteffort", "kubepods-burstable.slice", "kubepods-besteffort.slice", "lxc",
	"libpod_parent", "machine", "system", "user", "..", ".",
};
static const char *const suffixes[] = { ".service", ".scope", ".slice", ".mount", ".socket", ".swap" };
/* In front of an id. */
static const char *const fronts[] = {
	"kubepods-burstable-pod", "kubepods-besteffort-pod", "kubepods-pod", "pod", "cri-containerd-", "docker-", "crio-conmon-", "crio-",
	"libpod-conmon-", "libpod-",
};
/* A number of a user or session follows. */
static const char *const numbered[] = { "user-", "session-", "user@", "session-c" };

static struct oom_str join(struct oom_redactor *r, struct oom_str a, struct oom_str b, struct oom_str c)
{
	struct oom_str s = oom_arena_fmt(r->arena, "%.*s%.*s%.*s", (int)a.n, a.p ? a.p : "", (int)b.n, b.p ? b.p : "", (int)c.n,
					 c.p ? c.p : "");

	r->nomem |= !s.p;
	return s;
}

/* "docker-428406e4....scope": who reads the redacted path still sees what kind of thing it is. */
static bool stem_id(struct oom_redactor *r, struct oom_str stem, struct oom_str tail, struct oom_str *ret)
{
	struct oom_str front = OOM_STR(""), id = stem;

	for (size_t i = 0; i < OOM_ARRAY_SIZE(fronts) && !front.n; i++)
		if (oom_str_starts(stem, fronts[i])) {
			front = oom_str_sub(stem, 0, strlen(fronts[i]));
			id = oom_str_sub(stem, front.n, stem.n);
		}
	if (id.n < 32 || !all_of(id, "0123456789abcdef-_"))
		return false;
	*ret = join(r, front, oom_redact_id(r, id), tail);
	return true;
}

static struct oom_str one_part(struct oom_redactor *r, struct oom_str part)
{
	struct oom_str tail = OOM_STR(""), stem = part, ret;

	for (size_t i = 0; i < OOM_ARRAY_SIZE(parts); i++)
		if (oom_str_is(part, parts[i]))
			return part;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(suffixes) && !tail.n; i++)
		if (oom_str_ends(part, suffixes[i])) {
			stem = oom_str_sub(part, 0, part.n - strlen(suffixes[i]));
			tail = oom_str_sub(part, stem.n, part.n);
		}
	for (size_t i = 0; i < OOM_ARRAY_SIZE(numbered); i++)
		if (oom_str_starts(stem, numbered[i]) &&
		    all_of(oom_str_sub(stem, strlen(numbered[i]), stem.n), "0123456789"))
			return part;
	if (stem_id(r, stem, tail, &ret))
		return ret;
	return join(r, oom_redact_word(r, tail.n ? "unit" : "group", stem), tail, OOM_STR(""));
}

struct oom_str oom_redact_path(struct oom_redactor *r, struct oom_str path)
{
	struct oom_buf b = { .p = NULL };
	struct oom_str s = OOM_STR_NULL;
	size_t at = 0;

	if (!path.n)
		return keep(r, path);
	while (at <= path.n) {
		const char *slash = at < path.n ? memchr(path.p + at, '/', path.n - at) : NULL;
		size_t n = slash ? (size_t)(slash - path.p) - at : path.n - at;
		struct oom_str part = n ? one_part(r, oom_str_sub(path, at, n)) : OOM_STR("");

		r->nomem |= oom_buf_add(&b, part.p ? part.p : "", part.n) < 0 || (slash && oom_buf_add(&b, "/", 1) < 0);
		at += n + 1;
		if (!slash)
			break;
	}
	if (!r->nomem)
		s = keep(r, (struct oom_str){ b.p ? b.p : "", b.n });
	oom_buf_release(&b);
	return s;
}

/* Before 5.9 a cgroup's own caches carried its name in brackets. */
struct oom_str oom_redact_cache(struct oom_redactor *r, struct oom_str cache)
{
	const char *open = cache.n ? memchr(cache.p, '(', cache.n) : NULL;
	size_t n = open ? (size_t)(open - cache.p) : cache.n;

	if (!open)
		return keep(r, cache);
	return join(r, oom_str_sub(cache, 0, n), OOM_STR("("),
		    join(r, oom_redact_word(r, "group", oom_str_sub(cache, n, cache.n)), OOM_STR(")"), OOM_STR("")));
}
