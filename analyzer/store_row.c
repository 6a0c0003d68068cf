/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A row of the task table as kernels print it, made again from its fields (mm/oom_kill.c:dump_task). */
#include "store_impl.h"

#include <string.h>

/*
 * By heading.  A number is the width, a letter the field: pid, uid, tgid, total_Vm, rss, its Anon, File and Shmem parts,
 * page-table Bytes, nr_ptEs, nr_pMds, Swapents, Cpu, Oom_adj, oom_score_aDj, Name.  Part of the format of evidence.raw:
 * append only.
 */
static const char *const formats[OOM_ROW_FORMATS] = {
	NULL,
	"[7p] 5u 5t 8V 8r 8A 8F 9S 8B 8s         5d n",   /* 6.8 */
	"[7p] 5u 5t 8V 8r 8B 8s         5d n",            /* 5.0 */
	"[5p] 5u 5t 8V 8r 8B 8s         5d n",            /* 4.15 */
	"[5p] 5u 5t 8V 8r 7E 7M 8s         5d n",         /* 4.0 */
	"[5p] 5u 5t 8V 8r 7E 8s         5d n",            /* 3.6 */
	"[5p] 5u 5t 8V 8r 3c     3o         5d n",        /* 2.6.36 */
};

static int64_t value_of(char field, const struct oom_task *t)
{
	switch (field) {
	case 'p': return t->pid;
	case 'u': return t->uid;
	case 't': return t->tgid;
	case 'V': return t->total_vm_pages;
	case 'r': return t->rss_pages;
	case 'A': return t->rss_anon_pages;
	case 'F': return t->rss_file_pages;
	case 'S': return t->rss_shmem_pages;
	case 'B': return t->pgtables_bytes;
	case 'E': return t->nr_ptes;
	case 'M': return t->nr_pmds;
	case 's': return t->swap_pages;
	case 'c': return t->cpu;
	case 'o': return t->oom_adj;
	default:  return t->oom_score_adj;
	}
}

/* printf("%*lld") */
static char *put_number(char *p, int64_t v, size_t width)
{
	char digits[24];
	size_t n = sizeof(digits);
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

	do {
		digits[--n] = (char)('0' + u % 10);
		u /= 10;
	} while (u);
	if (v < 0)
		digits[--n] = '-';
	for (size_t have = sizeof(digits) - n; have < width; have++)
		*p++ = ' ';
	memcpy(p, digits + n, sizeof(digits) - n);
	return p + sizeof(digits) - n;
}

size_t oom_row_text(unsigned format, const struct oom_task *t, char buf[OOM_ROW_MAX])
{
	const char *f = format && format < OOM_ROW_FORMATS ? formats[format] : NULL;
	char *p = buf;

	if (!f || !t->comm.p || t->comm.n > OOM_ROW_NAME_MAX)
		return 0;
	for (; *f != 'n'; f++) {
		if (*f >= '0' && *f <= '9') {
			size_t width = (size_t)(*f++ - '0');
			int64_t v = value_of(*f, t);

			if (v == OOM_NA)
				return 0;
			p = put_number(p, v, width);
		} else {
			*p++ = *f;
		}
	}
	memcpy(p, t->comm.p, t->comm.n);
	return (size_t)(p - buf) + t->comm.n;
}
