/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What other programs wrote of it in the same log, in short; the whole timeline is the page's. */
#include <oomlens/incident.h>

#include "explain_impl.h"

#define LINES_MAX 6

void oom_say_around(struct oom_say *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->ev->nnotes; i++) {
		struct oom_moment m;

		if (!oom_collateral_of_note(&s->ev->note[i], &s->doc->arena, &m))
			continue;
		if (!n++)
			oom_say(s, OOM_NODE_SECTION, OOM_TONE_STRONG, OOM_NA, NULL, "What other programs wrote");
		if (n <= LINES_MAX)
			oom_say(s, OOM_NODE_FACT, m.kind == OOM_MOMENT_OTHER_KILL ? OOM_TONE_WARN : OOM_TONE_PLAIN, m.line,
				oom_teller_names[m.teller], "%s", oom_say_safe(s, m.text));
	}
	if (n > LINES_MAX)
		oom_say(s, OOM_NODE_TEXT, OOM_TONE_DIM, OOM_NA, NULL, "... and %s",
			oom_say_count(s, (int64_t)(n - LINES_MAX), "more line", "more lines"));
}
