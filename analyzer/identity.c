/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <oomlens/identity.h>

#include <string.h>

#define ID_FULL  64                   /* docker, containerd, cri-o, podman: a SHA-256 in hex */
#define ID_SHORT 12

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool all_hex(struct oom_str s, size_t n)
{
	if (s.n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_hex(s.p[i]))
			return false;
	return true;
}

/* Cuts the part before the next stop off. */
static bool next_part(struct oom_str *rest, char stop, struct oom_str *ret)
{
	const char *p;

	if (!rest->n)
		return false;
	p = memchr(rest->p, stop, rest->n);
	*ret = oom_str_sub(*rest, 0, p ? (size_t)(p - rest->p) : rest->n);
	*rest = oom_str_sub(*rest, ret->n + (p != NULL), rest->n);
	return true;
}

/* What stands between before and after; false if it is not that, or nothing. */
static bool between(struct oom_str s, const char *before, const char *after, struct oom_str *ret)
{
	if (!oom_take_lit(&s, before) || !oom_str_ends(s, after))
		return false;
	*ret = oom_str_sub(s, 0, s.n - strlen(after));
	return ret->n > 0;
}

/* ---- units ---------------------------------------------------------------------------------------------- */

/* Kinds of units that have a cgroup (systemd.unit(5)). */
static const char *const unit_suffix[] = { ".service", ".scope", ".socket", ".mount", ".swap" };

/* Where systemd-logind, or cgmanager before it, puts a user's processes. */
static const struct { const char *before, *after; } user_shapes[] = {
	{ "user-", ".slice" }, { "user@", ".service" }, { "", ".user" },
};

static void find_unit(struct oom_str part, struct oom_identity *ret)
{
	struct oom_str n;
	int64_t uid;

	if (oom_str_ends(part, ".slice"))
		ret->slice = part;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(unit_suffix); i++)
		if (oom_str_ends(part, unit_suffix[i]))
			ret->unit = part;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(user_shapes); i++)
		if (between(part, user_shapes[i].before, user_shapes[i].after, &n) && oom_take_i64(&n, &uid) && !n.n && uid >= 0)
			ret->user_id = uid;
}

/* ---- pods ----------------------------------------------------------------------------------------------- */

/* A UUID, whose dashes are underscores in the names of slices, or the hash of a static pod's file. */
static bool take_pod(struct oom_str s, char ret[OOM_POD_UID_MAX + 1])
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (all_hex(s, 32)) {
		memcpy(ret, s.p, s.n);
		ret[s.n] = '\0';
		return true;
	}
	if (s.n != OOM_POD_UID_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (form[i] == 'x' ? !is_hex(s.p[i]) : s.p[i] != '-' && s.p[i] != '_')
			return false;
	for (size_t i = 0; i < s.n; i++)
		ret[i] = form[i] == 'x' ? s.p[i] : '-';
	ret[s.n] = '\0';
	return true;
}

/*
 * The kubelet's tree is kubepods, a class, a pod: as parts of the path with the cgroupfs driver, as a slice's name,
 * "kubepods-burstable-pod<uid>.slice", with systemd's.  Guaranteed pods have no class in it.
 */
static void take_word(struct oom_str word, bool *inside, struct oom_identity *ret)
{
	static const char *const classes[] = { "burstable", "besteffort" };
	struct oom_str uid = word;

	if (oom_str_is(word, "kubepods")) {
		*inside = true;
		ret->qos = NULL;
		ret->pod_uid[0] = '\0';
		return;
	}
	for (size_t i = 0; *inside && i < OOM_ARRAY_SIZE(classes); i++)
		if (oom_str_is(word, classes[i]))
			ret->qos = classes[i];
	if (!*inside || !oom_take_lit(&uid, "pod") || !take_pod(uid, ret->pod_uid))
		return;
	ret->qos = ret->qos ? ret->qos : "guaranteed";
	/* what stood before is the node's */
	ret->container_id = OOM_STR_NULL;
	ret->runtime = NULL;
}

