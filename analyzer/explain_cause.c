/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why there was no memory: the cause with its proof, what contributed, what would help. */
#include "explain_impl.h"

static const char *text_of(struct oom_say *s, struct oom_str text)
{
	return oom_say_z(s, "%.*s", (int)text.n, text.p ? text.p : "");
}

static void say_primary(struct oom_say *s, const struct oom_finding *f)
{
	static const enum oom_tone tones[] = {
		[OOM_CONFIDENCE_NONE] = OOM_TONE_WARN, [OOM_CONFIDENCE_LIKELY] = OOM_TONE_STRONG,
		[OOM_CONFIDENCE_CERTAIN] = OOM_TONE_STRONG,
	};

	oom_say(s, OOM_NODE_TEXT, tones[f->confidence], OOM_NA, NULL, "%s%s", text_of(s, f->text),
		f->confidence == OOM_CONFIDENCE_LIKELY ? " (likely, not certain)" : "");
	for (size_t i = 0; i < f->nevidence; i++)
		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, f->evidence[i].line, i ? "" : "proof", "%s",
			text_of(s, f->evidence[i].text));
}

static void say_others(struct oom_say *s)
{
	for (size_t i = 1; i < s->why->nfindings; i++) {
		const struct oom_finding *f = &s->why->finding[i];

		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, f->nevidence ? f->evidence[0].line : OOM_NA,
			i == 1 ? "besides" : "", "%s", text_of(s, f->text));
	}
}

void oom_say_cause(struct oom_say *s)
{
	const struct oom_finding *f = &s->why->finding[0];

	oom_say(s, OOM_NODE_SECTION, OOM_TONE_STRONG, OOM_NA, NULL, "Why there was no memory");
	say_primary(s, f);
	say_others(s);
	if (f->cause->advice)
		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, "would help", "%s", f->cause->advice);
	if (f->cause->refute)
		oom_say(s, OOM_NODE_FACT, OOM_TONE_DIM, OOM_NA, "wrong if", "%s", f->cause->refute);
}
