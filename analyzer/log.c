/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines of an event as a log that gives the same event: what its boot had taught before comes first. */
#include <oomlens/page.h>

#include <errno.h>

/* The release, where only a line outside of the event told it. */
static bool needs_banner(const struct oom_event *ev)
{
	for (size_t i = 0; i < ev->nraw; i++)
		for (size_t k = 0; k + ev->kernel.n <= ev->raw[i].text.n && ev->kernel.n; k++)
			if (!memcmp(ev->raw[i].text.p + k, ev->kernel.p, ev->kernel.n))
				return false;
	return ev->kernel.n && ev->nraw;
}

int oom_log_context(const struct oom_event *ev, size_t i, struct oom_buf *ret)
{
	const struct oom_prior *p;
	int r;

	ret->n = 0;
	if (needs_banner(ev) && i-- == 0) {
		r = oom_buf_fmt(ret, "Linux version %.*s", (int)ev->kernel.n, ev->kernel.p);
		return r < 0 ? r : 1;
	}
	if (i >= ev->npriors || !ev->nraw)
		return 0;
	p = &ev->prior[i];
	r = oom_buf_fmt(ret, "Killed process %lld (", (long long)p->pid);
	if (r >= 0)
		r = oom_buf_add(ret, p->comm.p ? p->comm.p : "", p->comm.n);
	if (r >= 0)
		r = oom_buf_add(ret, ")", 1);
	return r < 0 ? r : 1;
}

int oom_page_log(const struct oom_event *ev, FILE *out)
{
	struct oom_buf b = { .p = NULL };
	int r;

	for (size_t i = 0; (r = oom_log_context(ev, i, &b)) > 0; i++) {
		fwrite(b.p, 1, b.n, out);
		fputc('\n', out);
	}
	oom_buf_release(&b);
	for (size_t i = 0; i < ev->nraw && r == 0; i++) {
		fwrite(ev->raw[i].text.p ? ev->raw[i].text.p : "", 1, ev->raw[i].text.n, out);
		fputc('\n', out);
	}
	return r;
}
