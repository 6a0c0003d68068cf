/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stall DIR: a FUSE file system with one file, DIR/file, that can be opened and mapped but never takes a
 * write: whoever waits for one waits in D state until this program dies. An open with O_SYNC is answered with
 * FOPEN_DIRECT_IO: a private mapping of such a descriptor first writes back the dirty pages of the file,
 * under the mmap lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILE_NODE 2
#define FILE_SIZE 4096

static int dev;

static void answer(const struct fuse_in_header *in, int error, void *body, size_t size)
{
	struct fuse_out_header out = {
		.len = (unsigned int)(sizeof(out) + size), .error = error, .unique = in->unique,
	};
	struct iovec parts[2] = { { &out, sizeof(out) }, { body, size } };

	if (writev(dev, parts, size ? 2 : 1) < 0)
		perror("stall: writev");
}

static struct fuse_attr attributes(unsigned long long node)
{
	struct fuse_attr attr = { .ino = node, .nlink = 1, .blksize = 4096 };

	attr.mode = node == FILE_NODE ? S_IFREG | 0666 : S_IFDIR | 0777;
	attr.size = node == FILE_NODE ? FILE_SIZE : 0;
	return attr;
}

static void serve(const struct fuse_in_header *in, void *body)
{
	struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 65536, .max_readahead = 65536,
	};
	struct fuse_entry_out entry = { .nodeid = FILE_NODE, .entry_valid = 3600, .attr_valid = 3600 };
	struct fuse_attr_out attr = { .attr_valid = 3600 };
	struct fuse_open_out open = { .fh = 1 };
	static char page[FILE_SIZE];

	switch (in->opcode) {
	case FUSE_INIT:
		answer(in, 0, &init, sizeof(init));
		break;
	case FUSE_LOOKUP:
		entry.attr = attributes(FILE_NODE);
		answer(in, 0, &entry, sizeof(entry));
		break;
	case FUSE_GETATTR:
		attr.attr = attributes(in->nodeid);
		answer(in, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
		if (((struct fuse_open_in *)body)->flags & O_SYNC)
			open.open_flags = FOPEN_DIRECT_IO;
		else
			open.open_flags = FOPEN_KEEP_CACHE;
		answer(in, 0, &open, sizeof(open));
		break;
	case FUSE_READ:
		answer(in, 0, page, sizeof(page));
		break;
	case FUSE_WRITE:	/* the one that nobody gets an answer to */
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		answer(in, -ENOSYS, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	static char buf[256 * 1024] __attribute__((aligned(8)));
	char options[64];

	dev = open("/dev/fuse", O_RDWR);
	if (argc != 2 || dev < 0) {
		perror("stall: /dev/fuse");
		return 1;
	}
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", dev);
	if (mount("stall", argv[1], "fuse", 0, options)) {
		perror("stall: mount");
		return 1;
	}
	while (read(dev, buf, sizeof(buf)) > 0)
		serve((struct fuse_in_header *)buf, buf + sizeof(struct fuse_in_header));
	return 0;
}
