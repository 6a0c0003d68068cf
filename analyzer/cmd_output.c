/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -o FILE: nobody ever reads half of it. */
#include "cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct { const char *path; char beside[4096]; } output;

static int give_up(const char *what, const char *path)
{
	complain("cannot %s '%s': %s", what, path, strerror(errno));
	if (output.beside[0])
		(void)unlink(output.beside);
	output.beside[0] = '\0';
	return EXIT_INPUT;
}

/* Its name begins with a dot, so that it looks like nobody's input. */
static int make_beside(const char *path)
{
	const char *slash = strrchr(path, '/');
	int dir = slash ? (int)(slash + 1 - path) : 0;
	mode_t mask = umask(0);
	int fd;

	(void)umask(mask);
	if (snprintf(output.beside, sizeof(output.beside), "%.*s.%s.XXXXXX", dir, path, path + dir) >= (int)sizeof(output.beside)) {
		output.beside[0] = '\0';
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(output.beside, O_CLOEXEC);
	if (fd < 0)
		output.beside[0] = '\0';
	else
		(void)fchmod(fd, 0666 & ~mask);
	return fd;
}

int output_begin(const char *path)
{
	struct stat st;
	int fd;

	if (!path)
		return EXIT_DONE;
	output.path = path;
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		fd = open(path, O_WRONLY | O_CLOEXEC);
	else
		fd = make_beside(path);
	if (fd < 0 || fflush(stdout) || dup2(fd, STDOUT_FILENO) < 0)
		return give_up("write", path);
	(void)close(fd);
	return EXIT_DONE;
}

int output_end(int code)
{
	if (!output.path)
		return code;
	errno = EIO;
	if (fflush(stdout) || ferror(stdout))
		return give_up("write", output.path);
	if (!output.beside[0])
		return code;
	if (code != EXIT_DONE && code != EXIT_NOTHING) {
		(void)unlink(output.beside);
		return code;
	}
	/* after a crash of the machine: the old one or the new one, not an empty one */
	if (fsync(STDOUT_FILENO) || rename(output.beside, output.path))
		return give_up("write", output.path);
	output.beside[0] = '\0';
	return code;
}
