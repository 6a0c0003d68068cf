/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the store lies when nobody says so: the same place for all programs. */
#include <oomlens/store.h>

#include <stdlib.h>
#include <unistd.h>

void oom_store_default_path(char *buf, size_t size)
{
	const char *env = getenv("OOMLENS_DB"), *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	const char *sys = "/var/lib/oomlens/oom.db";

	if (env && *env)
		snprintf(buf, size, "%s", env);
	else if (geteuid() == 0 || access(sys, R_OK) == 0 || !((state && *state) || (home && *home)))
		snprintf(buf, size, "%s", sys);
	else if (state && *state)
		snprintf(buf, size, "%s/oomlens/oom.db", state);
	else
		snprintf(buf, size, "%s/.local/state/oomlens/oom.db", home);
}
