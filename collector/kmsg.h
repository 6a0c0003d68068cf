/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of /dev/kmsg, for who reads what is there (kmsg.c) and for who goes on reading (klog.c). */
#ifndef OOMLENS_KMSG_H
#define OOMLENS_KMSG_H

#include <oomlens/base.h>

#include <sys/types.h>

/* CONSOLE_EXT_LOG_MAX of kernels before 6.x; later ones use 2048. */
#define OOM_KMSG_RECORD_MAX 8192

/* A descriptor that does not block, at the oldest record; or -errno. */
int oom_kmsg_open(struct oom_err *reterr);
/* Bytes of the next record, its dictionary included; 0 = no more now, -errno.  p has room for OOM_KMSG_RECORD_MAX.  A
 * reader that was overtaken goes on with the oldest record left. */
ssize_t oom_kmsg_read(int fd, char *p, struct oom_err *reterr);

#endif
