/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzz target: the file that an earlier export left.  What is read prints as something that reads the same. */
#include <oomlens/metrics.h>

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct oom_buf print(const struct oom_metrics *m)
{
	struct oom_buf b = { 0 };
	FILE *f = open_memstream(&b.p, &b.n);

	if (!f)
		abort();
	oom_metrics_print(m, f);
	fclose(f);
	return b;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oom_metrics m, again;
	struct oom_buf first, second;

	oom_metrics_init(&m, 3);
	if (oom_metrics_read(&m, (struct oom_str){ (const char *)data, size }))
		return 0;
	first = print(&m);
	oom_metrics_init(&again, 3);
	if (oom_metrics_read(&again, (struct oom_str){ first.p, first.n }))
		abort();
	second = print(&again);
	if (first.n != second.n || memcmp(first.p, second.p, first.n))
		abort();
	free(first.p);
	free(second.p);
	oom_metrics_release(&m);
	oom_metrics_release(&again);
	return 0;
}
