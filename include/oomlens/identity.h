/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose cgroup is it?  The path alone tells: service managers, kubelets and container runtimes each have their shapes.
 * What no shape says stays unknown; nothing is asked of the system.
 */
#ifndef OOMLENS_IDENTITY_H
#define OOMLENS_IDENTITY_H

#include <oomlens/base.h>

#define OOM_POD_UID_MAX 36

/* Of things within each other (a container of a node that is a container itself) the innermost is meant. */
struct oom_identity {
	struct oom_str unit;         /* of the service manager, but no slice: "db.service"; borrowed from the path */
	struct oom_str slice;        /* the innermost slice that the unit is in, or that the path names; borrowed */
	int64_t user_id;             /* whose session or user manager it is in; OOM_NA */
	char pod_uid[OOM_POD_UID_MAX + 1];   /* lower case, as the API prints it: 8-4-4-4-12, of static pods 32 digits; "" */
	struct oom_str container_id; /* all hex digits of it, of lxc and nspawn the name; borrowed */
	const char *runtime;         /* "docker", "containerd", "crio", "podman", "lxc", "systemd-nspawn"; NULL */
	const char *qos;             /* "guaranteed", "burstable", "besteffort"; NULL */
};

/* path: of a cgroup, from the root of its hierarchy; may be null.  Never fails. */
void oom_identify(struct oom_str path, struct oom_identity *ret);
/* A container's id as its own tools print it: the first twelve digits; a name is whole. */
struct oom_str oom_container_short(struct oom_str id);

#endif