static void find_pod(struct oom_str part, bool *inside, struct oom_identity *ret)
{
	struct oom_str name, word;

	if (!between(part, "", ".slice", &name)) {
		take_word(part, inside, ret);
		return;
	}
	while (next_part(&name, '-', &word))
		take_word(word, inside, ret);
}

/* ---- containers ------------------------------------------------------------------------------------------ */

enum hole { HOLE_ID, HOLE_NAME };

/* First match wins.  within: the part before it; "" = any. */
static const struct { const char *within, *before, *after; enum hole hole; const char *runtime; } shapes[] = {
	{ "", "docker-", ".scope", HOLE_ID, "docker" },
	{ "docker", "", "", HOLE_ID, "docker" },
	{ "", "cri-containerd-", ".scope", HOLE_ID, "containerd" },
	{ "cri-containerd", "", "", HOLE_ID, "containerd" },         /* slice:cri-containerd:id, drivers mixed */
	{ "", "nerdctl-", ".scope", HOLE_ID, "containerd" },
	{ "k8s.io", "", "", HOLE_ID, "containerd" },
	{ "", "crio-conmon-", ".scope", HOLE_ID, "crio" },
	{ "", "crio-", ".scope", HOLE_ID, "crio" },
	{ "", "crio-conmon-", "", HOLE_ID, "crio" },
	{ "", "crio-", "", HOLE_ID, "crio" },
	{ "crio", "", "", HOLE_ID, "crio" },
	{ "", "libpod-conmon-", ".scope", HOLE_ID, "podman" },
	{ "", "libpod-", ".scope", HOLE_ID, "podman" },
	{ "", "libpod-payload-", "", HOLE_ID, "podman" },           /* within the unit that runs it */
	{ "", "libpod-", "", HOLE_ID, "podman" },
	{ "", "lxc.payload.", "", HOLE_NAME, "lxc" },
	{ "", "lxc.monitor.", "", HOLE_NAME, "lxc" },
	{ "lxc.payload", "", "", HOLE_NAME, "lxc" },
	{ "lxc.monitor", "", "", HOLE_NAME, "lxc" },
	{ "lxc", "", "", HOLE_NAME, "lxc" },
	{ "", "systemd-nspawn@", ".service", HOLE_NAME, "systemd-nspawn" },
	{ "", "", "", HOLE_ID, NULL },                              /* below somebody's own parent, or in a pod */
};

static void find_container(struct oom_str before, struct oom_str part, struct oom_identity *ret)
{
	struct oom_str id;

	for (size_t i = 0; i < OOM_ARRAY_SIZE(shapes); i++) {
		if (*shapes[i].within && !oom_str_is(before, shapes[i].within))
			continue;
		if (!between(part, shapes[i].before, shapes[i].after, &id))
			continue;
		if (shapes[i].hole == HOLE_ID && !all_hex(id, ID_FULL))
			continue;
		ret->container_id = id;
		ret->runtime = shapes[i].runtime;
		return;
	}
}

/* ---- the path -------------------------------------------------------------------------------------------- */

void oom_identify(struct oom_str path, struct oom_identity *ret)
{
	struct oom_str part, word, before = OOM_STR_NULL;
	bool inside = false;

	*ret = (struct oom_identity){ .user_id = OOM_NA };
	while (next_part(&path, '/', &part)) {
		find_unit(part, ret);
		/* units may have a colon in their names, containers and slices that a runtime glued together have two */
		while (next_part(&part, ':', &word)) {
			find_pod(word, &inside, ret);
			find_container(before, word, ret);
			before = word;
		}
	}
}

struct oom_str oom_container_short(struct oom_str id)
{
	return all_hex(id, ID_FULL) ? oom_str_sub(id, 0, ID_SHORT) : id;
}
